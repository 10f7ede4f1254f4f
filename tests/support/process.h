// Process: the built program, run as a user would.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clearline::test {

struct ProcessResult {
  int exit_code = -1;  ///< 128 + number when a signal ended it
  std::string out;
  std::string err;
  long peak_kib = 0;  ///< memory at its most, or this process's when it was started, if that is more
};

struct ProcessSetup {
  std::string input;                ///< for stdin
  bool close_stdout_early = false;  ///< the reader goes away after the first bytes
  int signal_after_ms = 0;          ///< send `signal` so long after the start, with stdin still open
  int signal = 2;                   ///< SIGINT
  std::string input_path;           ///< stdin comes from this file instead of `input`
  std::string output_path;          ///< stdout goes to this file instead of `out`
  bool output_appends = false;      ///< behind what is in it
  std::string error_path;           ///< stderr goes to this file instead of `err`
  std::vector<int> closed;          ///< descriptors that it starts without
  long file_bytes_max = 0;          ///< as `ulimit -f`; 0: none
  uid_t user = 0;                   ///< run by this user and group; 0: by who runs the test
};

/// Runs the built program with these arguments.
ProcessResult run_clearline(const std::vector<std::string>& arguments, const ProcessSetup& setup = {});

/// A run of the built program that is talked to: its stdin and stdout are pipes of ours. Of the setup counts what it
/// starts with: limits, user, closed descriptors.
class Conversation {
 public:
  explicit Conversation(const std::vector<std::string>& arguments, const ProcessSetup& setup = {});
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation();  ///< kills what still runs

  /// Sends all of a text, and takes what comes meanwhile. False: nobody reads it any more.
  bool send(std::string_view text);
  /// The next whole line, without its end. Nothing: there are no more, or none came within a minute.
  std::optional<std::string> read_line();
  /// The same of what has come already.
  std::optional<std::string> take_line();
  /// SIGKILL. Any thread may call it before end().
  void kill() const;
  /// Sends a signal; the same.
  void signal(int number) const;
  pid_t pid() const { return child_; }
  /// Closes its stdin and waits for its end. `out` holds what was not read line by line.
  ProcessResult end();

 private:
  enum class Wait { kNone, kForOutput, kForInputOrOutput };
  void exchange(Wait wait);

  pid_t child_ = -1;
  int in_ = -1;
  int out_ = -1;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> err_;
  std::string unsent_;
  std::string came_;
};

}  // namespace clearline::test
