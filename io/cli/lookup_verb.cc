#include "io/cli/lookup_verb.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/screener.h"
#include "io/cli/inputs.h"
#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/words.h"
#include "io/formats/block.h"
#include "io/formats/byte_source.h"
#include "io/formats/json_object.h"
#include "io/formats/ndjson.h"
#include "io/formats/utf8.h"
#include "io/formats/verdict_writer.h"
#include "io/store/output_file.h"

namespace clearline {
namespace {

struct LookupRequest {
  std::string code;  // `-`: a line on stdin has all
  std::string registry;
  std::optional<std::string> name;
  std::optional<std::string> zip;
  std::optional<std::string> phone;
  std::optional<std::string> date;
  std::optional<AsOf> as_of;
};

/// What is asked: views of a request, or of a line.
struct Question {
  Declaration declaration;
  bool has_name = false;  ///< it is asked for; without a value it is missing
  bool has_zip = false;
};

/// The one line of stdin, with its decoder and what keeps its texts alive.
class DeclaredLine {
 public:
  /// Reads all of stdin. kInput: there is no line, or more than one.
  Status read();
  const LineFault& fault() const { return batch_->lines[0].fault; }
  Question question() const;

 private:
  InputFormat format_;
  NdjsonDecoder decoder_{format_};
  // What is too long is taken up to one byte more than the limit: the decoder says that it is too long.
  Block block_{kLineBytesMaxDefault + 2};
  std::unique_ptr<DecodedBatch> batch_ = std::make_unique<DecodedBatch>();
};

Status DeclaredLine::read() {
  auto source = open_file_source("-");
  if (!source.ok()) return source.status();
  constexpr std::string_view kBlanks = " \t\r\n";
  std::string line;
  std::uint64_t number = 1;  // of the line, then of what comes after it
  bool has_ended = false;
  const auto is_blank = [&] { return line.find_first_not_of(kBlanks) == std::string::npos; };
  std::vector<char> piece(std::size_t{1} << 16);
  for (;;) {
    const auto got = (*source)->read(piece);
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    for (const char byte : std::string_view(piece.data(), *got)) {
      const bool is_end = byte == '\n';
      if (has_ended && kBlanks.find(byte) == std::string_view::npos) {
        return {
            StatusKind::kInput,
            fmt::format("<stdin>:{}:1: error: a second line; give one declaration, or use 'clearline screen'", number)};
      }
      number += static_cast<std::uint64_t>(is_end && (has_ended || is_blank()));
      if (has_ended) continue;
      if (line.size() <= kLineBytesMaxDefault || is_end) line.push_back(byte);
      if (number == 1 && line == kBom) line.clear();
      if (!is_end) continue;
      has_ended = !is_blank();
      if (has_ended) {
        ++number;
      } else {
        line.clear();
      }
    }
  }
  if (is_blank()) return {StatusKind::kInput, "<stdin>: error: there is no declaration in it; give one NDJSON line"};
  line.copy(block_.data.get(), line.size());
  block_.set_size(line.size());
  decoder_.start(block_.text(), 1);
  decoder_.next(*batch_);
  return {};
}

Question DeclaredLine::question() const {
  Question question;
  question.declaration = batch_->declarations[0];
  // The declaration does not tell an empty name from none.
  JsonObject object;
  (void)object.parse(block_.text());
  for (const JsonObject::Member& member : object.members()) {
    question.has_name = question.has_name || member.key == "name";
    question.has_zip = question.has_zip || member.key == "zip";
  }
  return question;
}

Status answer(std::string_view text) {
  auto file = OutputFile::open("-", FileMode::kUsual);
  if (!file.ok()) return file.status();
  Status status = file->write(text);
  if (status.ok()) status = file->commit();
  return file->pipe_closed() ? Status() : status;
}

Status look_up(const LookupRequest& request, const Question& question, std::optional<int>& exit_code) {
  Declaration declaration = question.declaration;
  if (request.date && !declaration.declared_at) {
    declaration.declared_at = parse_moment(*request.date);
    if (!declaration.declared_at)
      return {StatusKind::kUsage, "--date: no real date or time; write 2026-01-31 or 2026-01-31T10:00:00+09:00"};
  }
  // Only what is given is compared: what is not given is a question not asked, not a missing item.
  Policy policy = standard_policy();
  policy.rules[0].checks_name = question.has_name;
  policy.rules[0].checks_zip = question.has_zip;

  std::vector<std::string> warnings;
  const auto opened = read_registry_as_of(request.registry, request.as_of, warnings);
  if (!opened.ok()) return opened.status();
  for (const std::string& warning : warnings) say("{}\n", warning);
  if (opened->past && !opened->past->seq_of(declaration.declared_at)) {
    return {StatusKind::kUsage, request.registry + ": error: --date: its history begins at " +
                                    format_time(*opened->history_us) + "; name that or what came later"};
  }
  const Registry& registry = *opened->registry;
  Screener screener(registry, policy, opened->today.value_or(korean_date(now_seconds())), opened->past.get());
  Verdict verdict;
  screener.screen({&declaration, 1}, {&verdict, 1});

  OutBuffer out;
  out.append("{\"code\":\"");
  append_json_text(declaration.code, out);
  out.append("\",\"verdict\":\"");
  out.append(to_string(verdict.outcome));
  out.append("\"");
  append_json_reasons(verdict.reasons, out);
  VerdictWriter(Format::kNdjson, true, policy, registry.identity()).write_explained(verdict, out);
  out.append("}\n");
  if (verdict.outcome != Outcome::kClear) exit_code = 1;
  return answer(out.text());
}

Status run_lookup(const LookupRequest& request, std::optional<int>& exit_code) {
  auto reads = registry_files(request.registry);
  if (request.code == "-") reads.emplace_back("-");
  if (Status status = check_outputs(reads, {"-"}); !status.ok()) return status;
  if (request.code == "-") {
    if (request.name || request.zip || request.phone) {
      return {StatusKind::kUsage,
              "lookup: an item beside '-'; give it in the line on stdin, with the code; see 'clearline lookup --help'"};
    }
    DeclaredLine line;
    if (Status status = line.read(); !status.ok()) return status;
    if (!line.fault()) return look_up(request, line.question(), exit_code);
    exit_code = 1;
    OutBuffer out;
    out.append("{\"code\":null,\"verdict\":\"error\",\"reasons\":[\"malformed\"],\"detail\":\"");
    if (line.fault().column != 0) out.append(fmt::format("column {}: ", line.fault().column));
    append_json_text(line.fault().what, out);
    out.append("\"}\n");
    return answer(out.text());
  }
  for (const auto& text : {std::optional(request.code), request.name, request.zip, request.phone}) {
    if (text && !is_utf8(*text)) return {StatusKind::kUsage, "lookup: the code or an item is not UTF-8; give it so"};
  }
  Question question;
  question.has_name = request.name.has_value();
  question.has_zip = request.zip.has_value();
  const auto view = [](const std::optional<std::string>& text) { return text ? std::string_view(*text) : ""; };
  question.declaration.code = request.code;
  question.declaration.name = view(request.name);
  question.declaration.zip = view(request.zip);
  question.declaration.phone = view(request.phone);
  return look_up(request, question, exit_code);
}

}  // namespace

void add_lookup_verb(Verb app, Command& command) {
  auto request = std::make_shared<LookupRequest>();
  const Verb verb = app.add_verb("lookup", "Look one code up, and compare the items that are given");
  verb.add_option("CODE", request->code, "P and 12 digits; - reads a declaration, one NDJSON line, from stdin")
      .required()
      .type("");
  verb.add_option("-r,--registry", request->registry, "Registry: an image or a directory").required().type("REGISTRY");
  verb.add_option("--name", request->name, "Declared name, Latin or Hangul").type("NAME");
  verb.add_option("--zip", request->zip, "Declared zip").type("ZIP");
  verb.add_option("--phone", request->phone, "Declared phone").type("PHONE");
  verb.add_option("--date", request->date, "Day or time of the declaration; else today").type("DATE");
  add_as_of_option(verb, request->as_of);
  verb.footer(
      "Prints one JSON object; never a registered value. Only the items that are given are compared.\n"
      "Every user of a machine can read command lines, and shells keep them: the code and the items are wiped from "
      "the\n"
      "list of processes at once, and `lookup -` puts none there.\n\nExamples:\n"
      "  clearline lookup P123456789012 -r registry.img\n"
      "  clearline lookup P123456789012 --name 'Gil-Dong Hong' --zip 04524 -r registry.img\n"
      "  clearline lookup - -r registry.img < declaration.ndjson\n"
      "  clearline lookup P123456789012 -r live --as-of 2025-11-30    # what it was that evening\n\n"
      "Exit: 0 clear, 1 not clear, or a malformed line, 2 wrong use, 3 no line, or more than one, 4 registry missing "
      "or\n"
      "damaged.");
  verb.when_chosen(
      [request, &command] { command.run = [request, &command] { return run_lookup(*request, command.exit_code); }; });
}

}  // namespace clearline
