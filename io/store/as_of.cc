#include "io/store/as_of.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/entry_record.h"
#include "io/store/image.h"
#include "io/store/registry_directory.h"

namespace clearline {
namespace {

constexpr std::string_view kSeqPrefix = "seq:";
constexpr std::string_view kKnownPrefix = "known:";

Status cannot_tell(const std::string& path, const std::string& option, const std::string& why) {
  return {StatusKind::kUsage, path + ": error: " + option + ": " + why};
}

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a < b ? b - a : a - b; }

/// When a change took effect. Its chain is checked: a time that was damaged would choose another registry, and the rows
/// that are read for that one need not be those that tell.
Status time_of(Journal& journal, std::uint64_t seq, std::int64_t& effective_us) {
  return journal.read_from(seq, seq, [&](const JournalRow& row) {
    effective_us = row.effective_us;
    return Status();
  });
}

/// The last change that is not behind a moment; the base where all are.
Status find_moment(Journal& journal, const Journal::Last& last, std::int64_t unix_us, std::uint64_t& seq) {
  const auto behind = journal.find_first(journal.base().seq + 1, last.seq + 1,
                                         [&](const JournalRow& row) { return row.effective_us > unix_us; });
  if (behind.ok()) seq = *behind - 1;
  return behind.status();
}

/// Since when moments are known. The first image of a registry stands for all the time before its first change; one that
/// had changes already stands for the time from the last of them on; where that time is lost, from the next one on, and
/// until there is one, for now alone.
Status find_history(Journal& journal, const Journal::Last& last, std::optional<std::int64_t>& history_us) {
  const Journal::Last& base = journal.base();
  history_us = base.effective_time();
  if (history_us || base.seq == 0) return {};
  if (last.seq == base.seq) {
    history_us = system_now_us();
    return {};
  }
  return time_of(journal, base.seq + 1, history_us.emplace());
}

/// The last change that was received by a moment; the base where all came later. Nothing: it is not known which of the
/// changes of the base were received by then; `known_us` is since when it is.
Status find_known(Journal& journal, const Journal::Last& last, std::int64_t unix_us, std::optional<std::uint64_t>& seq,
                  std::int64_t& known_us) {
  const auto behind = journal.first_received(unix_us + 1);
  if (!behind.ok()) return behind.status();
  const std::uint64_t base = journal.base().seq;
  if (*behind - 1 > base || base == 0) {
    seq = *behind - 1;
    return {};
  }
  // When the last change of the base was received is not kept: before the next one, or before now.
  if (last.seq == base) {
    known_us = system_now_us();
    if (unix_us >= known_us) seq = base;
    return {};
  }
  return journal.read_from(base + 1, base + 1, [&](const JournalRow& row) {
    known_us = row.received_us;
    return Status();
  });
}

/// What a row found of its codes.
Status add_before(const JournalRow& row, const std::string& journal_path, PastRows& past) {
  const auto before = row.before.empty() ? std::nullopt : read_entry_record(row.before);
  if (!row.before.empty() && !before) return unreadable_entry(journal_path, row.seq);
  Status status = past.add(row.seq, row.code, before);
  if (status.ok() && row.new_code) status = past.add(row.seq, *row.new_code, std::nullopt);
  return status.ok() ? status : unusable_entry(journal_path, row.seq, status);
}

SeenChange seen_change(const JournalRow& row) {
  SeenChange change{row.at_us, row.op, row.by, {}};
  const auto before = row.before.empty() ? std::nullopt : read_entry_record(row.before);
  const auto after = row.after.empty() ? std::nullopt : read_entry_record(row.after);
  if (before && after) change.fields = different_fields(*before, *after);
  return change;
}

/// Which change is asked for, and which day it was: `seq`, `today` and `history_us`.
Status resolve(const AsOf& as_of, const std::string& path, const std::string& option, Journal& journal,
               const Journal::Last& last, RegistryAsOf& answer, std::vector<std::string>& warnings) {
  const Journal::Last& base = journal.base();
  if (Status status = find_history(journal, last, answer.history_us); !status.ok()) return status;
  const auto oldest = [&] {
    return "its history begins with seq:" + std::to_string(base.seq) +
           (answer.history_us ? ", at " + format_time(*answer.history_us) : "") + "; name that or what came later";
  };
  switch (as_of.kind) {
    case AsOf::Kind::kDeclared:
      answer.seq = last.seq;
      return {};
    case AsOf::Kind::kSeq: {
      if (as_of.seq < base.seq) return cannot_tell(path, option, oldest());
      if (as_of.seq > last.seq) {
        return cannot_tell(path, option,
                           "its last change is seq:" + std::to_string(last.seq) + "; name that or an earlier one");
      }
      answer.seq = as_of.seq;
      std::optional<std::int64_t> effective_us = base.effective_time();
      if (as_of.seq > base.seq) {
        if (Status status = time_of(journal, as_of.seq, effective_us.emplace()); !status.ok()) return status;
      }
      if (effective_us) answer.today = korean_date_us(*effective_us);
      return {};
    }
    case AsOf::Kind::kKnown: {
      std::optional<std::uint64_t> seq;
      std::int64_t known_us = 0;
      if (Status status = find_known(journal, last, as_of.moment.unix_us, seq, known_us); !status.ok()) return status;
      if (!seq) {
        return cannot_tell(
            path, option,
            "what was known then is not kept; it is since " + format_time(known_us) + "; name that or what came later");
      }
      answer.seq = *seq;
      break;
    }
    case AsOf::Kind::kTime: {
      if (answer.history_us && as_of.moment.unix_us < *answer.history_us) return cannot_tell(path, option, oldest());
      if (Status status = find_moment(journal, last, as_of.moment.unix_us, answer.seq); !status.ok()) return status;
      break;
    }
  }
  answer.today = as_of.moment.day;
  if (answer.seq == base.seq && last.seq > base.seq && !answer.history_us) {
    warnings.push_back(path + ": " + option + ": before its first change; taken as the registry that it was made of");
  }
  return {};
}

/// What is read of a directory to answer.
struct Plan {
  std::uint64_t target = 0;       ///< the image nearest to it is the best one
  std::uint64_t past_behind = 0;  ///< what changes behind it found is kept
  bool is_newest_wanted = false;  ///< the registry beside the past is as it is now
};

}  // namespace

std::optional<AsOf> parse_as_of(std::string_view text) {
  AsOf as_of;
  if (text == "declared") return as_of;
  if (text.starts_with(kSeqPrefix)) {
    as_of.kind = AsOf::Kind::kSeq;
    text.remove_prefix(kSeqPrefix.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), as_of.seq);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return as_of;
  }
  const bool is_known = text.starts_with(kKnownPrefix);
  if (is_known) text.remove_prefix(kKnownPrefix.size());
  const auto moment = parse_moment(text);
  if (!moment) return std::nullopt;
  as_of.kind = is_known ? AsOf::Kind::kKnown : AsOf::Kind::kTime;
  as_of.moment = *moment;
  return as_of;
}

Result<RegistryAsOf> RegistryDirectory::read_as_of(const AsOf& as_of, std::vector<std::string>& warnings) const {
  return read_past(as_of, false, warnings);
}

Result<RegistryAsOf> RegistryDirectory::read_since(const AsOf& since, std::vector<std::string>& warnings) const {
  return read_past(since, true, warnings);
}

Result<RegistryAsOf> RegistryDirectory::read_past(const AsOf& as_of, bool is_since,
                                                  std::vector<std::string>& warnings) const {
  const std::size_t warnings_before = warnings.size();
  return while_images_stay([&](bool& is_image_gone) {
    warnings.resize(warnings_before);
    return read_past_once(as_of, is_since, warnings, is_image_gone);
  });
}

Result<RegistryAsOf> RegistryDirectory::read_past_once(const AsOf& as_of, bool is_since,
                                                       std::vector<std::string>& warnings, bool& is_image_gone) const {
  auto found = find(Journal::Mode::kRead);
  if (!found.ok()) return found.status();
  Journal& journal = *found->journal;
  const Journal::Last& last = found->last;
  const std::string option = is_since ? "--since" : "--as-of";

  RegistryAsOf answer;
  if (Status status = resolve(as_of, path_, option, journal, last, answer, warnings); !status.ok()) return status;
  Plan plan;
  plan.is_newest_wanted = is_since || as_of.kind == AsOf::Kind::kDeclared;
  plan.target = plan.is_newest_wanted ? last.seq : answer.seq;
  plan.past_behind = as_of.kind == AsOf::Kind::kDeclared ? journal.base().seq : answer.seq;
  if (is_since) answer.today.reset();

  std::vector<std::uint64_t> nearest = found->images;
  std::sort(nearest.begin(), nearest.end(), [&](std::uint64_t a, std::uint64_t b) {
    const std::uint64_t to_a = distance(a, plan.target);
    const std::uint64_t to_b = distance(b, plan.target);
    return to_a != to_b ? to_a < to_b : a > b;
  });
  auto image = read_good_image(nearest, journal, warnings, is_image_gone);
  if (!image.ok()) return image.status();
  const std::uint64_t image_seq = image->seq;
  answer.registry = std::move(image->registry);

  // The changes between it and what is wanted.
  const bool has_past = plan.is_newest_wanted || image_seq > plan.past_behind;
  const std::uint64_t from = std::min(image_seq, plan.past_behind) + 1;
  const std::uint64_t to = plan.is_newest_wanted ? last.seq : std::max(image_seq, plan.target);
  PastTimes times(journal.base().seq, answer.history_us);
  if (has_past) answer.past = std::make_unique<PastRows>(answer.registry->table());
  std::optional<RegistryWriter> writer;
  if (image_seq < to) writer.emplace(answer.registry->mutable_table());
  if (found->head.seq < from || found->head.seq > to) {
    if (Status status = check_head(journal, found->head); !status.ok()) return status;
  }
  std::int64_t effective_us = journal.base().effective_us;
  const auto take = [&](const JournalRow& row) -> Status {
    if (Status status = check_head(row, found->head); !status.ok()) return status;
    if (row.effective_us < effective_us) {
      return {StatusKind::kRegistry,
              journal_path() + ": error: seq " + std::to_string(row.seq) +
                  ": it takes effect before the change before it; put the journal back from a backup"};
    }
    effective_us = row.effective_us;
    if (has_past && row.seq > plan.past_behind) {
      if (Status status = add_before(row, journal_path(), *answer.past); !status.ok()) return status;
      times.add(row.effective_us);
      if (is_since) answer.changes.push_back(seen_change(row));
    }
    return row.seq > image_seq ? replay_row(row, journal_path(), *writer) : Status();
  };
  if (from <= to) {
    if (Status status = journal.read_from(from, to, take); !status.ok()) return status;
  }
  answer.entries = answer.registry->size();
  if (as_of.kind == AsOf::Kind::kDeclared) {
    answer.past->finish(answer.registry->seq(), std::move(times));
  } else if (has_past) {
    answer.past->finish(answer.registry->seq(), answer.seq);
    if (!is_since) answer.entries -= answer.past->new_code_count();
  }
  return answer;
}

Result<RegistryAsOf> read_registry_as_of(const std::string& path, const std::optional<AsOf>& as_of,
                                         std::vector<std::string>& warnings) {
  if (as_of && is_directory(path)) return RegistryDirectory(path).read_as_of(*as_of, warnings);
  auto registry = read_any_registry(path, warnings);
  if (!registry.ok()) return registry.status();
  RegistryAsOf answer;
  answer.seq = registry->seq();
  if (as_of) {
    if (as_of->kind != AsOf::Kind::kSeq || as_of->seq != answer.seq) {
      return cannot_tell(path, "--as-of",
                         "is an image, which holds seq:" + std::to_string(answer.seq) +
                             " alone; name a registry directory, which has a history");
    }
    if (const auto effective_us = registry->table().shape().effective_us) answer.today = korean_date_us(*effective_us);
  }
  answer.registry = std::make_unique<Registry>(std::move(*registry));
  answer.entries = answer.registry->size();
  return answer;
}

Result<RegistryAsOf> read_registry_since(const std::string& path, const AsOf& since,
                                         std::vector<std::string>& warnings) {
  return RegistryDirectory(path).read_since(since, warnings);
}

}  // namespace clearline
