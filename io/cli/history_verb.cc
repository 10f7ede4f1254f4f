#include "io/cli/history_verb.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/entry_record.h"
#include "io/cli/inputs.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/table.h"
#include "io/cli/words.h"
#include "io/store/journal_ndjson.h"
#include "io/store/registry_directory.h"

namespace clearline {
namespace {

enum class HistoryFormat { kText, kNdjson };

struct HistoryRequest {
  std::string directory;
  std::string code;
  std::string named_directory;  // by -r; then the code stands where the directory would
  HistoryFormat format = HistoryFormat::kText;
};

/// A registered text as a terminal can be given it: a control character could move the cursor over other lines.
std::string shown_text(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte < 0x20 || byte == 0x7F) {
      shown += fmt::format("\\x{:02x}", byte);
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F
      shown += fmt::format("\\x{:02x}", next);
      ++i;
    } else {
      shown += text[i];
    }
  }
  return shown;
}

struct Field {
  std::string_view name;
  std::string value;  // empty: not on file
};

/// The fields of an entry in the order of a registry file.
std::array<Field, 10> fields_of(const Entry& entry) {
  std::string zips;
  for (const std::uint32_t zip : entry.zips) zips += fmt::format("{}{:05}", zips.empty() ? "" : ";", zip);
  const auto date = [](const std::optional<Date>& value) { return value ? format_date(*value) : std::string(); };
  return {{{"code", format_code(entry.code)},
           {"name", shown_text(entry.name)},
           {"name_ko", shown_text(entry.name_ko)},
           {"phone", shown_text(entry.phone)},
           {"zips", zips},
           {"status", std::string(to_string(entry.status))},
           {"replaced_by", entry.replaced_by ? format_code(*entry.replaced_by) : std::string()},
           {"issued", date(entry.issued)},
           {"changed", date(entry.changed)},
           {"expires", date(entry.expires)}}};
}

/// `field: old -> new` of what is different; without an entry before, `field: value` of what is on file.
std::vector<std::string> differences(const std::optional<Entry>& before, const Entry& after) {
  const auto olds = before ? fields_of(*before) : std::array<Field, 10>{};
  const auto news = fields_of(after);
  const auto shown = [](const std::string& value) { return value.empty() ? "(not on file)" : value; };
  std::vector<std::string> lines;
  for (std::size_t i = before ? 0 : 1; i < news.size(); ++i) {  // the code of an entry alone is known
    if (olds[i].value == news[i].value) continue;
    lines.push_back(before ? fmt::format("{}: {} -> {}", news[i].name, shown(olds[i].value), shown(news[i].value))
                           : fmt::format("{}: {}", news[i].name, news[i].value));
  }
  return lines;
}

/// What a change did, seen from `code`. Nothing when a record cannot be read.
std::optional<std::vector<std::string>> effects(const JournalRow& row, Code code) {
  std::vector<std::string> lines;
  const bool is_new = row.new_code == code;
  if (row.new_code) {
    lines.push_back(is_new ? fmt::format("reissued from {}, whose history comes before", format_code(row.code))
                           : fmt::format("reissued as {}, whose history goes on", format_code(*row.new_code)));
  }
  if (row.erased_data) {
    lines.emplace_back("(the data of this change was erased)");
    return lines;
  }
  const auto before = read_entry_record(row.before);
  const auto after = read_entry_record(is_new ? row.new_after : row.after);
  if (!after || (!before && !row.before.empty())) return std::nullopt;
  for (std::string& line : differences(before, *after)) lines.push_back(std::move(line));
  if (lines.empty()) lines.emplace_back("(nothing: all was so before)");
  return lines;
}

/// `2025-12-01 10:00:00`, Korean time; a change's microseconds are in the NDJSON.
std::string shown_time(std::int64_t unix_us) {
  std::string time = format_time(unix_us).substr(0, std::string_view("2025-12-01T10:00:00").size());
  time[std::string_view("2025-12-01").size()] = ' ';
  return time;
}

std::string state_words(const std::optional<Entry>& entry) {
  if (!entry) return "its data was erased";
  return fmt::format("now {}{}", to_string(entry->status),
                     entry->replaced_by ? " by " + format_code(*entry->replaced_by) : "");
}

std::string history_text(Code code, const RegistryDirectory::History& history, const Table& changes) {
  const std::string name = format_code(code);
  if (history.changes != 0) {
    return fmt::format("{}: {} change{} in seq {} to {}; {}\n\n{}", name, with_commas(history.changes),
                       history.changes == 1 ? "" : "s", history.base_seq + 1, history.seq, state_words(history.entry),
                       changes.text());
  }
  if (!history.entry) return name + ": unknown: there is no such code in the registry, nor in its journal\n";
  std::string text =
      fmt::format("{}: no changes since seq {}; {}\n\n", name, history.base_seq, state_words(history.entry));
  for (const std::string& line : differences(std::nullopt, *history.entry)) text += line + "\n";
  return text;
}

Status run_history(HistoryRequest request, std::optional<int>& exit_code) {
  constexpr const char* kHelp = "; see 'clearline registry history --help'";
  if (!request.named_directory.empty()) {
    if (!request.code.empty()) {
      return {StatusKind::kUsage, std::string("an argument too many; name the directory once") + kHelp};
    }
    request.code = std::exchange(request.directory, request.named_directory);
  }
  if (request.code.empty()) return {StatusKind::kUsage, std::string("CODE is required") + kHelp};
  const auto code = parse_code(request.code);
  if (!code) return {StatusKind::kUsage, "CODE: is no code; give P and 12 digits"};
  if (Status status = check_has_journal(request.directory); !status.ok()) return status;
  if (Status status = check_stdout(request.directory); !status.ok()) return status;

  const RegistryDirectory directory(request.directory);
  const bool is_text = request.format == HistoryFormat::kText;
  OutBuffer lines;
  Table changes({{"seq", Table::Align::kRight}, {"at (+09:00)"}, {"op"}, {"by"}, {"actor"}, {"what changed"}});
  const auto history = directory.read_history(*code, [&](const JournalRow& row) -> Status {
    if (!is_text) {
      return append_journal_row(row, lines) ? Status() : unreadable_entry(directory.journal_path(), row.seq);
    }
    const auto effect = effects(row, *code);
    if (!effect) return unreadable_entry(directory.journal_path(), row.seq);
    const bool has_by = row.op == ChangeOp::kSuspend || row.op == ChangeOp::kCancel;
    changes.add({std::to_string(row.seq), shown_time(row.at_us), std::string(to_string(row.op)),
                 has_by ? std::string(to_string(row.by)) : "-", shown_text(row.actor), effect->front()});
    for (std::size_t i = 1; i < effect->size(); ++i) changes.add({"", "", "", "", "", (*effect)[i]});
    return {};
  });
  if (!history.ok()) return history.status();
  for (const std::string& warning : history->warnings) say("{}\n", warning);
  if (history->changes == 0 && !history->entry) exit_code = 1;
  return is_text ? tell(history_text(*code, *history, changes)) : tell(lines.text());
}

}  // namespace

void add_history_verb(Verb registry, Command& command) {
  auto request = std::make_shared<HistoryRequest>();
  const Verb history = registry.add_verb("history", "What changed one code, when and by whom");
  history.add_option("DIR", request->directory, "Registry directory").required().type("");
  history.add_option("CODE", request->code, "P and 12 digits").type("");
  history.add_option("-r,--registry", request->named_directory, "The directory, where CODE stands alone")
      .not_empty()
      .type("DIR");
  add_choice<HistoryFormat>(
      history, "--format", request->format, {{"text", HistoryFormat::kText}, {"ndjson", HistoryFormat::kNdjson}},
      "text: a table (default); ndjson: the lines that 'registry export --journal' writes for these changes");
  history.footer(
      "All changes of which the code is the old or the new one, oldest first, in Korean time: of each field the\n"
      "old and the new value, of an issue what was registered. `by` is owner or ex_officio, of a suspension or\n"
      "a cancellation. A reissue names the other code, whose history comes before or goes on. Each change is\n"
      "checked against the chain of hashes. A code that no change has touched is shown as it is. The output\n"
      "holds personal data.\n"
      "\n"
      "Examples:\n"
      "  clearline registry history live P123456789012\n"
      "  clearline registry history P123456789012 -r live --format ndjson\n"
      "\n"
      "Exit: 0 there is such a code, 1 there never was (lookup says 1, too), 2 what was given is no code, or an\n"
      "image, 4 registry missing or damaged.");
  history.when_chosen(
      [request, &command] { command.run = [request, &command] { return run_history(*request, command.exit_code); }; });
}

}  // namespace clearline
