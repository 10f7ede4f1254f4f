// A checker of a live registry as a whole: what is answered by the store is what every reader sees from then on, while
// versions, stops, growth and checkpoints go on.
//
// Versions    name and zip of a code both carry its version, so that a probe tells which version judged it, and whether
//             both are of the same.
// Phases      of a code: usable -> a stop is sent -> it is answered -> a resume is sent -> it is answered, usable. While an
//             answered stop stands, before and after a probe, the probe must not be clear.
// Writers     one thread sends parcels of changes through the queue, each to codes of their own, and waits for the answers
//             of most of them; another writes checkpoints.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "clearline/screener.h"
#include "io/store/change_queue.h"
#include "tests/support/live_directory.h"
#include "tests/support/random_input.h"

namespace clearline {
namespace {

using test::LiveDirectory;
using test::make_change;

/// How many codes there may be.
constexpr std::size_t kCodesMax = CLEARLINE_SANITIZED != 0 ? 50'000 : 400'000;
/// People, each with one code at a time, that is amended, stopped and reissued.
constexpr std::size_t kPeople = 200;
constexpr std::size_t kParcelMax = 64;
constexpr std::size_t kInFlightMax = 4;  // parcels
constexpr std::size_t kBatch = 32;       // probes

Code code_of(std::size_t index) { return Code{1'000 + index * 40'503}; }

std::string name_of(std::uint64_t version) {
  std::string name = "KIM ";
  for (int i = 0; i < 10; ++i, version /= 10) name += static_cast<char>('A' + version % 10);
  return name;
}
std::uint32_t zip_of(std::uint64_t version) { return static_cast<std::uint32_t>(version % 100'000); }
std::string zip_text(std::uint64_t version) { return std::to_string(100'000 + zip_of(version)).substr(1); }

/// What is known of a code. Each atomic is stored with release and loaded with acquire: who reads it also sees what came
/// before it, an answer or a probe.
struct Known {
  enum Phase : std::uint64_t { kUsable, kStopSent, kStopped, kResumeSent };
  /// Steps through the phases; its remainder by 4 is the phase. A code that was never issued is as one whose resume is
  /// sent, once its issue is.
  std::atomic<std::uint64_t> phase{kStopped};
  std::atomic<std::uint64_t> sent{0};      // the newest version that was sent
  std::atomic<std::uint64_t> answered{0};  // the newest version that was answered, 0: the issue was not
  std::atomic<std::uint64_t> seen{0};      // the newest version that a probe saw
  std::atomic<std::uint64_t> seq{0};       // of the last answer

  std::uint64_t oldest_allowed() const {
    return std::max(answered.load(std::memory_order_acquire), seen.load(std::memory_order_acquire));
  }
  void see(std::uint64_t version) {
    std::uint64_t before = seen.load(std::memory_order_acquire);
    while (before < version && !seen.compare_exchange_weak(before, version, std::memory_order_acq_rel)) {
    }
  }
};

/// All that writers and readers share.
struct Shared {
  std::vector<Known> known = std::vector<Known>(kCodesMax);
  std::atomic<std::size_t> codes{0};                     // so many were sent
  std::array<std::atomic<std::size_t>, kPeople> people;  // the index of the code of each
  std::atomic<std::uint64_t> changes{0};                 // answered
  std::atomic<std::uint64_t> probes{0};
  std::atomic<bool> is_over{false};
};

/// Sends changes of people.
class Registrar {
 public:
  Registrar(Shared& shared, ChangeQueue& queue, std::uint64_t seed)
      : shared_(&shared), queue_(&queue), random_(seed), states_(kPeople) {}

  /// One change to each person at least before any of them is used twice, and so in parcels.
  void run() {
    std::size_t next = 0;
    while (!shared_->is_over.load(std::memory_order_acquire)) {
      std::vector<ChangeRequest> parcel;
      std::vector<Sent> sent;
      for (std::size_t count = 1 + random_() % kParcelMax; count > 0; --count) {
        if (random_() % 10 == 0) {
          issue_stranger(parcel, sent);
          continue;
        }
        {
          // A change is made of what the one before it left, so that one has its answer.
          std::unique_lock lock(mutex_);
          if (states_[next].is_waiting) break;
          states_[next].is_waiting = true;
        }
        change_person(next, parcel, sent);
        next = (next + 1) % kPeople;
      }
      if (!parcel.empty()) submit(std::move(parcel), std::move(sent));
      std::unique_lock lock(mutex_);
      answered_.wait(lock, [&] { return in_flight_ < kInFlightMax && !states_[next].is_waiting; });
    }
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [&] { return in_flight_ == 0; });
  }

 private:
  /// What an answer makes of what is known.
  struct Sent {
    std::size_t person = kPeople;  // none
    std::size_t code = 0;
    std::uint64_t version = 0;  // of the code
    bool is_phase = false;      // the code steps into its next phase
    std::size_t new_code = 0;   // reissue: this one becomes usable
    std::uint64_t new_version = 0;
  };
  struct State {
    std::size_t code = 0;
    std::uint64_t version = 0;  // 0: there is no code yet, or it was cancelled
    bool is_suspended = false;
    bool is_waiting = false;  // for an answer; guarded by mutex_
  };

  std::optional<std::size_t> take_code() {
    const std::size_t code = shared_->codes.load(std::memory_order_relaxed);
    if (code == kCodesMax) return std::nullopt;
    shared_->codes.store(code + 1, std::memory_order_release);
    return code;
  }
  static void step(Known& known) { known.phase.fetch_add(1, std::memory_order_acq_rel); }

  Change make(ChangeOp op, std::size_t code) {
    return make_change(op, code_of(code).digits, "c" + std::to_string(++change_count_));
  }
  static void set_version(Change& change, std::uint64_t version) {
    change.name = name_of(version);
    change.zips = std::vector<std::uint32_t>{zip_of(version)};
  }

  bool issue(std::size_t person, std::uint64_t version, std::vector<ChangeRequest>& parcel, std::vector<Sent>& sent) {
    const auto code = take_code();
    if (!code) return false;
    Change change = make(ChangeOp::kIssue, *code);
    set_version(change, version);
    Known& known = shared_->known[*code];
    known.sent.store(version, std::memory_order_release);
    step(known);
    if (person < kPeople) {
      states_[person].code = *code;
      states_[person].version = version;
      states_[person].is_suspended = false;
      shared_->people[person].store(*code, std::memory_order_release);
    }
    parcel.push_back({std::move(change), "uid:0", false, {}});
    sent.push_back({person, *code, version, true, 0, 0});
    return true;
  }
  void issue_stranger(std::vector<ChangeRequest>& parcel, std::vector<Sent>& sent) {
    // The last codes are for people.
    if (shared_->codes.load(std::memory_order_relaxed) < kCodesMax / 2)
      issue(kPeople, 1 + random_() % 1'000, parcel, sent);
  }

  void change_person(std::size_t person, std::vector<ChangeRequest>& parcel, std::vector<Sent>& sent) {
    State& state = states_[person];
    if (state.version == 0) {
      if (!issue(person, 1 + random_() % 1'000, parcel, sent)) forget_wait(person);
      return;
    }
    Known& known = shared_->known[state.code];
    const auto chance = random_() % 100;
    if (chance < 40) {
      Change change = make(ChangeOp::kAmend, state.code);
      set_version(change, ++state.version);
      known.sent.store(state.version, std::memory_order_release);
      add(std::move(change), {person, state.code, state.version, false, 0, 0}, parcel, sent);
    } else if (chance < 85) {
      // To the next phase: a stop, or its end.
      Change change = make(state.is_suspended ? ChangeOp::kResume : ChangeOp::kSuspend, state.code);
      state.is_suspended = !state.is_suspended;
      step(known);
      add(std::move(change), {person, state.code, state.version, true, 0, 0}, parcel, sent);
    } else if (chance < 95) {
      const auto new_code = take_code();
      if (!new_code) return forget_wait(person);
      Change change = make(ChangeOp::kReissue, state.code);
      change.new_code = code_of(*new_code);
      // The new code has the data of the old one, or what is given.
      const std::uint64_t new_version = state.version + random_() % 2;
      if (new_version != state.version) set_version(change, new_version);
      Known& renewed = shared_->known[*new_code];
      renewed.sent.store(new_version, std::memory_order_release);
      step(renewed);
      const bool is_stop = !state.is_suspended;
      if (is_stop) step(known);
      const Sent effect{person, state.code, state.version, is_stop, *new_code, new_version};
      state = {*new_code, new_version, false, true};
      shared_->people[person].store(*new_code, std::memory_order_release);
      add(std::move(change), effect, parcel, sent);
    } else {
      Change change = make(ChangeOp::kCancel, state.code);
      const bool is_stop = !state.is_suspended;
      if (is_stop) step(known);
      add(std::move(change), {person, state.code, state.version, is_stop, 0, 0}, parcel, sent);
      state.version = 0;
    }
  }
  static void add(Change change, const Sent& effect, std::vector<ChangeRequest>& parcel, std::vector<Sent>& sent) {
    parcel.push_back({std::move(change), "uid:0", false, {}});
    sent.push_back(effect);
  }
  void forget_wait(std::size_t person) {
    const std::scoped_lock lock(mutex_);
    states_[person].is_waiting = false;
  }

  void submit(std::vector<ChangeRequest> parcel, std::vector<Sent> sent) {
    {
      const std::scoped_lock lock(mutex_);
      ++in_flight_;
    }
    queue_->submit(std::move(parcel), [this, sent = std::move(sent)](std::span<ChangeRequest> requests) {
      for (std::size_t i = 0; i < requests.size(); ++i) take(requests[i], sent[i]);
      {
        const std::scoped_lock lock(mutex_);
        --in_flight_;
        for (const Sent& one : sent) {
          if (one.person < kPeople) states_[one.person].is_waiting = false;
        }
        // Inside of the lock: the registrar may go as soon as it sees this.
        answered_.notify_one();
      }
    });
  }

  /// The answer, on the writer's thread.
  void take(const ChangeRequest& request, const Sent& sent) {
    const ChangeAnswer& answer = request.answer;
    if (answer.error || answer.repeat) {
      ADD_FAILURE() << request.change.change_id << ": " << answer.detail;
      shared_->is_over.store(true, std::memory_order_release);
      return;
    }
    const auto note = [&](std::size_t code, std::uint64_t version, bool is_phase) {
      Known& known = shared_->known[code];
      known.answered.store(version, std::memory_order_release);
      known.seq.store(answer.seq, std::memory_order_release);
      if (is_phase) step(known);
    };
    note(sent.code, sent.version, sent.is_phase);
    if (request.change.op == ChangeOp::kReissue) note(sent.new_code, sent.new_version, true);
    shared_->changes.fetch_add(1, std::memory_order_relaxed);
  }

  Shared* shared_;
  ChangeQueue* queue_;
  std::mt19937_64 random_;
  std::uint64_t change_count_ = 0;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::size_t in_flight_ = 0;
  std::vector<State> states_;
};

/// One probe: what it declares, and what was known before it.
struct Probe {
  std::size_t index = 0;
  std::uint64_t name_version = 0;
  std::uint64_t zip_version = 0;
  std::uint64_t phase = 0;
  std::uint64_t oldest = 0;
  std::uint64_t seq = 0;
  std::string code;
  std::string name;
  std::string zip;

  void make(const Shared& shared, std::mt19937_64& random) {
    index = random() % 2 == 0 ? shared.people[random() % kPeople].load(std::memory_order_acquire)
                              : random() % shared.codes.load(std::memory_order_acquire);
    const Known& known = shared.known[index];
    phase = known.phase.load(std::memory_order_acquire);
    oldest = known.oldest_allowed();
    seq = known.seq.load(std::memory_order_acquire);
    // The version it should be at; the one before, the one behind; and both mixed.
    constexpr std::array<std::pair<int, int>, 8> kKinds{
        {{0, 0}, {0, 0}, {0, 0}, {1, 1}, {1, 1}, {-1, -1}, {0, 1}, {1, 0}}};
    const auto [name_step, zip_step] = kKinds[random() % kKinds.size()];
    const std::uint64_t sent = known.sent.load(std::memory_order_acquire);
    const std::uint64_t version = std::max({sent - std::min(sent, random() % 2), oldest, std::uint64_t{1}});
    name_version = version + static_cast<std::uint64_t>(name_step);
    zip_version = version + static_cast<std::uint64_t>(zip_step);
    code = format_code(code_of(index));
    name = name_of(name_version);
    zip = zip_text(zip_version);
  }
  Declaration declaration() const { return {code, name, zip, {}, std::nullopt}; }

  /// A version that the probe met: what is wrong with it, or nothing.
  const char* fault_of(std::uint64_t version, Known& known) const {
    if (version < oldest) return "a version stepped back";
    if (version > known.sent.load(std::memory_order_acquire)) return "a version that was not sent";
    known.see(version);
    return nullptr;
  }

  /// What is wrong with a verdict, or nothing.
  const char* fault_of(const Verdict& verdict, Known& known) const {
    const bool is_in_phase = phase == known.phase.load(std::memory_order_acquire);
    const bool is_active = verdict.code == CodeCheck::kActive;
    const bool is_name = verdict.name == ItemCheck::kSame;
    const bool is_zip = verdict.zip == ItemCheck::kSame;
    if (verdict.reasons.has(Reason::kInternal)) return "it was not judged";
    if (verdict.registry_seq < seq) return "older than the last answer before it";
    if ((verdict.outcome == Outcome::kClear) != (is_active && is_name && is_zip)) return "not the worst of its reasons";
    if (is_in_phase && phase % 4 == Known::kStopped && is_active) return "usable after the answer that stopped it";
    if (is_in_phase && phase % 4 == Known::kUsable && !is_active) return "not usable after the answer that made it so";
    if (verdict.code == CodeCheck::kUnknown) return oldest == 0 ? nullptr : "a code that was there is gone";
    const bool is_torn = name_version == zip_version ? is_name != is_zip : is_name && is_zip;
    if (is_torn) return "the name of one version with the zip of another";
    const char* fault = is_name ? fault_of(name_version, known) : is_zip ? fault_of(zip_version, known) : nullptr;
    if (fault != nullptr) return fault;
    const bool is_newer = !is_name && name_version == oldest && name_version == zip_version;
    return is_newer && known.sent.load(std::memory_order_acquire) == oldest ? "a version that was not sent" : nullptr;
  }

  /// What is wrong with a whole entry, or nothing.
  const char* fault_of(const std::optional<Entry>& entry, Known& known) const {
    if (!entry) return oldest == 0 ? nullptr : "a code that was there is gone";
    std::uint64_t version = known.sent.load(std::memory_order_acquire);
    while (version > oldest && entry->name != name_of(version)) --version;
    if (entry->name != name_of(version)) return "a version stepped back, or the name of none";
    if (entry->zips != std::vector<std::uint32_t>{zip_of(version)}) return "the name of one version with other zips";
    const bool is_in_phase = phase == known.phase.load(std::memory_order_acquire);
    const bool is_active = entry->status == CodeStatus::kActive;
    if (is_in_phase && phase % 4 == Known::kStopped && is_active) return "usable after the answer that stopped it";
    return fault_of(version, known);
  }
};

/// Probes in batches, and now and then looks a whole entry up.
void read_all(Shared& shared, const Registry& registry, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const Policy policy = standard_policy();
  Screener screener(registry, policy, Date{20'423});
  std::array<Probe, kBatch> probes;
  std::array<Declaration, kBatch> declarations;
  std::array<Verdict, kBatch> verdicts;
  const auto tell = [&](const Probe& probe, const char* fault) {
    ADD_FAILURE() << fault << ": code " << probe.index << ", name of version " << probe.name_version << ", zip of "
                  << probe.zip_version << "; known before it: phase " << probe.phase << ", version " << probe.oldest
                  << ", seq " << probe.seq;
    shared.is_over.store(true, std::memory_order_release);
  };
  while (!shared.is_over.load(std::memory_order_acquire)) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      probes[i].make(shared, random);
      declarations[i] = probes[i].declaration();
    }
    screener.screen(declarations, verdicts);
    for (std::size_t i = 0; i < kBatch; ++i) {
      const char* fault = probes[i].fault_of(verdicts[i], shared.known[probes[i].index]);
      if (fault == nullptr) continue;
      tell(probes[i], fault);
      ADD_FAILURE() << to_string(verdicts[i].outcome) << ", code " << to_string(verdicts[i].code) << ", name "
                    << to_string(verdicts[i].name) << ", zip " << to_string(verdicts[i].zip) << ", seq "
                    << verdicts[i].registry_seq;
      return;
    }
    shared.probes.fetch_add(kBatch, std::memory_order_relaxed);
    const Probe& probe = probes[0];
    // A probe of its own: what is known is of before it.
    probes[0].make(shared, random);
    const char* fault = probe.fault_of(registry.find(code_of(probe.index)), shared.known[probe.index]);
    if (fault != nullptr) return tell(probe, fault);
  }
}

TEST(LiveChecker, WhatIsAnsweredIsWhatReadersSee) {
  const std::uint64_t seed = test::test_seed();
  const std::uint64_t wanted = test::test_count("CLEARLINE_PROBES", CLEARLINE_SANITIZED != 0 ? 30'000 : 300'000);
  const std::uint64_t changes_wanted = std::min<std::uint64_t>(wanted / 100, 100'000);
  const LiveDirectory live;
  RegistryStore::Options options;
  options.wal_bytes_max = 400'000;
  auto store = RegistryStore::open(live.path(), options);
  ASSERT_TRUE(store.ok()) << store.status().message();
  Shared shared;
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t checkpoints = 0;
  {
    ChangeQueue queue(**store);
    Registrar registrar(shared, queue, seed);
    std::jthread registrar_thread([&] { registrar.run(); });
    while (shared.changes.load(std::memory_order_acquire) < kPeople) std::this_thread::yield();
    const std::jthread first([&] { read_all(shared, (*store)->registry(), seed + 1); });
    const std::jthread second([&] { read_all(shared, (*store)->registry(), seed + 2); });
    while (!shared.is_over.load(std::memory_order_acquire)) {
      const auto made = (*store)->checkpoint();
      EXPECT_TRUE(made.ok()) << made.status().message();
      checkpoints += static_cast<std::uint64_t>(made.ok() && made->was_written);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const bool is_done = shared.probes.load(std::memory_order_relaxed) >= wanted &&
                           shared.changes.load(std::memory_order_relaxed) >= changes_wanted;
      if (is_done || HasFailure()) shared.is_over.store(true, std::memory_order_release);
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%llu probes, %llu changes, %zu codes, %llu checkpoints in %.1f s\n",
              static_cast<unsigned long long>(shared.probes.load()),
              static_cast<unsigned long long>(shared.changes.load()), shared.codes.load(),
              static_cast<unsigned long long>(checkpoints), seconds);
  EXPECT_GT(checkpoints, 0U);
  EXPECT_EQ((*store)->registry().seq(), shared.changes.load());
  store->reset();
  const auto verified = RegistryDirectory(live.path()).verify();
  ASSERT_TRUE(verified.ok()) << verified.status().message();
  EXPECT_EQ(verified->changes, shared.changes.load());
}

}  // namespace
}  // namespace clearline
