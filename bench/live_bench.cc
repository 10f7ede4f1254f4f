// A registry that changes: how fast changes are answered, and what screening notices of it.
//
//   live_bench IMAGE FOLDER [PART...]     a new directory FOLDER/live is made from IMAGE, people 0 .. n - 1 of seed 1
//
//   stream      durable, answered changes in a stream; the last million of CLEARLINE_BENCH_CHANGES (1,000,000)
//   single      one at a time: from the change to its answer
//   replay      the same directory opened again: its image, then the changes behind it
//   beside      screening on two threads, alone and while 10,000 changes a second are applied, in turn
//   checkpoint  an image of the registry while two threads screen
//   pauses      a thread that screens beside one that only reads the clock, while segments grow and an image is written
//
// Parts run in this order. The changes are those of a surge: of 100, 94 reissues, 4 cancels, 2 suspends.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bench/made_up.h"
#include "clearline/screener.h"
#include "engine/code_index.h"
#include "engine/registry_table.h"
#include "io/formats/block_reader.h"
#include "io/formats/screen_block.h"
#include "io/generate/people.h"
#include "io/store/change_queue.h"
#include "io/store/image.h"
#include "io/store/registry_store.h"
#include "tests/support/screening.h"

namespace clearline::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;

double seconds_since(Clock::time_point start) { return duration<double>(Clock::now() - start).count(); }

template <typename Value>
Value percentile(std::vector<Value> values, double percent) {
  std::sort(values.begin(), values.end());
  return values.empty() ? Value{}
                        : values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * percent / 100)];
}

/// A surge: each change is of another person.
class Surge {
 public:
  explicit Surge(std::uint64_t people) : people_count_(people) {}

  Change next() {
    const std::uint64_t number = number_++;
    Change change;
    change.code = people_.code(number * 7919 % people_count_);
    change.change_id = "courier-a-2025-12-01-" + std::to_string(number);
    change.op = number % 100 < 94 ? ChangeOp::kReissue : number % 100 < 98 ? ChangeOp::kCancel : ChangeOp::kSuspend;
    if (change.op == ChangeOp::kReissue) change.new_code = people_.code(generate::kNobody + number);
    return change;
  }
  std::vector<ChangeRequest> parcel(std::size_t size) {
    std::vector<ChangeRequest> requests(size);
    for (ChangeRequest& request : requests) request = {next(), "uid:1000", false, {}};
    return requests;
  }

 private:
  generate::People people_{1};
  std::uint64_t people_count_;
  std::uint64_t number_ = 0;
};

/// Blocks of short declarations, screened again and again by some threads.
class Screening {
 public:
  explicit Screening(const Registry& registry) : registry_(&registry) {
    constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
    const Day day = made_up_day(generate::Form::kNdjson, generate::Style::kShort, registry.size(), 400'000);
    check_day(day, generate::Form::kNdjson, registry);
    InputOptions options;
    options.format = Format::kNdjson;
    reader_ = std::move(*BlockReader::open(test::text_source(day.text), options, kBlockBytes));
    for (;;) {
      auto block = std::make_unique<Block>(kBlockBytes);
      if (!*reader_->next(*block)) break;
      blocks_.push_back(std::move(block));
    }
  }

  /// Declarations a second of `threads` threads until `done` says so.
  template <typename Done>
  double rate(int threads, const Done& done) const {
    std::atomic<std::uint64_t> screened{0};
    std::atomic<bool> stop{false};
    const auto start = Clock::now();
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&, i] {
        const Policy policy = standard_policy();
        ScreenOptions options;
        options.today = *parse_date("2026-01-15");
        BlockScreener screener(*registry_, policy, options);
        VerdictBlock verdicts;
        for (std::size_t at = static_cast<std::size_t>(i) * 7; !stop.load(std::memory_order_relaxed); ++at) {
          screener.screen_block(*blocks_[at % blocks_.size()], verdicts);
          screened.fetch_add(verdicts.tally.declarations, std::memory_order_relaxed);
        }
      });
    }
    done();
    stop.store(true);
    running.clear();
    return static_cast<double>(screened.load()) / seconds_since(start);
  }

 private:
  const Registry* registry_;
  std::unique_ptr<BlockReader> reader_;
  std::vector<std::unique_ptr<Block>> blocks_;
};

/// Sends changes at a rate, in parcels of 10 ms, until it is stopped.
class Paced {
 public:
  template <typename Next>
  Paced(RegistryStore& store, std::uint64_t per_second, const Next& next_change)
      : queue_(store), thread_([this, per_second, next_change](const std::stop_token& stop) {
          auto next = Clock::now();
          while (!stop.stop_requested()) {
            std::vector<ChangeRequest> parcel(per_second / 100);
            for (ChangeRequest& request : parcel) request = {next_change(), "uid:1000", false, {}};
            queue_.submit(std::move(parcel), [this](std::span<ChangeRequest> done) {
              answered_.fetch_add(done.size(), std::memory_order_relaxed);
            });
            std::this_thread::sleep_until(next += std::chrono::milliseconds(10));
          }
        }) {}
  std::uint64_t answered() const { return answered_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> answered_{0};
  ChangeQueue queue_;
  std::jthread thread_;
};

std::unique_ptr<RegistryStore> open_store(const std::string& path) {
  auto store = RegistryStore::open(path);
  if (!store.ok()) std::fprintf(stderr, "%s\n", store.status().message().c_str());
  require(store.ok(), "opening");
  return std::move(*store);
}

void stream(RegistryStore& store, Surge& surge) {
  const char* wanted = std::getenv("CLEARLINE_BENCH_CHANGES");  // NOLINT(concurrency-mt-unsafe): one thread
  const std::uint64_t changes = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 1'000'000;
  constexpr std::uint64_t kRound = 1'000'000;
  constexpr std::size_t kParcel = 256;
  std::uint64_t refused = 0;
  for (std::uint64_t sent = 0; sent < changes; sent += kRound) {
    const std::uint64_t round = std::min(kRound, changes - sent);
    const std::uint64_t before = store.registry().seq();
    const auto start = Clock::now();
    {
      ChangeQueue queue(store);
      for (std::uint64_t i = 0; i < round; i += kParcel) {
        queue.submit(surge.parcel(kParcel), [&](std::span<ChangeRequest> done) {
          for (const ChangeRequest& request : done)
            refused += static_cast<std::uint64_t>(request.answer.error.has_value());
        });
      }
    }
    const double seconds = seconds_since(start);
    std::printf("stream      %10.0f changes/s, up to seq %llu (%llu of all refused: such people are in the registry)\n",
                static_cast<double>(store.registry().seq() - before) / seconds,
                static_cast<unsigned long long>(store.registry().seq()), static_cast<unsigned long long>(refused));
    std::fflush(stdout);
  }
}

void single(RegistryStore& store, Surge& surge) {
  std::vector<double> ms;
  for (int i = 0; i < 2'000; ++i) {
    ChangeRequest request{surge.next(), "uid:1000", false, {}};
    ChangeRequest* group = &request;
    const auto start = Clock::now();
    store.apply({&group, 1});
    if (!request.answer.error) ms.push_back(seconds_since(start) * 1000);
  }
  std::printf("single      p50 %.2f ms, p99 %.2f ms, of %zu changes\n", percentile(ms, 50), percentile(ms, 99),
              ms.size());
}

void replay(std::unique_ptr<RegistryStore>& store, const std::string& path) {
  const RegistryDirectory directory(path);
  const std::uint64_t seq = store->registry().seq();
  const std::uint64_t size = store->registry().size();
  store.reset();
  auto start = Clock::now();
  const auto images = directory.images();
  require(images.ok() && !images->empty(), "images");
  const std::uint64_t image = images->front();
  require(read_image(directory.image_path(image)).ok(), "the image");
  const double image_seconds = seconds_since(start);
  start = Clock::now();
  store = open_store(path);
  const double seconds = seconds_since(start);
  require(store->registry().seq() == seq && store->registry().size() == size, "what was opened again");
  std::printf("replay      %.2f s to open, of which the image %.2f s; %llu changes behind it\n", seconds, image_seconds,
              static_cast<unsigned long long>(seq - image));
}

void beside(RegistryStore& store, Surge& surge, const Screening& screening) {
  std::vector<double> alone;
  std::vector<double> with;
  std::uint64_t answered = 0;
  double seconds = 0;
  for (int round = 0; round < 7; ++round) {
    const auto wait = [] { std::this_thread::sleep_for(std::chrono::seconds(3)); };
    alone.push_back(screening.rate(2, wait));
    const auto start = Clock::now();
    with.push_back(screening.rate(2, [&] {
      Paced paced(store, 10'000, [&] { return surge.next(); });
      wait();
      answered += paced.answered();
    }));
    seconds += seconds_since(start);
  }
  const double ratio = percentile(with, 50) / percentile(alone, 50);
  std::printf("beside      alone %.2f M/s, with changes %.2f M/s: %.1f %%; %.0f changes/s answered\n",
              percentile(alone, 50) / 1e6, percentile(with, 50) / 1e6, 100 * ratio,
              static_cast<double>(answered) / seconds);
}

void checkpoint(RegistryStore& store, Surge& surge, const Screening& screening) {
  const std::uint64_t seq = store.registry().seq();
  while (store.registry().seq() == seq) {
    ChangeRequest request{surge.next(), "uid:1000", false, {}};
    ChangeRequest* group = &request;
    store.apply({&group, 1});
  }
  const double alone = screening.rate(2, [] { std::this_thread::sleep_for(std::chrono::seconds(3)); });
  double seconds = 0;
  const double with = screening.rate(2, [&] {
    const auto start = Clock::now();
    const auto made = store.checkpoint();
    require(made.ok() && made->was_written, "the checkpoint");
    seconds = seconds_since(start);
  });
  std::printf("checkpoint  %.2f s beside two threads that screen %.2f M/s (%.2f alone)\n", seconds, with / 1e6,
              alone / 1e6);
}

/// Segments that a part makes grow.
constexpr std::uint64_t kGrowing = 64;

/// Times between looks at the clock, in ms.
struct Gaps {
  std::vector<double> ms;
  void print(const char* what) const {
    std::printf("pauses      %-28s p99.9 %.3f ms, longest %.2f ms, of %zu looks\n", what, percentile(ms, 99.9),
                percentile(ms, 100), ms.size());
  }
};

/// A thread that screens groups of 128 beside one that does as much with its hands in its lap; both look at the clock.
void pauses(RegistryStore& store, Surge& surge) {
  const generate::People people(1);
  std::vector<std::string> codes;
  for (std::uint64_t i = 0; i < 128 * 1024; ++i) codes.push_back(format_code(people.code(i * 101)));
  const auto measure = [&](const char* during, const auto& work) {
    std::atomic<bool> stop{false};
    Gaps ours;
    Gaps idle;
    {
      const std::jthread screening([&] {
        const Policy policy = standard_policy();
        Screener screener(store.registry(), policy, *parse_date("2026-01-15"));
        std::vector<Declaration> declarations(128);
        std::vector<Verdict> verdicts(128);
        auto last = Clock::now();
        for (std::size_t at = 0; !stop.load(std::memory_order_relaxed); at = (at + 128) % codes.size()) {
          for (std::size_t i = 0; i < 128; ++i)
            declarations[i] = {codes[at + i], "HONG GILDONG", "04524", "", std::nullopt};
          screener.screen(declarations, verdicts);
          const auto now = Clock::now();
          ours.ms.push_back(duration<double, std::milli>(now - last).count());
          last = now;
        }
      });
      const std::jthread meter([&] {
        auto last = Clock::now();
        while (!stop.load(std::memory_order_relaxed)) {
          // As long as a group takes, without touching the registry.
          while (Clock::now() - last < std::chrono::microseconds(8)) {
          }
          const auto now = Clock::now();
          idle.ms.push_back(duration<double, std::milli>(now - last).count());
          last = now;
        }
      });
      work();
      stop.store(true);
    }
    ours.print((std::string("screening, ") + during).c_str());
    idle.print((std::string("idle meter, ") + during).c_str());
  };
  measure("nothing else", [] { std::this_thread::sleep_for(std::chrono::seconds(5)); });
  measure("changes", [&] {
    Paced paced(store, 10'000, [&] { return surge.next(); });
    std::this_thread::sleep_for(std::chrono::seconds(5));
  });
  // New codes of a few segments, so that these grow: some hundred times.
  const auto places = [&] {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kGrowing; ++i) sum += store.registry().table().segment(i).first();
    return sum;
  };
  const std::uint64_t before = places();
  std::uint64_t number = 0;
  measure("growth", [&] {
    Paced paced(store, 20'000, [&] {
      Change change;
      change.op = ChangeOp::kIssue;
      change.change_id = "growth-" + std::to_string(number);
      do {
        change.code = unmix_code(number % kGrowing << kTailBits | (number / kGrowing * 104'729 & kTailMask));
        ++number;
      } while (change.code.digits >= kCodeEnd);
      return change;
    });
    std::this_thread::sleep_for(std::chrono::seconds(10));
  });
  require(places() != before, "segments that grow");
  measure("checkpoint", [&] { require(store.checkpoint().ok(), "the checkpoint"); });
}

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  using namespace clearline::bench;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc < 3) {
    std::fprintf(stderr, "usage: live_bench IMAGE FOLDER [stream|single|replay|beside|checkpoint|pauses]...\n");
    return 2;
  }
  const std::set<std::string> parts(argv + 3, argv + argc);
  const auto wants = [&](const char* part) { return parts.empty() || parts.contains(part); };
  const std::string path = std::string(argv[2]) + "/live";
  std::filesystem::remove_all(path);
  auto start = Clock::now();
  const clearline::Status made = clearline::RegistryStore::create(path, argv[1]);
  if (!made.ok()) std::fprintf(stderr, "%s\n", made.message().c_str());
  require(made.ok(), "making the directory");
  std::printf("init        %.2f s\n", seconds_since(start));
  auto store = open_store(path);
  Surge surge(store->registry().size());
  // Made before the surge: its verdicts are checked against the generator's.
  std::optional<Screening> screening;
  if (wants("beside") || wants("checkpoint")) screening.emplace(store->registry());
  if (wants("stream")) stream(*store, surge);
  if (wants("single")) single(*store, surge);
  if (wants("replay")) {
    screening.reset();
    replay(store, path);
  }
  if (wants("pauses")) pauses(*store, surge);
  if (!screening && (wants("beside") || wants("checkpoint"))) {
    std::fprintf(stderr, "live_bench: run 'beside' and 'checkpoint' without 'replay'\n");
    return 2;
  }
  if (wants("beside")) beside(*store, surge, *screening);
  if (wants("checkpoint")) checkpoint(*store, surge, *screening);
  return 0;
}
