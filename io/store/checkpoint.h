// Checkpoint: how far a resumable run has come. A small file beside the output, NAME.checkpoint.
//
// It says nothing of persons: counts, positions and checksums. It is written to NAME.checkpoint.tmp and renamed, and ends with a checksum of
// itself, so it is whole or not there. What it says was on disk before it: the output up to `output_bytes` is synced first.
//
//   run:  write OUT.checkpoint, make OUT.part, ... write blocks ... sync OUT.part, write OUT.checkpoint ... "done", rename
//         OUT.part to OUT, ... the other outputs of the run ..., remove each OUT.checkpoint
//
// So a .part without a checkpoint is never ours, and a checkpoint that is done remembers what OUT held: a later run holds
// the file against it before it takes the input for screened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clearline/registry.h"
#include "io/formats/block_reader.h"
#include "io/formats/screen_block.h"

namespace clearline {

struct Checkpoint {
  std::string version;        ///< of the program
  std::uint64_t policy = 0;   ///< fingerprint of its rules
  std::uint64_t request = 0;  ///< fingerprint of what was asked: inputs, formats, options
  Date today;                 ///< stands for a missing declared_at until the end
  RegistryIdentity identity;
  std::uint64_t seq = 0;
  std::vector<ReadMark> inputs;  ///< at the end of each input that is finished, and in the one that is being read
  std::uint64_t output_bytes = 0;
  std::uint64_t output_checksum = 0;
  Tally tally;
  bool done = false;  ///< the output is whole; perhaps it has its name already
};

/// Whether a run may go on from `old`: same program, policy, request and registry; and if not, why, and how to mend it.
/// `path` is the old one's.
Status check_same_run(const std::string& path, const Checkpoint& old, const Checkpoint& now);
/// Whether the file of a checkpoint that is done still holds what was written: kOutput if not.
Status check_finished(const std::string& output, const Checkpoint& done);

std::string checkpoint_path(const std::string& output);
/// Where it is written first: one name, so that a run that is killed there leaves what the next one takes away.
std::string checkpoint_temporary(const std::string& path);
/// kOutput when it cannot be written.
Status write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// Nothing when there is none; kOutput when it is damaged or of another version, or cannot be read now.
Result<std::optional<Checkpoint>> read_checkpoint(const std::string& path);
/// With its temporary, if a run was killed there.
void remove_checkpoint(const std::string& path);

}  // namespace clearline
