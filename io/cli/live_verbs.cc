#include "io/cli/live_verbs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/cli/inputs.h"
#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/words.h"
#include "io/formats/byte_source.h"
#include "io/formats/change_lines.h"
#include "io/formats/change_reader.h"
#include "io/store/change_parcel.h"
#include "io/store/change_queue.h"
#include "io/store/output_file.h"
#include "io/store/registry_store.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;

void say_warnings(const RegistryStore& store) {
  for (const std::string& warning : store.warnings()) say("{}\n", warning);
}

/// Answers on their way out, on the queue's thread.
class Answers {
 public:
  static Result<std::unique_ptr<Answers>> open(const std::string& path) {
    auto file = OutputFile::open(path, FileMode::kUsual);
    if (!file.ok()) return file.status();
    std::unique_ptr<Answers> answers(new Answers(std::move(*file)));
    return answers;
  }

  void write(std::span<const ChangeParcel::Line> lines, std::span<const ChangeRequest> requests) {
    out_.clear();
    append_answers(lines, requests, out_, tally_);
    // What cannot be told is done all the same: whoever sends it again is answered with `repeat`.
    if (status_.ok()) status_ = file_.write(out_.text());
    if (!status_.ok()) is_lost_.store(true, std::memory_order_relaxed);
  }

  /// Whether answers reach nobody any more.
  bool is_lost() const { return is_lost_.load(std::memory_order_relaxed); }

  // After the queue has ended.
  const AnswerTally& tally() const { return tally_; }
  Status end() {
    if (file_.pipe_closed()) return {};
    return status_.ok() ? file_.commit() : status_;
  }

 private:
  explicit Answers(OutputFile file) : file_(std::move(file)) {}
  OutputFile file_;
  OutBuffer out_;
  Status status_;
  std::atomic<bool> is_lost_{false};
  AnswerTally tally_;
};

/// Sends the changes of an input off as they come.
class ChangeSender {
 public:
  ChangeSender(ChangeQueue& queue, Answers& answers, std::string actor)
      : queue_(&queue), answers_(&answers), actor_(std::move(actor)) {}

  /// Takes further bytes; `is_end`: there are no more.
  void take(std::string_view bytes, bool is_end) {
    lines_.take(bytes, is_end, [this](std::uint64_t number, std::string_view line) {
      parcel_.add(number, reader_.read(line), actor_);
      if (parcel_.requests.size() == ChangeQueue::kGroupMax) send();
    });
    send();
  }

  std::uint64_t lines() const { return lines_.count(); }

 private:
  void send() {
    if (parcel_.empty()) return;
    ChangeParcel parcel = std::exchange(parcel_, {});
    auto lines = std::make_shared<std::vector<ChangeParcel::Line>>(std::move(parcel.lines));
    queue_->submit(std::move(parcel.requests),
                   [answers = answers_, lines = std::move(lines)](std::span<ChangeRequest> requests) {
                     answers->write(*lines, requests);
                   });
  }

  ChangeQueue* queue_;
  Answers* answers_;
  std::string actor_;
  ChangeReader reader_;
  ChangeLines lines_;
  ChangeParcel parcel_;
};

}  // namespace

Status run_apply(const ApplyRequest& request, ApplyReport& report) {
  const auto reads = with_registry_files({request.input}, request.directory);
  if (Status status = check_outputs(reads, {request.answers}); !status.ok()) return status;
  auto file = open_file_source(request.input);
  if (!file.ok()) return file.status();
  auto store = RegistryStore::open(request.directory);
  if (!store.ok()) return store.status();
  say_warnings(**store);
  auto answers = Answers::open(request.answers);
  if (!answers.ok()) return answers.status();
  const auto start = Clock::now();
  const auto size = (*file)->size();
  Status read_status;
  {
    ChangeQueue queue(**store);
    ChangeSender sender(queue, **answers, fmt::format("uid:{}", getuid()));
    Progress progress("changes", size, stderr_is_terminal() && size);
    // Opened behind the store: who waits for `apply` to be ready before sending waits for nothing.
    auto source = open_changes(std::move(*file));
    if (!source.ok()) read_status = source.status();
    std::vector<char> bytes(std::size_t{1} << 18);
    for (bool is_end = !read_status.ok(); !is_end && !(*answers)->is_lost();) {
      const auto got = (*source)->read(bytes);
      if (!got.ok()) read_status = got.status();
      // A line that the input broke off in is not sent: half a change is none.
      if (!got.ok()) break;
      is_end = *got == 0;
      sender.take({bytes.data(), *got}, is_end);
      progress.update(sender.lines(), (*source)->bytes_taken());
    }
  }
  report.has_run = true;
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const AnswerTally& tally = (*answers)->tally();
  report.done = tally.ok;
  report.repeated = tally.repeats;
  report.refused = std::accumulate(tally.refused.begin(), tally.refused.end(), std::uint64_t{0});
  report.registry_seq = (*store)->registry().seq();
  if ((*store)->state() != RegistryStore::State::kReady) return {StatusKind::kOutput, (*store)->state_reason()};
  if (Status status = (*answers)->end(); !status.ok()) return status;
  return read_status;
}

std::string apply_words(const ApplyRequest& request, const ApplyReport& report) {
  return fmt::format("{}: {} changes in {:.2f} s: {} ok, {} repeated, {} refused; the registry is at seq {}\n",
                     request.directory, with_commas(report.done + report.repeated + report.refused), report.seconds,
                     with_commas(report.done), with_commas(report.repeated), with_commas(report.refused),
                     report.registry_seq);
}

namespace {

Status run_checkpoint(const std::string& directory) {
  const auto start = Clock::now();
  auto store = RegistryStore::open(directory);
  if (!store.ok()) return store.status();
  say_warnings(**store);
  const auto made = (*store)->checkpoint();
  if (!made.ok()) return made.status();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (made->was_written) {
    say("{}: an image of seq {} in {:.2f} s\n", directory, made->seq, seconds);
  } else {
    say("{}: the newest image is of seq {} already\n", directory, made->seq);
  }
  return {};
}

}  // namespace

void add_live_verbs(Verb registry, Command& command) {
  auto init_directory = std::make_shared<std::string>();
  auto init_image = std::make_shared<std::string>();
  const Verb init = registry.add_verb("init", "Make a registry directory, which can be changed, from an image");
  init.add_option("DIR", *init_directory, "The directory; not there yet, or empty").required().type("");
  init.add_option("--from", *init_image, "Its first image").required().not_empty().type("IMAGE");
  init.footer(
      "The directory becomes a registry of its own, with a new UUID, at the seq of the image. It holds images, the "
      "journal\n"
      "of all changes and `head`, the last answered one; all are readable by their owner only.\n\n"
      "Example:\n  clearline registry init live --from registry.img");
  init.when_chosen([init_directory, init_image, &command] {
    command.run = [init_directory, init_image]() -> Status {
      if (Status status = RegistryStore::create(*init_directory, *init_image); !status.ok()) return status;
      say("{}: a registry; change it with 'registry apply', use it with -r\n", *init_directory);
      return {};
    };
  });

  auto apply_request = std::make_shared<ApplyRequest>();
  const Verb apply = registry.add_verb("apply", "Apply changes, one JSON object a line; one answer a line on stdout");
  apply.add_option("DIR", apply_request->directory, "Registry directory").required().type("");
  apply.add_option("CHANGES", apply_request->input, "Changes, plain, .gz or .zst; - is stdin").required().type("");
  apply.footer(
      "A change is answered when it is on disk. What comes together is written together; who sends one change and "
      "waits\n"
      "for its answer gets it. Sending a change again, with its change_id, is safe: it is answered as the first time, "
      "with\n"
      "\"repeat\":true. A refused change is an answer, not a failure.\n\n"
      "Examples:\n"
      "  clearline registry apply live changes.ndjson > answers.ndjson\n"
      "  echo '{\"op\":\"suspend\",\"code\":\"P123456789012\",\"change_id\":\"k-81\"}' | clearline registry apply live "
      "-\n\n"
      "Exit: 0 all were answered, 3 input cut short, 4 registry damaged, or in use by another writer, 5 the journal or "
      "an\n"
      "answer could not be written.");
  apply.when_chosen([apply_request, &command] {
    command.run = [apply_request]() -> Status {
      ApplyReport report;
      Status status = run_apply(*apply_request, report);
      if (report.has_run) say(apply_words(*apply_request, report));
      return status;
    };
  });

  auto checkpoint_directory = std::make_shared<std::string>();
  const Verb checkpoint = registry.add_verb("checkpoint", "Write an image of a registry directory as it is now");
  checkpoint.add_option("DIR", *checkpoint_directory, "Registry directory").required().type("");
  checkpoint.footer(
      "A start reads the newest image and the changes behind it: fewer after a checkpoint. The two newest images stay, "
      "and\n"
      "all of the journal.\n\nExample:\n  clearline registry checkpoint live");
  checkpoint.when_chosen([checkpoint_directory, &command] {
    command.run = [checkpoint_directory] { return run_checkpoint(*checkpoint_directory); };
  });
}

}  // namespace clearline
