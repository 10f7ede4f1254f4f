// Rows of a journal, made from their seq: what was written is known from its number alone.
#pragma once

#include <string>

#include "io/store/journal.h"

namespace clearline::test {

/// Words that stand in every value of a row that is somebody's; no error may hold them.
inline constexpr const char* kPersonal = "GILDONG";

inline const RegistryIdentity kIdentity{{0xC1, 0xEA, 0x21, 0x13}, 1};

/// A row and the memory behind its views.
class MadeRow {
 public:
  explicit MadeRow(std::uint64_t seq) {
    const std::string number = std::to_string(seq);
    change_id_ = std::string(kPersonal) + "-id-" + number;
    before_ = seq % 5 == 1 ? "" : std::string(kPersonal) + " before " + number;
    after_ = std::string(kPersonal) + " after " + number + std::string(seq % 90, 'x');
    new_after_ = seq % 7 == 0 ? std::string(kPersonal) + " new " + number : "";
    row_.seq = seq;
    row_.at_us = static_cast<std::int64_t>(seq) * 1'000'000 - 5'000'000;
    row_.effective_us = row_.at_us + 1;
    row_.received_us = row_.at_us + 2;
    row_.op = static_cast<ChangeOp>(seq % 7 + 1);
    row_.by = static_cast<ChangeBy>(seq % 2);
    row_.code = Code{seq * 6'700'417 % kCodeEnd};
    if (seq % 7 == 0) row_.new_code = Code{kCodeEnd - seq};
    row_.change_id = change_id_;
    row_.actor = "uid:1000";
    for (std::size_t i = 0; i < row_.salt.size(); ++i) row_.salt[i] = static_cast<std::uint8_t>(seq * 31 + i * 17);
    row_.content_hash = content_hash(row_.salt, after_);
    row_.before = before_;
    row_.after = after_;
    row_.new_after = new_after_;
  }
  MadeRow(const MadeRow&) = delete;
  MadeRow& operator=(const MadeRow&) = delete;

  JournalRow& operator*() { return row_; }
  JournalRow* operator->() { return &row_; }

 private:
  std::string change_id_;
  std::string before_;
  std::string after_;
  std::string new_after_;
  JournalRow row_;
};

/// The first status that is not ok, of begin, `count` rows behind `last` appended, and commit; `last` moves on.
inline Status append_commit(Journal& journal, Journal::Last& last, std::uint64_t count) {
  Journal::Last end = last;
  Status status = journal.begin();
  for (std::uint64_t i = 0; i < count && status.ok(); ++i) {
    MadeRow made(end.seq + 1);
    made->chain = next_chain(end.chain, *made);
    end = {made->seq, made->chain, made->effective_us, made->received_us};
    status = journal.append(*made);
  }
  if (status.ok()) status = journal.commit();
  if (status.ok()) last = end;
  return status;
}

}  // namespace clearline::test
