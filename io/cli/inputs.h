// Inputs: the files that a user named, one after the other, as one stream of blocks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clearline/status.h"
#include "io/formats/block_reader.h"

namespace clearline {

/// Blocks of this size stay in a core's second cache, with what is made of them, from read to write.
inline constexpr std::size_t kRunBlockBytes = std::size_t{256} << 10;

/// The paths as given, and for a folder the regular files in it, sorted by name. Hidden ones are left out, and whatever else is
/// in it is passed over with a word on stderr. Nothing is stdin. kInput for what is not there, and for a folder without files.
Result<std::vector<std::string>> expand_inputs(const std::vector<std::string>& paths);

/// Whether each input has an output of its own: `{name}` is in it.
bool is_pattern(const std::string& output);
/// `out/{name}.csv` for the input `in/day1.ndjson.gz`: `out/day1.csv`.
std::string output_for(const std::string& pattern, const std::string& input);
/// kUsage when an output is one of the files that are read, or two outputs are the same file; `-` is what stdin and
/// stdout lead to. To be asked before anything is opened. Empty paths are none.
Status check_outputs(const std::vector<std::string>& reads, const std::vector<std::string>& outputs);

/// The files that make a registry: an image, or all files of a directory.
std::vector<std::string> registry_files(const std::string& path);
/// All that a run reads.
std::vector<std::string> with_registry_files(std::vector<std::string> inputs, const std::string& registry);

/// check_outputs() of a verb that reads a registry and answers on stdout.
Status check_stdout(const std::string& registry);

/// kUsage for an image, where a registry that has a journal is wanted. What is not there at all is left to whoever opens
/// it.
Status check_has_journal(const std::string& registry);

/// Bytes of all files; nothing when one of them is a pipe.
std::optional<std::uint64_t> bytes_of(const std::vector<std::string>& inputs);

/// In which encodings inputs were read, and what may have been lost by that.
struct EncodingTally {
  std::array<std::uint64_t, kEncodingCount> inputs{};
  std::uint64_t utf8_lines = 0;   ///< that failed as CP949, and are UTF-8
  std::uint64_t cp949_lines = 0;  ///< that failed as UTF-8, and are CP949
};

/// Lines of a summary; empty where all was UTF-8, and rightly so.
std::string encoding_words(const EncodingTally& tally);
/// The same as members of a JSON object, each with a comma before it.
std::string encoding_json(const EncodingTally& tally);

class InputChain {
 public:
  InputChain(std::vector<std::string> paths, InputOptions options, std::size_t block_bytes);

  Status open() { return open_next(); }
  /// False at the end of the last input.
  Result<bool> next(Block& block);

  /// Of each finished input, and of the one that is being read. Only with InputOptions::marks.
  std::vector<ReadMark> marks() const;
  /// Goes on where a chain of the same inputs stood; between open() and the first next(). All bytes before are read and
  /// compared by their checksum: kInput when an input was changed.
  Status skip_to(const std::vector<ReadMark>& marks);
  /// Whether nothing is left.
  Result<bool> at_end();

  /// Of the inputs so far. Whoever decodes lines counts `cp949_lines`.
  EncodingTally encodings() const;

  /// Bytes of the files so far.
  std::uint64_t bytes_taken() const { return taken_before_ + (reader_ ? reader_->source().bytes_taken() : 0); }

 private:
  Status open_next();
  Status changed() const;

  std::vector<std::string> paths_;
  std::vector<std::string> names_;  // of the inputs in verdicts; empty ones where there is one input alone
  InputOptions options_;
  std::size_t block_bytes_;
  std::size_t next_path_ = 0;
  std::unique_ptr<BlockReader> reader_;
  std::deque<InputFormat> formats_;  // blocks in flight point to them
  std::vector<ReadMark> finished_;
  std::uint64_t taken_before_ = 0;
  EncodingTally encodings_;  // utf8_lines: of finished inputs
};

}  // namespace clearline
