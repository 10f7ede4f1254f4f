// A registry directory of a test, and changes to it.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "clearline/registry.h"
#include "io/formats/change_reader.h"
#include "io/store/image.h"
#include "io/store/registry_store.h"
#include "tests/support/files.h"

namespace clearline::test {

/// Entries with the codes 0 to count - 1.
inline Entry numbered_entry(std::uint64_t number) {
  Entry entry;
  entry.code = Code{number};
  entry.name = "KIM A" + std::to_string(number);
  entry.name_ko = "김가";
  entry.zips = {static_cast<std::uint32_t>(number % 100'000)};
  entry.issued = entry.changed = Date{20'000};
  return entry;
}

class LiveDirectory {
 public:
  explicit LiveDirectory(std::uint64_t entries = 20) : path_(folder_.path("live")) {
    RegistryBuilder builder(RegistryKey{7}, {});
    for (std::uint64_t i = 0; i < entries; ++i) builder.add(numbered_entry(i));
    const std::string image = folder_.path("first.img");
    if (!write_image(*builder.build(RegistryBuilder::OnDuplicate::kRefuse).registry, image).ok()) std::abort();
    if (!RegistryStore::create(path_, image).ok()) std::abort();
  }

  const std::string& path() const { return path_; }
  const TestFolder& folder() const { return folder_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  TestFolder folder_;
  std::string path_;
};

inline Change make_change(ChangeOp op, std::uint64_t code, std::string id) {
  Change change;
  change.op = op;
  change.code = Code{code};
  change.change_id = std::move(id);
  return change;
}

/// Answers changes as one group.
inline std::vector<ChangeAnswer> apply_changes(RegistryStore& store, std::span<const Change> changes) {
  std::vector<ChangeRequest> requests;
  for (const Change& change : changes) requests.push_back({change, "uid:0", false, {}});
  std::vector<ChangeRequest*> group;
  for (ChangeRequest& request : requests) group.push_back(&request);
  store.apply(group);
  std::vector<ChangeAnswer> answers;
  for (const ChangeRequest& request : requests) answers.push_back(request.answer);
  return answers;
}
inline ChangeAnswer apply_changes(RegistryStore& store, const Change& change) {
  return apply_changes(store, {&change, 1}).front();
}

}  // namespace clearline::test
