#include "io/cli/registry_verbs.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "engine/registry_table.h"
#include "io/cli/history_verb.h"
#include "io/cli/impact_verb.h"
#include "io/cli/inputs.h"
#include "io/cli/live_verbs.h"
#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/stats_verb.h"
#include "io/cli/words.h"
#include "io/formats/entry_writer.h"
#include "io/formats/registry_reader.h"
#include "io/formats/verdict_writer.h"
#include "io/store/compressed_output.h"
#include "io/store/image.h"
#include "io/store/journal_ndjson.h"
#include "io/store/output_file.h"
#include "io/store/random.h"
#include "io/store/registry_directory.h"

namespace clearline {
namespace {

std::string shown_name(const std::string& path) { return path == "-" ? "<stdin>" : path; }

/// What to do about a bad record. Its words start with the field they are about, or tell the form of the line.
std::string_view mend_of(std::string_view what) {
  constexpr std::string_view kDate = "write YYYY-MM-DD";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kMends{{
      {"code ", "give P and 12 digits"},
      {"name ", "give the Latin name, family name first"},
      {"name_ko ", "give the Hangul name, or leave it out"},
      {"phone ", "give the number, or leave it out"},
      {"zip ", "give its five digits"},
      {"zips ", "write [\"04524\",\"12345\"]"},
      {"more than 20 zips", "leave some out"},
      {"status ", "write one of them"},
      {"replaced_by ", "give P and 12 digits, with the status replaced"},
      {"issued ", kDate},
      {"changed ", kDate},
      {"expires ", kDate},
  }};
  for (const auto& [start, mend] : kMends) {
    if (what.starts_with(start)) return mend;
  }
  return "mend the line";
}

/// The bad records, each as FILE:LINE:COLUMN: error: what; how to mend.
void tell_bad_records(const std::string& name, const BadRecords& bad) {
  for (const BadRecords::Kind& kind : bad.kinds()) {
    for (const BadRecord& record : kind.listed) {
      say("{}:{}:{}: error: {}; {}\n", name, record.line, std::max(record.column, 1U), record.what,
          mend_of(record.what));
    }
    if (kind.count > kind.listed.size()) {
      const std::string_view what = kind.listed[0].what;
      say("{}: error: {}: {} more of this kind; {}\n", name, what, with_commas(kind.count - kind.listed.size()),
          mend_of(what));
    }
  }
}

void tell_duplicates(const std::string& name, const RegistryBuilder::Outcome& outcome) {
  for (const RegistryBuilder::Duplicate& twice : outcome.duplicates) {
    say("{}:{}:1: error: this code is there already, at line {}; keep one of the two\n", name, twice.again,
        twice.first);
  }
  if (outcome.duplicate_count > outcome.duplicates.size()) {
    say("{}: error: codes that are there twice: {} more of this kind; keep one of each\n", name,
        with_commas(outcome.duplicate_count - outcome.duplicates.size()));
  }
}

/// `1 bad record`, `2 bad records`.
std::string counted(std::uint64_t count, const char* what) {
  return fmt::format("{} {}{}", with_commas(count), what, count == 1 ? "" : "s");
}

/// Says what stands in the way, and the options that would clear just that.
Status refusal(const std::string& name, std::uint64_t bad, std::uint64_t doubled, std::uint64_t records) {
  const bool both = bad != 0 && doubled != 0;
  return {
      StatusKind::kInput,
      fmt::format("{}: error: {}{}{} among {}; no image was written; mend the file, or say {}{}{}", name,
                  bad != 0 ? counted(bad, "bad record") : "", both ? " and " : "",
                  doubled != 0 ? counted(doubled, "doubled code") : "", counted(records, "record"),
                  bad != 0 ? "--rejects FILE" : "", both ? " and " : "", doubled != 0 ? "--on-duplicate last" : "")};
}

/// An image without an entry would take the place of a good one, and hold every parcel.
Status empty_refusal(const std::string& name, std::uint64_t records) {
  const std::string what =
      records == 0 ? "there is no record" : fmt::format("no good record among {}", with_commas(records));
  return {StatusKind::kInput,
          fmt::format("{}: error: {}; no image was written; name the whole file, or say --allow-empty", name, what)};
}

Status verify_directory(const std::string& path) {
  const auto verified = RegistryDirectory(path).verify();
  if (!verified.ok()) return verified.status();
  return tell(fmt::format("{}: sound at seq {}: {} entries, {} changes in the journal, {} image{}\n", path,
                          verified->seq, with_commas(verified->entries), with_commas(verified->changes),
                          verified->images, verified->images == 1 ? "" : "s"));
}

Status run_verify(const std::string& path) {
  if (Status status = check_stdout(path); !status.ok()) return status;
  if (is_directory(path)) return verify_directory(path);
  const auto registry = read_image(path);
  if (!registry.ok()) return registry.status();
  if (const auto fault = registry->table().content_fault()) {
    return {StatusKind::kRegistry, path + ": error: " + std::string(*fault) + "; build the image again"};
  }
  return tell(fmt::format("{}: all {} entries are sound\n", path, with_commas(registry->size())));
}

Status info_of_directory(const std::string& path, bool json) {
  const auto info = RegistryDirectory(path).info();
  if (!info.ok()) return info.status();
  const std::string last = info->last_change_us ? format_time(*info->last_change_us) : "";
  std::string images;
  for (const std::uint64_t seq : info->images)
    images += fmt::format("{}{}", images.empty() ? "" : json ? "," : ", ", seq);
  if (json) {
    return tell(fmt::format(
        "{{\"entries\":{},\"seq\":{},\"registry\":\"{}\",\"incarnation\":{},\"base_seq\":{},\"images\":[{}],"
        "\"last_change\":{},\"image_bytes\":{},\"journal_bytes\":{}}}\n",
        info->entries, info->seq, format_uuid(info->identity), info->identity.incarnation, info->base_seq, images,
        last.empty() ? "null" : "\"" + last + "\"", info->image_bytes, info->journal_bytes));
  }
  return tell(
      fmt::format("entries        {}\nseq            {}\nregistry       {}\nincarnation    {}\nlast change    {}\n"
                  "journal        from seq {}, {}\nimages         of seq {}; {}\n",
                  with_commas(info->entries), info->seq, format_uuid(info->identity), info->identity.incarnation,
                  last.empty() ? "none" : last, info->base_seq + 1, as_bytes(static_cast<double>(info->journal_bytes)),
                  images, as_bytes(static_cast<double>(info->image_bytes))));
}

Status run_info(const std::string& path, bool json) {
  if (Status status = check_stdout(path); !status.ok()) return status;
  if (is_directory(path)) return info_of_directory(path, json);
  const auto info = read_image_info(path);
  if (!info.ok()) return info.status();
  const RegistryShape& shape = info->shape;
  const double entries = std::max(static_cast<double>(shape.entry_count), 1.0);
  const auto row_bytes = shape.bucket_count * 128;
  if (json) {
    return tell(fmt::format(
        "{{\"version\":{},\"entries\":{},\"seq\":{},\"registry\":\"{}\",\"incarnation\":{},\"file_bytes\":{},"
        "\"row_bytes\":{},\"text_bytes\":{}}}\n",
        info->version, shape.entry_count, shape.seq, format_uuid(shape.identity), shape.identity.incarnation,
        info->file_bytes, row_bytes, shape.text_bytes));
  }
  return tell(fmt::format(
      "image version  {}\nentries        {}\nseq            {}\nregistry       {}\nincarnation    {}\n"
      "file           {}\nmemory         {} ({:.1f} B a code in rows, {:.1f} B with texts)\n",
      info->version, with_commas(shape.entry_count), shape.seq, format_uuid(shape.identity), shape.identity.incarnation,
      as_bytes(static_cast<double>(info->file_bytes)), as_bytes(static_cast<double>(row_bytes + shape.text_bytes)),
      static_cast<double>(row_bytes) / entries, static_cast<double>(row_bytes + shape.text_bytes) / entries));
}

struct ExportRequest {
  std::string registry;
  std::string output = "-";
  std::optional<Format> format;
  bool journal = false;
};

constexpr std::size_t kExportWriteBytes = std::size_t{1} << 18;

/// Writes what has gathered, once it is enough.
Status write_some(CompressedOutput& file, OutBuffer& out) {
  if (out.text().size() < kExportWriteBytes) return {};
  Status status = file.write(out.text());
  out.clear();
  return status;
}

Status export_entries(const ExportRequest& request, CompressedOutput& file) {
  std::vector<std::string> warnings;
  const auto registry = read_any_registry(request.registry, warnings);
  if (!registry.ok()) return registry.status();
  for (const std::string& warning : warnings) say("{}\n", warning);
  const Format form = request.format.value_or(output_format_of_name(request.output).value_or(Format::kCsv));
  OutBuffer out;
  if (form == Format::kCsv) out.append(kRegistryCsvHeader);
  for (const Code code : registry->table().codes_sorted()) {
    const auto entry = registry->find(code);
    if (!entry) {
      return {StatusKind::kRegistry, request.registry + ": error: an entry cannot be read; see registry verify"};
    }
    if (form == Format::kCsv) {
      append_entry_csv(*entry, out);
    } else {
      append_entry_ndjson(*entry, out);
    }
    if (Status status = write_some(file, out); !status.ok()) return status;
  }
  return file.write(out.text());
}

Status export_journal(const ExportRequest& request, CompressedOutput& file) {
  if (!is_directory(request.registry)) {
    return {StatusKind::kUsage, "--journal: an image has none; name a registry directory"};
  }
  if (request.format == Format::kCsv) return {StatusKind::kUsage, "--journal: changes are written as NDJSON only"};
  const RegistryDirectory directory(request.registry);
  OutBuffer out;
  const Status status = directory.read_changes([&](const JournalRow& row) -> Status {
    if (!append_journal_row(row, out)) return unreadable_entry(directory.journal_path(), row.seq);
    return write_some(file, out);
  });
  return status.ok() ? file.write(out.text()) : status;
}

Status run_export(const ExportRequest& request) {
  if (Status status = check_outputs(registry_files(request.registry), {request.output}); !status.ok()) return status;
  auto file = CompressedOutput::open(request.output, FileMode::kPrivate);
  if (!file.ok()) return file.status();
  const Status status = request.journal ? export_journal(request, *file) : export_entries(request, *file);
  if (file->pipe_closed()) return {};
  return status.ok() ? file->commit() : status;
}

}  // namespace

Status run_registry_build(const BuildRequest& request, BuildReport& report) {
  const auto start = std::chrono::steady_clock::now();
  if (Status status = check_outputs({request.input}, {request.image, request.rejects}); !status.ok()) return status;
  auto source = open_file_source(request.input);
  if (!source.ok()) return source.status();
  const auto size = (*source)->size();
  std::optional<CompressedOutput> rejects;
  if (!request.rejects.empty()) {
    auto file = CompressedOutput::open(request.rejects, FileMode::kPrivate);
    if (!file.ok()) return file.status();
    rejects = std::move(*file);
  }
  RegistryKey key{};
  fill_random(key.data(), key.size());
  RegistryBuilder builder(key, new_identity());
  RegistryRead read;
  std::function<Status(std::string_view)> on_reject;
  if (rejects) on_reject = [&](std::string_view bytes) { return rejects->write(bytes); };
  const std::string name = shown_name(request.input);
  {
    Progress progress("records", size, stderr_is_terminal());
    const auto on_progress = [&](std::uint64_t bytes) {
      progress.update(read.records, bytes);
      return Status();
    };
    const Status status = read_registry(std::move(*source), request.format, builder, read, on_reject, on_progress,
                                        usable_processors(), request.encoding, request.ignored);
    if (!status.ok()) return status;
  }
  if (read.bad.count() != 0) tell_bad_records(name, read.bad);
  auto outcome = builder.build(request.on_duplicate, BadRecords::kListedMax, usable_processors());
  if (!outcome.status.ok()) return outcome.status;
  if (!outcome.registry) tell_duplicates(name, outcome);
  const std::uint64_t bad = rejects ? 0 : read.bad.count();
  const std::uint64_t doubled = outcome.registry ? 0 : outcome.duplicate_count;
  report.encodings.inputs[static_cast<std::size_t>(read.encoding)] = 1;
  report.encodings.utf8_lines = read.utf8_lines;
  report.encodings.cp949_lines = read.cp949_lines;
  if (bad != 0) say("{}", encoding_words(report.encodings));
  if (bad != 0 || doubled != 0) return refusal(name, bad, doubled, read.records);
  if (outcome.registry->size() == 0 && !request.allow_empty) return empty_refusal(name, read.records);
  if (rejects) {
    if (Status status = rejects->commit(); !status.ok()) return status;
  }
  if (Status status = write_image(*outcome.registry, request.image, usable_processors()); !status.ok()) return status;
  report.records = read.records;
  report.entries = outcome.registry->size();
  report.rejected = read.bad.count();
  report.replaced = outcome.duplicate_count;
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {};
}

void add_registry_verbs(Verb app, Command& command) {
  const Verb registry = app.add_verb("registry", "Make, change and read registries");
  registry.needs_verb();
  registry.footer(
      "Examples:\n  clearline registry build registry.csv -o registry.img\n  clearline registry info registry.img\n"
      "  clearline registry init live --from registry.img\n  clearline registry apply live changes.ndjson");

  auto build_request = std::make_shared<BuildRequest>();
  const Verb build = registry.add_verb("build", "Make an image of a CSV or NDJSON registry, in any order");
  build.add_option("INPUT", build_request->input, "Registry file, plain, .gz or .zst; - is stdin").required().type("");
  build.add_option("-o,--output", build_request->image, "The image; an old one stays until the new one is whole")
      .not_empty()
      .required()
      .type("IMAGE");
  add_format_option(build, "--format", build_request->format,
                    "Format of the input; else by its name, else by its first byte");
  add_encoding_option(build, build_request->encoding);
  add_ignore_option(build, build_request->ignored);
  add_choice<RegistryBuilder::OnDuplicate>(
      build, "--on-duplicate", build_request->on_duplicate,
      {{"refuse", RegistryBuilder::OnDuplicate::kRefuse}, {"last", RegistryBuilder::OnDuplicate::kKeepLast}},
      "A code that is there twice: refuse the file (default), or keep the last record");
  build.add_option("--rejects", build_request->rejects, "Write bad records here and build from the others")
      .not_empty()
      .type("FILE");
  build.add_flag("--allow-empty", build_request->allow_empty,
                 "Make an image without an entry, too; else a source without a good record is refused");
  build.footer(
      "Examples:\n"
      "  clearline registry build registry.csv -o registry.img\n"
      "  clearline registry build people.ndjson -o registry.img --rejects bad.ndjson --on-duplicate last");
  build.when_chosen([build_request, &command] {
    command.run = [build_request]() -> Status {
      BuildReport report;
      if (Status status = run_registry_build(*build_request, report); !status.ok()) return status;
      say("{}: {} entries of {} records in {:.2f} s", build_request->image, with_commas(report.entries),
          with_commas(report.records), report.seconds);
      if (report.rejected != 0) say(", {} rejected", with_commas(report.rejected));
      if (report.replaced != 0) say(", {} replaced by a later record", with_commas(report.replaced));
      say("\n{}", encoding_words(report.encodings));
      return {};
    };
  });

  auto verify_path = std::make_shared<std::string>();
  const Verb verify = registry.add_verb("verify", "Read all of a registry and check every entry");
  verify.add_option("REGISTRY", *verify_path, "Registry: an image or a directory").required().type("");
  verify.footer(
      "Of a directory: every image, the chain of the whole journal, head, and each image against the changes that lead "
      "to\n"
      "it.\n\nExample:\n  clearline registry verify registry.img\n\nExit: 0 sound, 4 missing or damaged.");
  verify.when_chosen([verify_path, &command] { command.run = [verify_path] { return run_verify(*verify_path); }; });

  auto info_path = std::make_shared<std::string>();
  auto info_json = std::make_shared<bool>(false);
  const Verb info = registry.add_verb("info", "Show what a registry is, without reading its entries");
  info.add_option("REGISTRY", *info_path, "Registry: an image or a directory").required().type("");
  info.add_flag("--json", *info_json, "As one JSON object");
  info.footer("Example:\n  clearline registry info registry.img --json");
  info.when_chosen([info_path, info_json, &command] {
    command.run = [info_path, info_json] { return run_info(*info_path, *info_json); };
  });

  auto request = std::make_shared<ExportRequest>();
  const Verb export_verb =
      registry.add_verb("export", "Write all entries, sorted by code, names in their spelling; or all changes");
  export_verb.add_option("REGISTRY", request->registry, "Registry: an image or a directory").required().type("");
  export_verb.add_option("-o,--output", request->output, "Where they go, mode 0600; - is stdout")
      .not_empty()
      .type("FILE");
  add_format_option(export_verb, "--format", request->format, "Format of the output; else by -o, else csv");
  export_verb.add_flag("--journal", request->journal, "The changes of a directory instead, as NDJSON, oldest first");
  export_verb.footer(
      "The output holds personal data.\n\nExamples:\n"
      "  clearline registry export registry.img -o registry.csv\n"
      "  clearline registry export live --journal -o changes.ndjson.zst");
  export_verb.when_chosen([request, &command] { command.run = [request] { return run_export(*request); }; });

  add_live_verbs(registry, command);
  add_history_verb(registry, command);
  add_impact_verb(registry, command);
  add_stats_verb(registry, command);
}

}  // namespace clearline
