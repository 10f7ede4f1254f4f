// ChangeServerTest: a ChangeServer in the process of the test, over a registry of its own, whose disk can be held up.
#pragma once

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/net/change_server.h"
#include "io/store/journal.h"
#include "tests/support/change_line.h"
#include "tests/support/live_directory.h"
#include "tests/support/serving_fixture.h"

namespace clearline::test {

inline std::string change(const std::string& op, std::uint64_t number, const std::string& id,
                          const std::string& more = "") {
  return change_line(op, number, id, more);
}

/// The `number`th of changes that are all accepted when they come in their order: the codes 0 to 19 are suspended, then resumed.
inline std::string good_change(std::uint64_t number) {
  return change(number / 20 % 2 == 0 ? "suspend" : "resume", number % 20, "k-" + std::to_string(number));
}
inline std::string good_changes(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) text += good_change(i);
  return text;
}
inline std::string ok(const std::string& id, std::uint64_t seq) {
  return R"({"change_id":")" + id + R"(","ok":true,"seq":)" + std::to_string(seq) + "}";
}
/// The answer to good_change(number).
inline std::string good_answer(std::uint64_t number) { return ok("k-" + std::to_string(number), number + 1); }
inline std::string good_answers(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) text += good_answer(i) + "\n";
  return text;
}

inline std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

inline bool has(const std::optional<std::string>& text, const std::string& part) {
  return text && text->find(part) != std::string::npos;
}

inline std::string hello(const std::string& token) { return R"({"hello":{"token":")" + token + "\"}}\n"; }
inline std::string request(const std::string& what) { return R"({"request":")" + what + "\"}\n"; }

/// What a thread waits at while it is closed; not for ever.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(30), [&] { return is_open_; });
    --waiting_;
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    is_open_ = false;
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  bool wait_for_visitor() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return waiting_ != 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = true;
  int waiting_ = 0;
};

class ChangeServerTest : public ServingFixture {
 protected:
  ChangeServerTest() {
    RegistryStore::Options options;
    options.now_us = [this] {
      disk_.pass();
      return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
    };
    store_ = std::move(*RegistryStore::open(live_.path(), options));
    config_.changes_socket = folder_.path("changes.sock");
    config_.changes_socket_is_default = false;
    config_.changes_listen = {"127.0.0.1:0"};
  }
  ~ChangeServerTest() override {
    disk_.open();
    checkpoint_.open();
    server_.reset();
  }

  Result<std::unique_ptr<ChangeServer>> open_server(RegistryStore* store) {
    OperatorActions actions;
    actions.status = [] { return std::string(R"({"seq":7})"); };
    actions.checkpoint = [this] {
      checkpoint_.pass();
      return store_->checkpoint();
    };
    actions.reload = [this] { return reload_; };
    return ChangeServer::open(config_, store, serving(), std::move(actions), counters_, log_);
  }
  void start() { start(store_.get()); }
  void start(RegistryStore* store) {
    auto server = open_server(store);
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = std::move(*server);
    server_->start();
  }
  void add_user(const std::string& name, Role role, std::uint32_t uid) {
    ClientConfig client;
    client.name = name;
    client.role = role;
    client.uid = uid;
    config_.clients.push_back(client);
  }
  void stop(std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    server_->stop(std::chrono::steady_clock::now() + patience);
  }
  const std::string& socket_path() const { return config_.changes_socket; }
  const std::string& tcp() const { return server_->addresses().back(); }
  using ServingFixture::answers_to;
  std::string answers_to(const std::string& text) const { return answers_to(socket_path(), text); }
  /// A connection of another user of this machine; nothing where the test may not be one.
  std::optional<TcpClient> connect_as(uid_t user) {
    std::filesystem::permissions(std::filesystem::path(socket_path()).parent_path(), std::filesystem::perms(0755));
    std::optional<TcpClient> client;
    // Of this thread alone: what the C library offers changes all.
    std::jthread([&] {
      if (syscall(SYS_setresuid, user, user, user) == 0) client.emplace(socket_path());
    }).join();
    return client;
  }
  std::uint64_t hits(LimitHit limit) const { return counters_.changes.limits[static_cast<std::size_t>(limit)].value(); }
  /// Connections that have each had a change answered: good_change(0), and so on.
  void connect_served(std::uint64_t count, std::vector<TcpClient>& clients) const {
    for (std::uint64_t i = 0; i < count; ++i) {
      clients.emplace_back(socket_path());
      ASSERT_TRUE(clients.back().send(good_change(i)));
      ASSERT_EQ(clients.back().read_line(), good_answer(i));
    }
  }
  /// Behind a request and its answer, all that was posted before is done.
  void round_trip() const { ASSERT_TRUE(has(answers_to(request("status")), "seq")); }
  /// The actors of all changes, in order.
  std::vector<std::string> actors() const {
    std::vector<std::string> found;
    const auto journal = Journal::open(live_.file("journal.db"), Journal::Mode::kRead);
    EXPECT_TRUE(journal.ok()) << journal.status().message();
    EXPECT_TRUE((*journal)
                    ->read_from(1,
                                [&](const JournalRow& row) {
                                  found.emplace_back(row.actor);
                                  return Status();
                                })
                    .ok());
    return found;
  }

  LiveDirectory live_;
  TestFolder folder_;
  Gate disk_;        // a commit waits here
  Gate checkpoint_;  // a checkpoint waits here
  Status reload_;
  std::unique_ptr<RegistryStore> store_;
  std::unique_ptr<ChangeServer> server_;
};

}  // namespace clearline::test
