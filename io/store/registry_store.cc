#include "io/store/registry_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "engine/entry_record.h"
#include "engine/rows.h"
#include "io/formats/errno_words.h"
#include "io/store/folders.h"
#include "io/store/image.h"
#include "io/store/random.h"

namespace clearline {
namespace {

/// How long an `ok` is remembered at least, by `received`: the 30 days that are promised, and one for a clock that jumped
/// ahead: ChangeIds::kGapUs.
constexpr std::int64_t kRememberedUs = std::int64_t{31} * 24 * 3600 * 1'000'000;

std::uint64_t random_key() {
  std::uint64_t key = 0;
  fill_random(&key, sizeof key);
  return key;
}

Status cannot(const std::string& path, const char* what) {
  return {StatusKind::kOutput, path + ": error: " + what + ": " + errno_words(errno, path)};
}

/// What a change wants; an `issued` or `changed` that is the day of its `at` anyway does not count.
void append_content(const Change& change, std::int64_t at_us, std::string& out) {
  const Date on = korean_date_us(at_us);
  if (change.issued != on && change.changed != on) return append_change_content(change, out);
  Change plain = change;
  if (plain.issued == on) plain.issued.reset();
  if (plain.changed == on) plain.changed.reset();
  append_change_content(plain, out);
}

/// Makes the directory, or makes sure that there is nothing in it. `is_made`: it was not there.
Status make_directory(const RegistryDirectory& directory, bool& is_made) {
  const std::string& path = directory.path();
  is_made = mkdir(path.c_str(), 0700) == 0;
  if (is_made) return {};
  if (errno != EEXIST) return cannot(path, "cannot make the directory");
  struct stat info{};
  if (stat(directory.head_path().c_str(), &info) == 0) {
    return {StatusKind::kOutput, path + ": error: is a registry already; name a directory that is not there yet"};
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (!folder) return cannot(path, "cannot read the directory");
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(folder.get());  // NOLINT(concurrency-mt-unsafe): a stream of our own
    if (entry == nullptr && errno == 0) break;
    if (entry == nullptr) return cannot(path, "cannot read the directory");
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    return {StatusKind::kOutput, path +
                                     ": error: is not empty; name a directory that is not there yet, or remove what an "
                                     "interrupted init left in this one"};
  }
  return chmod(path.c_str(), 0700) == 0 ? Status() : cannot(path, "cannot set its mode");
}

}  // namespace

Status RegistryStore::create(const std::string& directory_path, const std::string& image) {
  auto registry = read_image(image);
  if (!registry.ok()) return registry.status();
  const RegistryDirectory directory(directory_path);
  bool is_made = false;
  if (Status status = make_directory(directory, is_made); !status.ok()) return status;
  // Whoever makes the lock makes the registry: of two at once one is refused, and removes nothing.
  const auto lock = RegistryLock::take(directory.path(), RegistryLock::Kind::kOfNewOne);
  if (!lock.ok()) return lock.status();
  HeadRecord head;
  head.identity = new_identity();
  head.seq = registry->seq();
  head.chain = first_chain(head.identity);
  registry->mutable_table().set_origin(head.identity, head.chain);
  Status status = write_image(*registry, directory.image_path(head.seq), 1, FileMode::kOfFolder);
  Journal::Last base;
  base.seq = head.seq;
  base.chain = head.chain;
  base.effective_us = registry->table().shape().effective_us.value_or(base.effective_us);
  if (status.ok()) status = Journal::create(directory.journal_path(), head.identity, base);
  // Last: only with a head the directory is one.
  if (status.ok()) status = Head::create(directory.head_path(), head);
  if (status.ok()) {
    for (const std::string& folder : {directory.path(), folder_of(directory.path())}) {
      if (status.ok() && !sync_folder(folder)) status = cannot(folder, "cannot sync the folder");
    }
  } else {
    for (const std::string& file : {directory.image_path(head.seq), directory.journal_path(), directory.lock_path()}) {
      unlink(file.c_str());
    }
    if (is_made) rmdir(directory.path().c_str());
  }
  return status;
}

RegistryStore::RegistryStore(RegistryDirectory directory, const Options& options)
    : directory_(std::move(directory)), options_(options), ids_(random_key(), kRememberedUs) {
  if (!options_.now_us) options_.now_us = system_now_us;
}

Result<std::unique_ptr<RegistryStore>> RegistryStore::open(const std::string& path, const Options& options) {
  std::unique_ptr<RegistryStore> store(new RegistryStore(RegistryDirectory(path, options.vfs), options));
  const RegistryDirectory& directory = store->directory_;
  if (Status status = directory.check_is_there(); !status.ok()) return status;
  auto lock = RegistryLock::take(path, RegistryLock::Kind::kOfRegistry);
  if (!lock.ok()) return lock.status();
  store->lock_ = std::move(*lock);
  auto opened = directory.open(Journal::Mode::kWrite, [&](const JournalRow& row) { store->remember(row); });
  if (!opened.ok()) return opened.status();
  store->opened_ = std::move(*opened);
  auto head = Head::open(directory.head_path(), options.vfs);
  if (!head.ok()) return head.status();
  store->head_ = std::move(*head);
  store->lock_->watch({"head", "journal.db", "journal.db-wal", "journal.db-shm"});
  if (Status status = store->lock_->check(); !status.ok()) return status;
  // What was committed and not answered counts from here on.
  const Journal::Last& last = store->opened_.last;
  if (last.seq != store->opened_.head.seq) {
    if (Status status = store->head_->write({store->opened_.head.identity, last.seq, last.chain}); !status.ok()) {
      return status;
    }
  }
  store->next_.seq = last.seq;
  store->next_.chain = last.chain;
  store->next_.effective_us = last.effective_us;
  store->last_effective_us_.store(last.effective_us, std::memory_order_relaxed);
  store->newest_image_ = store->opened_.image_seq;
  if (Status status = store->load_ids(); !status.ok()) return status;
  if (options.moves_wal_aside) store->wal_thread_ = std::jthread([it = store.get()] { it->move_wal_aside(); });
  return store;
}

RegistryStore::~RegistryStore() {
  if (wal_thread_.joinable()) {
    {
      const std::scoped_lock lock(wal_mutex_);
      is_ending_ = true;
    }
    wal_wanted_.notify_one();
    wal_thread_.join();
  }
  head_.reset();
  if (opened_.journal && !lock_->check().ok()) opened_.journal->keep_log();
  opened_.journal.reset();
  lock_.reset();  // last: the next writer finds everything closed
}

/// A row of the start: its change was answered, or may have been.
void RegistryStore::remember(const JournalRow& row) {
  ids_.put(ids_.hash(row.change_id), row.seq);
  next_.received_us = std::max(next_.received_us, row.received_us);
}

/// The ids of changes that are remembered still. Those after the image came as they were replayed; of the others each
/// row's chain is checked, too: a row that was damaged would make an answered change new.
Status RegistryStore::load_ids() {
  const Journal::Last& last = opened_.last;
  Journal& journal = *opened_.journal;
  if (last.seq == journal.base().seq) return {};
  const auto first = journal.first_of_age(kRememberedUs, ChangeIds::kGapUs);
  if (!first.ok()) return first.status();
  if (*first <= opened_.image_seq) {
    const Status status = journal.read_from(*first, opened_.image_seq, [&](const JournalRow& row) {
      remember(row);
      return Status();
    });
    if (!status.ok()) return status;
  }
  ids_.turn(next_.received_us);
  return {};
}

std::string RegistryStore::state_reason() const {
  const std::scoped_lock lock(mutex_);
  return state_reason_;
}

std::optional<std::int64_t> RegistryStore::last_change_us() const {
  Journal::Last last;
  last.effective_us = last_effective_us_.load(std::memory_order_relaxed);
  return last.effective_time();
}

void RegistryStore::fail(State state, const std::string& reason) {
  state_reason_ = reason;
  state_.store(state, std::memory_order_release);  // pairs with the acquire in state()
}

void RegistryStore::look_around() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock.owns_lock() && state_.load(std::memory_order_relaxed) != State::kFailed) is_in_place();
}

/// What is written elsewhere than at its place would not be there at the next start. Sets the state.
bool RegistryStore::is_in_place() {
  const State state = state_.load(std::memory_order_relaxed);
  if (Status status = lock_->check(); !status.ok()) {
    if (state != State::kMoved) fail(State::kMoved, status.message());
    return false;
  }
  if (state == State::kMoved) fail(State::kReady, "");
  return true;
}

void RegistryStore::apply(std::span<ChangeRequest* const> requests) {
  const std::scoped_lock lock(mutex_);
  if (state_.load(std::memory_order_relaxed) == State::kFailed) {
    refuse_group(requests, ChangeError::kReadOnly, state_reason_);
    return;
  }
  if (!is_in_place()) {
    refuse_group(
        requests, ChangeError::kReadOnly,
        "the registry directory or a file of it was moved or replaced; nothing was changed: send it again when "
        "that is mended");
    return;
  }
  if (wal_is_moved_.exchange(false, std::memory_order_acquire)) move_wal();
  const RegistryWriter::Mark mark = opened_.writer->mark();
  const Journal::Last before = next_;
  Status status = prepare_group(requests);
  const auto commit_start = std::chrono::steady_clock::now();
  if (status.ok() && !pending_.empty()) {
    status = opened_.journal->commit();
    commit_times_.journal.add(std::chrono::steady_clock::now() - commit_start);
  }
  if (!status.ok()) {
    const JournalFault fault = opened_.journal->fault();
    opened_.journal->rollback();
    forget_group();
    opened_.writer->rollback(mark);
    next_ = before;
    const bool is_space = fault == JournalFault::kNoSpace;
    fail(is_space ? State::kNoSpace : State::kFailed, status.message());
    refuse_group(requests, is_space ? ChangeError::kBusy : ChangeError::kReadOnly,
                 is_space ? "no space left for the journal; nothing was changed: send it again when there is some"
                          : "the journal failed; whether this change is on disk shows when the registry is opened "
                            "again: send it again then");
    return;
  }
  if (!pending_.empty()) {
    const auto head_start = std::chrono::steady_clock::now();
    status = head_->write({opened_.head.identity, next_.seq, next_.chain});
    commit_times_.head.add(std::chrono::steady_clock::now() - head_start);
    if (!status.ok()) {
      // The rows are on disk and not answered: the next start counts them, and sending them again finds them.
      forget_group();
      opened_.writer->rollback(mark);
      next_ = before;
      fail(State::kFailed, status.message());
      refuse_group(requests, ChangeError::kReadOnly,
                   "head failed; whether this change is on disk shows when the registry is opened again: send it again "
                   "then");
      return;
    }
    if (state_.load(std::memory_order_relaxed) != State::kReady) fail(State::kReady, "");
    for (const Pending& pending : pending_) {
      opened_.writer->publish(pending.request->answer.seq, std::span(pending.entries).first(pending.entry_count));
    }
    pending_.clear();
    after_.clear();
  }
  last_effective_us_.store(next_.effective_us, std::memory_order_relaxed);  // relaxed: a number to be shown
  opened_.writer->settle();
  for (ChangeRequest* request : requests) request->is_answered = true;
  if (opened_.journal->wal_bytes() >= options_.wal_bytes_max) {
    if (wal_thread_.joinable()) {
      {
        const std::scoped_lock wal_lock(wal_mutex_);
        wal_is_wanted_ = true;
      }
      wal_wanted_.notify_one();
    } else {
      move_wal();
    }
  }
}

/// Judges all changes and appends the good ones to the journal, without a commit. A status that is not ok is the
/// journal's.
Status RegistryStore::prepare_group(std::span<ChangeRequest* const> requests) {
  now_us_ = options_.now_us();
  ids_.turn_when_due(next_.received_us);
  for (ChangeRequest* request : requests) {
    if (request->is_answered) continue;
    request->answer = {};
    if (Status status = take(*request); !status.ok()) return status;
  }
  return {};
}

Status RegistryStore::take(ChangeRequest& request) {
  const Change& change = request.change;
  const std::uint64_t id_hash = ids_.hash(change.change_id);
  const auto seq = ids_.find(id_hash);
  if (seq && answer_repeat(request, *seq)) return {};
  const auto refuse = [&](ChangeError error, std::string_view detail) {
    request.answer.error = error;
    request.answer.detail = detail;
    return Status();
  };
  if (change.at_us && *change.at_us > now_us_ + kAtAheadMaxUs) {
    return refuse(ChangeError::kAtInFuture, "at is more than 5 minutes ahead of the clock here");
  }
  const std::int64_t at_us = change.at_us.value_or(now_us_);
  const Date on = korean_date_us(at_us);
  const auto entry = entry_now(change.code);
  const auto new_entry = change.new_code ? entry_now(*change.new_code) : std::nullopt;
  // An entry that cannot be read is not a code that is unknown: issued anew, it would be usable.
  const RegistryTable& table = opened_.registry->table();
  if ((!entry && holds(table, change.code)) || (change.new_code && !new_entry && holds(table, *change.new_code))) {
    return refuse(ChangeError::kReadOnly, "the registry's entry of this code cannot be read; see registry verify");
  }
  const ChangeEffect effect = effect_of(change, on, entry, new_entry);
  if (effect.error) return refuse(*effect.error, effect.detail);
  return append(request, effect, id_hash);
}

/// Whether a change is the one of a row. Values that are the defaults do not count when they are written out: here the
/// `at` and, of an issue, `issued` and `changed`; the reader drops the others.
bool RegistryStore::is_content_of(const Change& change, const JournalRow& row) {
  const auto is_it = [&] { return content_hash(row.salt, content_) == row.content_hash; };
  content_.clear();
  append_content(change, change.at_us.value_or(row.at_us), content_);
  if (is_it()) return true;
  content_.clear();
  append_change_content(change, content_);  // as programs before this one kept it
  if (is_it()) return true;
  if (change.at_us != row.at_us) return false;
  Change plain = change;
  plain.at_us.reset();
  content_.clear();
  append_content(plain, row.at_us, content_);
  return is_it();
}

/// Answers a change whose id was answered `ok` before, at `seq`. False: it was another id of the same hash.
bool RegistryStore::answer_repeat(ChangeRequest& request, std::uint64_t seq) {
  bool is_it = true;
  bool is_sound = false;
  Chain previous = opened_.journal->base().chain;
  Status status;
  if (seq - 1 > opened_.journal->base().seq) {
    status = opened_.journal->read_row(seq - 1, [&](const JournalRow& row) { previous = row.chain; });
  }
  if (status.ok()) {
    status = opened_.journal->read_row(seq, [&](const JournalRow& row) {
      is_sound = next_chain(previous, row) == row.chain;
      if (!is_sound) return;
      is_it = row.change_id == request.change.change_id;
      if (!is_it) return;
      if (is_content_of(request.change, row)) {
        request.answer.seq = seq;
        request.answer.repeat = true;
      } else {
        request.answer.error = ChangeError::kChangeIdReused;
        request.answer.detail = "this change_id was answered ok for another change; give each change its own";
      }
    });
  }
  if (status.ok() && is_sound) return is_it;
  // Damage in an old row: whether this is a repeat cannot be told, so nothing is done; others go on.
  request.answer.error = ChangeError::kReadOnly;
  request.answer.detail = "the journal's row of this change_id is damaged; see registry verify";
  return true;
}

std::optional<Entry> RegistryStore::entry_now(Code code) const {
  const auto pending = after_.find(code.digits);
  return pending != after_.end() ? std::optional(pending->second) : opened_.writer->find(code);
}

void RegistryStore::fill_salt(std::array<std::uint8_t, 16>& salt) {
  if (random_.size() < salt.size()) {
    random_.resize(4096);
    fill_random(random_.data(), random_.size());
  }
  std::copy(random_.end() - static_cast<std::ptrdiff_t>(salt.size()), random_.end(), salt.begin());
  random_.resize(random_.size() - salt.size());
}

Status RegistryStore::append(ChangeRequest& request, const ChangeEffect& effect, std::uint64_t id_hash) {
  const Change& change = request.change;
  Pending pending{&request, id_hash, {}, 0};
  for (const Entry* entry : {&effect.after, effect.new_after ? &*effect.new_after : nullptr}) {
    if (entry == nullptr) continue;
    const auto prepared = opened_.writer->prepare(*entry);
    if (!prepared.ok()) {
      const bool is_fault = prepared.status().kind() == StatusKind::kInput;
      request.answer.error = is_fault ? ChangeError::kMalformed : ChangeError::kReadOnly;
      request.answer.detail = prepared.status().message() + "; nothing was changed";
      return {};
    }
    pending.entries[pending.entry_count++] = *prepared;
  }
  const auto before = entry_now(change.code);
  before_record_.clear();
  after_record_.clear();
  new_record_.clear();
  if (before) append_entry_record(*before, before_record_);
  append_entry_record(effect.after, after_record_);
  if (effect.new_after) append_entry_record(*effect.new_after, new_record_);

  JournalRow row;
  row.seq = next_.seq + 1;
  row.at_us = change.at_us.value_or(now_us_);
  content_.clear();
  append_content(change, row.at_us, content_);
  row.effective_us = std::max(row.at_us, next_.effective_us);
  row.received_us = std::max(now_us_, next_.received_us);
  row.op = change.op;
  row.by = change.by;
  row.code = change.code;
  row.new_code = change.new_code;
  row.change_id = change.change_id;
  row.actor = request.actor;
  fill_salt(row.salt);
  row.content_hash = content_hash(row.salt, content_);
  row.before = before_record_;
  row.after = after_record_;
  row.new_after = new_record_;
  row.chain = next_chain(next_.chain, row);
  if (pending_.empty()) {
    if (Status status = opened_.journal->begin(); !status.ok()) return status;
  }
  pending_.push_back(pending);  // first: a group that fails in its first append is one, too
  if (Status status = opened_.journal->append(row); !status.ok()) return status;
  request.answer.seq = row.seq;
  next_ = {row.seq, row.chain, row.effective_us, row.received_us};
  ids_.put(id_hash, row.seq);
  after_.insert_or_assign(change.code.digits, effect.after);
  if (effect.new_after) after_.insert_or_assign(effect.new_after->code.digits, *effect.new_after);
  return {};
}

void RegistryStore::refuse_group(std::span<ChangeRequest* const> requests, ChangeError error,
                                 const std::string& detail) {
  for (ChangeRequest* request : requests) {
    if (request->is_answered) continue;
    request->is_answered = true;
    request->answer = {};
    request->answer.error = error;
    request->answer.detail = detail;
  }
}

void RegistryStore::forget_group() {
  for (const Pending& pending : pending_) ids_.remove(pending.id_hash);
  pending_.clear();
  after_.clear();
}

Result<RegistryStore::Checkpoint> RegistryStore::checkpoint() {
  const std::scoped_lock one_at_a_time(checkpoint_mutex_);
  std::unique_lock lock(mutex_);
  Checkpoint made;
  made.seq = opened_.registry->seq();
  if (made.seq == newest_image_) return made;
  if (state_.load(std::memory_order_relaxed) == State::kFailed) {
    return Status(StatusKind::kOutput, directory_.path() + ": error: no checkpoint, because the journal failed: " +
                                           state_reason_ + "; open the registry again");
  }
  if (Status status = lock_->check(); !status.ok()) return status;
  const JournalPlace place{next_.chain, next_.effective_time()};
  RegistrySnapshot snapshot(*opened_.writer);
  lock.unlock();
  Status status = write_image(snapshot, place, directory_.image_path(made.seq), directory_.image_part_path());
  lock.lock();
  snapshot.end();
  if (!status.ok()) return status;
  newest_image_ = made.seq;
  for (auto* seqs : {&opened_.passed_over.bad, &opened_.passed_over.unreadable}) {
    std::erase(*seqs, made.seq);  // the new one took its place
  }
  lock.unlock();
  made.was_written = true;
  status = directory_.prune_images(opened_.passed_over);
  return status.ok() ? Result(made) : Result<Checkpoint>(status);
}

/// Moves the rest of the write-ahead log into the journal, so that it starts anew. A failure leaves it longer; the next
/// group tries again.
void RegistryStore::move_wal() { (void)opened_.journal->restart_wal(); }

void RegistryStore::move_wal_aside() {
  std::unique_lock lock(wal_mutex_);
  for (;;) {
    wal_wanted_.wait(lock, [&] { return wal_is_wanted_ || is_ending_; });
    if (is_ending_) return;
    lock.unlock();
    (void)opened_.journal->checkpoint_wal();
    wal_is_moved_.store(true, std::memory_order_release);  // pairs with the exchange in apply()
    lock.lock();
    wal_is_wanted_ = false;
  }
}

}  // namespace clearline
