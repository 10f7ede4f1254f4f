// Private arguments: codes, names, phones and zips on a command line, which all users of a machine can read in the list
// of processes.
#pragma once

#include <string>
#include <vector>

namespace clearline {

/// The arguments, copied; of `lookup` and `registry history`, what may be about a person is overwritten in `argv`, and with
/// it in /proc/PID/cmdline. Asked for before anything else is done: until then everybody can read them.
std::vector<std::string> take_arguments(int argc, char** argv);

}  // namespace clearline
