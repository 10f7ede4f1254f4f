// What the program asks of the machine it runs on.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace clearline {

/// Processors this process may use: its affinity, and the quota of its container (cgroup v2, cpu.max). At least 1.
int usable_processors();

/// Whether stderr is a terminal that progress may be drawn on.
bool stderr_is_terminal();

/// Unix time, seconds.
std::int64_t now_seconds();

/// What is said when a signal ends the program, instead of the usual words. A text that is never freed, such as a literal.
void set_interrupt_words(const char* words);

/// Signals that end the program remove its temporary files first and exit with 7; those that mean nothing to it are ignored; a
/// closed pipe and a file that grows too large are errors of write(), not signals; a closed stdin, stdout or stderr stays
/// unusable; no core is ever dumped, since it would hold the registry.
void prepare_process();

}  // namespace clearline
