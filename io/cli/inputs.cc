#include "io/cli/inputs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <system_error>

#include "io/cli/progress.h"
#include "io/cli/words.h"
#include "io/formats/errno_words.h"
#include "io/formats/utf8.h"
#include "io/store/output_place.h"
#include "io/store/registry_directory.h"

namespace clearline {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kName = "{name}";

/// One that can be opened twice without losing bytes.
bool is_file(const std::string& path) {
  struct stat info{};
  return path != "-" && stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

/// What is no regular file is passed over with a word: a pipe would be waited for, and nobody named it. A link is what it leads
/// to. What cannot be looked at counts as a file, so that opening it says why.
bool is_passed_over(const fs::directory_entry& entry) {
  struct stat info{};
  const std::string path = entry.path().string();
  const bool is_there = stat(path.c_str(), &info) == 0;
  if (is_there ? S_ISREG(info.st_mode) : errno != ENOENT && errno != ELOOP) return false;
  const char* const kind = !is_there                                          ? "a link to nothing"
                           : S_ISDIR(info.st_mode)                            ? "a folder"
                           : S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) ? "a pipe or socket"
                                                                              : "a device";
  say("{}: passed over: {}, and of a folder the files are read\n", path, kind);
  return true;
}

Status folder_files(const std::string& folder, std::vector<std::string>& files) {
  const std::size_t before = files.size();
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') && !is_passed_over(*entry)) files.push_back(entry->path().string());
  }
  if (error) return {StatusKind::kInput, folder + ": error: cannot read the folder: " + errno_words(error.value())};
  if (files.size() == before)
    return {StatusKind::kInput, folder + ": error: there is no file in the folder; name another one"};
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
  return {};
}

}  // namespace

Result<std::vector<std::string>> expand_inputs(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (path != "-" && fs::is_directory(path, ignored)) {
      if (Status status = folder_files(path, files); !status.ok()) return status;
      continue;
    }
    files.push_back(path);
    // Looked at now, so that a missing one is told before hours of work; opening a pipe to look at it would end it.
    struct stat info{};
    if (path == "-" || (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))) continue;
    if (auto source = open_file_source(path); !source.ok()) return source.status();
  }
  if (files.empty()) files.emplace_back("-");
  return files;
}

bool is_pattern(const std::string& output) { return output.find(kName) != std::string::npos; }

std::string output_for(const std::string& pattern, const std::string& input) {
  std::string name = input == "-" ? "stdin" : fs::path(input).filename().string();
  name = without_compression(name);
  for (const std::string_view ending : {".csv", ".tsv", ".ndjson", ".jsonl", ".json"}) {
    if (has_ending(name, ending) && name.size() > ending.size()) {
      name.resize(name.size() - ending.size());
      break;
    }
  }
  std::string output = pattern;
  for (std::size_t at = output.find(kName); at != std::string::npos; at = output.find(kName, at + name.size())) {
    output.replace(at, kName.size(), name);
  }
  return output;
}

Status check_outputs(const std::vector<std::string>& reads, const std::vector<std::string>& outputs) {
  std::set<std::string> taken;
  for (const std::string& path : reads) {
    if (auto file = file_identity(path, STDIN_FILENO)) taken.insert(std::move(*file));
  }
  for (const std::string& path : outputs) {
    if (path.empty()) continue;
    const auto file = file_identity(path, STDOUT_FILENO);
    if (!file || taken.insert(*file).second) continue;
    return {StatusKind::kUsage, (path == "-" ? "<stdout>" : path) +
                                    ": error: the output is also read, or is another output too; give it another name"};
  }
  return {};
}

std::vector<std::string> registry_files(const std::string& path) {
  std::vector<std::string> files{path};
  std::error_code ignored;  // what cannot be listed is told when it is opened
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) files.push_back(entry.path().string());
  if (files.size() > 1) {  // also those that come and go
    const RegistryDirectory directory(path);
    const std::string journal = directory.journal_path();
    for (const std::string& file : {directory.head_path(), journal, journal + "-wal", journal + "-shm",
                                    directory.lock_path(), directory.image_part_path()}) {
      files.push_back(file);
    }
  }
  return files;
}

std::vector<std::string> with_registry_files(std::vector<std::string> inputs, const std::string& registry) {
  const std::vector<std::string> files = registry_files(registry);
  inputs.insert(inputs.end(), files.begin(), files.end());
  return inputs;
}

Status check_stdout(const std::string& registry) { return check_outputs(registry_files(registry), {"-"}); }

Status check_has_journal(const std::string& registry) {
  std::error_code ignored;
  if (fs::is_directory(registry, ignored) || !fs::exists(registry, ignored)) return {};
  return {StatusKind::kUsage, registry + ": error: an image has no journal; name a registry directory"};
}

std::optional<std::uint64_t> bytes_of(const std::vector<std::string>& inputs) {
  std::uint64_t bytes = 0;
  for (const std::string& input : inputs) {
    struct stat info{};
    if (!is_file(input) || stat(input.c_str(), &info) != 0) return std::nullopt;
    bytes += static_cast<std::uint64_t>(info.st_size);
  }
  return bytes;
}

namespace {

constexpr std::array kOtherEncodings{std::pair(Encoding::kCp949, "cp949"), std::pair(Encoding::kUtf16, "utf-16")};

}  // namespace

std::string encoding_words(const EncodingTally& tally) {
  const std::uint64_t all = std::accumulate(tally.inputs.begin(), tally.inputs.end(), std::uint64_t{0});
  std::string words;
  for (const auto& [encoding, word] : kOtherEncodings) {
    const std::uint64_t count = tally.inputs[static_cast<std::size_t>(encoding)];
    if (count == 0) continue;
    words += all == 1 ? "  the input was read as " : fmt::format("  {} of {} inputs were read as ", count, all);
    words += std::string(to_string(encoding)) + "\n";
  }
  const auto add_lines = [&](std::uint64_t count, Encoding failed, Encoding other, const char* word) {
    if (count == 0) return;
    words += fmt::format("  {} lines failed as {} and would have passed as {}; if their input is, say --encoding {}\n",
                         with_commas(count), to_string(failed), to_string(other), word);
  };
  add_lines(tally.utf8_lines, Encoding::kCp949, Encoding::kUtf8, "utf-8");
  add_lines(tally.cp949_lines, Encoding::kUtf8, Encoding::kCp949, "cp949");
  return words;
}

std::string encoding_json(const EncodingTally& tally) {
  std::string names;
  for (const auto& [encoding, word] : kOtherEncodings) {
    if (tally.inputs[static_cast<std::size_t>(encoding)] != 0) names += (names.empty() ? "" : "+") + std::string(word);
  }
  std::string json = names.empty() ? "" : ",\"encoding\":\"" + names + "\"";
  if (tally.utf8_lines != 0) json += fmt::format(",\"utf8_lines\":{}", tally.utf8_lines);
  if (tally.cp949_lines != 0) json += fmt::format(",\"cp949_lines\":{}", tally.cp949_lines);
  return json;
}

namespace {

/// A text that JSON can hold: names of files may be any bytes.
std::string as_utf8(std::string name) {
  for (std::size_t at = find_invalid_utf8(name); at != name.size(); at = find_invalid_utf8(name)) name[at] = '?';
  return name;
}

/// How verdicts name their inputs: not at all where there is but one, else by the last piece of the path, or by all of it where
/// inputs of several folders have the same last piece.
std::vector<std::string> names_of(const std::vector<std::string>& paths) {
  std::vector<std::string> names(paths.size());
  if (paths.size() < 2) return names;
  std::map<std::string, std::set<std::string>> folders;
  for (const std::string& path : paths) folders[fs::path(path).filename().string()].insert(path);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string last = fs::path(paths[i]).filename().string();
    names[i] = as_utf8(folders[last].size() == 1 ? last : paths[i]);
  }
  return names;
}

}  // namespace

InputChain::InputChain(std::vector<std::string> paths, InputOptions options, std::size_t block_bytes)
    : paths_(std::move(paths)), names_(names_of(paths_)), options_(std::move(options)), block_bytes_(block_bytes) {}

Status InputChain::open_next() {
  if (reader_) {
    taken_before_ += reader_->source().bytes_taken();
    encodings_.utf8_lines += reader_->utf8_lines();
    if (options_.marks) finished_.push_back(reader_->mark());
  }
  auto source = open_file_source(paths_[next_path_++]);
  if (!source.ok()) return source.status();
  auto reader = BlockReader::open(std::move(*source), options_, block_bytes_);
  if (!reader.ok()) return reader.status();
  reader_ = std::move(*reader);
  formats_.push_back(reader_->format());
  formats_.back().file = names_[next_path_ - 1];
  ++encodings_.inputs[static_cast<std::size_t>(reader_->encoding())];
  return {};
}

Result<bool> InputChain::next(Block& block) {
  for (;;) {
    const auto more = reader_->next(block);
    if (!more.ok()) return more.status();
    if (*more) {
      block.format = &formats_.back();
      return true;
    }
    if (next_path_ == paths_.size()) return false;
    if (Status status = open_next(); !status.ok()) return status;
  }
}

std::vector<ReadMark> InputChain::marks() const {
  std::vector<ReadMark> marks = finished_;
  marks.push_back(reader_->mark());
  return marks;
}

EncodingTally InputChain::encodings() const {
  EncodingTally tally = encodings_;
  tally.utf8_lines += reader_->utf8_lines();
  return tally;
}

Result<bool> InputChain::at_end() {
  if (next_path_ != paths_.size()) return false;
  return reader_->at_end();
}

Status InputChain::changed() const {
  return {StatusKind::kInput, reader_->source().name() +
                                  ": error: the input was changed since the run was interrupted; "
                                  "run again without --resume"};
}

Status InputChain::skip_to(const std::vector<ReadMark>& marks) {
  for (std::size_t i = 0; i < marks.size(); ++i) {
    if (i != 0) {
      const auto ended = reader_->at_end();
      if (!ended.ok()) return ended.status();
      if (!*ended || next_path_ == paths_.size()) return changed();
      if (Status status = open_next(); !status.ok()) return status;
    }
    if (Status status = reader_->skip_to(marks[i]); !status.ok()) return status;
  }
  return {};
}

}  // namespace clearline
