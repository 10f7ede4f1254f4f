// Process: the built program, run as a user would.
#pragma once

#include <string>
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
  std::string error_path;           ///< stderr goes to this file instead of `err`
  std::vector<int> closed;          ///< descriptors that it starts without
  long file_bytes_max = 0;          ///< as `ulimit -f`; 0: none
};

/// Runs the built program with these arguments.
ProcessResult run_clearline(const std::vector<std::string>& arguments, const ProcessSetup& setup = {});

}  // namespace clearline::test
