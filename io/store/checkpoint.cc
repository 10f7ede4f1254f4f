#include "io/store/checkpoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <vector>

#include "engine/hash.h"
#include "io/formats/errno_words.h"
#include "io/store/output_file.h"
#include "io/store/output_place.h"

namespace clearline {
namespace {

constexpr const char* kFirstWord = "clearline-checkpoint-2";

template <typename Numbers>
void put_all(std::ostream& out, const char* word, const Numbers& numbers) {
  out << word;
  for (const auto number : numbers) out << ' ' << static_cast<std::uint64_t>(number);
  out << '\n';
}

std::string to_text(const Checkpoint& c) {
  std::ostringstream out;
  out << kFirstWord << "\nversion " << c.version << "\npolicy " << c.policy << '\n';
  out << "request " << c.request << "\ntoday " << c.today.days << "\nseq " << c.seq << ' ' << c.identity.incarnation
      << '\n';
  put_all(out, "uuid", c.identity.uuid);
  out << "output " << c.output_bytes << ' ' << c.output_checksum << "\ndone " << c.done << "\ndeclarations "
      << c.tally.declarations << '\n';
  put_all(out, "outcomes", c.tally.outcome);
  put_all(out, "reasons", c.tally.reason);
  put_all(out, "fields", c.tally.given);
  out << "inputs " << c.inputs.size() << '\n';
  for (const ReadMark& m : c.inputs) out << m.taken << ' ' << m.tail << ' ' << m.next_line << ' ' << m.checksum << '\n';
  std::string text = out.str();
  return text + "checksum " + std::to_string(checksum64(text.data(), text.size())) + "\n";
}

/// Reads `word` and the numbers behind it; a stream that failed stays so.
class Words {
 public:
  explicit Words(const std::string& text) : in_(text) {}
  void expect(const std::string& word) {
    std::string got;
    if (!(in_ >> got) || got != word) in_.setstate(std::ios::failbit);
  }
  std::string word() {
    std::string value;
    in_ >> value;
    return value;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    in_ >> value;
    return value;
  }
  template <typename Numbers>
  void numbers(Numbers& all) {
    for (auto& one : all) one = static_cast<std::remove_reference_t<decltype(one)>>(number());
  }
  bool ok() const { return !in_.fail(); }

 private:
  std::istringstream in_;
};

std::optional<Checkpoint> from_text(const std::string& text) {
  const std::size_t end = text.rfind("checksum ");
  if (end == std::string::npos ||
      text != text.substr(0, end) + "checksum " + std::to_string(checksum64(text.data(), end)) + "\n") {
    return std::nullopt;
  }
  Words words(text);
  Checkpoint c;
  words.expect(kFirstWord);
  words.expect("version");
  c.version = words.word();
  words.expect("policy");
  c.policy = words.number();
  words.expect("request");
  c.request = words.number();
  words.expect("today");
  c.today.days = static_cast<std::int32_t>(words.number());
  words.expect("seq");
  c.seq = words.number();
  c.identity.incarnation = static_cast<std::uint32_t>(words.number());
  words.expect("uuid");
  words.numbers(c.identity.uuid);
  words.expect("output");
  c.output_bytes = words.number();
  c.output_checksum = words.number();
  words.expect("done");
  c.done = words.number() != 0;
  words.expect("declarations");
  c.tally.declarations = words.number();
  words.expect("outcomes");
  words.numbers(c.tally.outcome);
  words.expect("reasons");
  words.numbers(c.tally.reason);
  words.expect("fields");
  words.numbers(c.tally.given);
  words.expect("inputs");
  const std::uint64_t inputs = words.number();
  for (std::uint64_t i = 0; i < inputs && words.ok(); ++i) {
    ReadMark mark;
    mark.taken = words.number();
    mark.tail = words.number();
    mark.next_line = words.number();
    mark.checksum = words.number();
    c.inputs.push_back(mark);
  }
  if (!words.ok()) return std::nullopt;
  return c;
}

/// All of a file; 0, or the errno.
int read_all(const std::string& path, std::string& text) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  std::array<char, 4096> piece{};
  int error = 0;
  for (;;) {
    const ssize_t got = read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  close(fd);
  return error;
}

}  // namespace

Status check_same_run(const std::string& path, const Checkpoint& old, const Checkpoint& now) {
  const auto refused = [&](StatusKind kind, const std::string& what) {
    return Status(kind,
                  path + ": error: the run was interrupted " + what + ", or remove it and the .part to start anew");
  };
  if (old.version != now.version) {
    return refused(StatusKind::kUsage, "under clearline " + old.version + "; go on with that version");
  }
  if (old.policy != now.policy) return refused(StatusKind::kUsage, "under another policy; go on with that one");
  if (old.request != now.request) {
    return refused(StatusKind::kUsage, "with other inputs or options; give the same command again");
  }
  if (!(old.identity == now.identity) || old.seq != now.seq) {
    return refused(StatusKind::kRegistry, "under another registry; screen with that one");
  }
  return {};
}

Status check_finished(const std::string& output, const Checkpoint& done) {
  const auto refused = [&](const std::string& what) {
    return Status(StatusKind::kOutput, output + ": error: an earlier part of this run has written it, and " + what +
                                           " since; put it back, or remove " + checkpoint_path(output) +
                                           " to have it written again");
  };
  const int fd = open(output.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return refused("it was removed");
  const auto unreadable = [&](int error) {
    return Status(StatusKind::kOutput, output + ": error: cannot read what an earlier part of this run has written: " +
                                           errno_words(error, output));
  };
  if (fd < 0) return unreadable(errno);
  struct stat info{};
  bool is_same =
      fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && static_cast<std::uint64_t>(info.st_size) == done.output_bytes;
  ChecksumStream checksum;
  std::vector<char> piece(std::size_t{1} << 20);
  while (is_same) {
    const ssize_t got = read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      close(fd);
      return unreadable(error);
    }
    if (got == 0) {
      is_same = checksum.value() == done.output_checksum;
      break;
    }
    checksum.add(piece.data(), static_cast<std::size_t>(got));
  }
  close(fd);
  return is_same ? Status() : refused("it was changed");
}

std::string checkpoint_path(const std::string& output) { return path_beside(output, ".checkpoint"); }
std::string checkpoint_temporary(const std::string& path) { return path_beside(path, ".tmp"); }

Status write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  auto file = OutputFile::open_through(checkpoint_temporary(path), path);
  if (!file.ok()) return file.status();
  Status status = file->write(to_text(checkpoint));
  return status.ok() ? file->commit() : status;
}

Result<std::optional<Checkpoint>> read_checkpoint(const std::string& path) {
  // One that cannot be read now may be good: only its own bytes can show that it is damaged.
  std::string text;
  if (const int error = read_all(path, text); error != 0) {
    if (error == ENOENT) return std::optional<Checkpoint>();
    return Status(StatusKind::kOutput, path + ": error: cannot read the checkpoint: " + errno_words(error, path));
  }
  auto checkpoint = from_text(text);
  if (!checkpoint) {
    return Status(
        StatusKind::kOutput,
        path +
            ": error: the checkpoint is damaged or of another version; remove it and the .part, and the whole "
            "run is done again");
  }
  return checkpoint;
}

void remove_checkpoint(const std::string& path) {
  unlink(path.c_str());
  unlink(checkpoint_temporary(path).c_str());
}

}  // namespace clearline
