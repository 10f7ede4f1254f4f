// Changes in the process of the test: what is answered, in which order, who may, and who is refused for what.
#include "io/net/change_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "clearline/policy.h"
#include "io/net/clients.h"
#include "io/store/journal.h"
#include "tests/support/eventually.h"
#include "tests/support/live_directory.h"
#include "tests/support/tcp_client.h"

namespace clearline::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

std::string code_text(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return "P" + std::string(12 - digits.size(), '0') + digits;
}

std::string change(const std::string& op, std::uint64_t number, const std::string& id, const std::string& more = "") {
  return R"({"op":")" + op + R"(","code":")" + code_text(number) + R"(","change_id":")" + id + "\"" + more + "}\n";
}

/// The `number`th of changes that are all accepted when they come in their order: the codes 0 to 19 are suspended, then resumed.
std::string good_change(std::uint64_t number) {
  return change(number / 20 % 2 == 0 ? "suspend" : "resume", number % 20, "k-" + std::to_string(number));
}
std::string good_changes(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) text += good_change(i);
  return text;
}
std::string ok(const std::string& id, std::uint64_t seq) {
  return R"({"change_id":")" + id + R"(","ok":true,"seq":)" + std::to_string(seq) + "}";
}
/// The answer to good_change(number).
std::string good_answer(std::uint64_t number) { return ok("k-" + std::to_string(number), number + 1); }
std::string good_answers(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) text += good_answer(i) + "\n";
  return text;
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

bool has(const std::optional<std::string>& text, const std::string& part) {
  return text && text->find(part) != std::string::npos;
}

std::string hello(const std::string& token) { return R"({"hello":{"token":")" + token + "\"}}\n"; }
std::string request(const std::string& what) { return R"({"request":")" + what + "\"}\n"; }

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}

mode_t mode_of(const std::string& path) {
  struct stat found{};
  EXPECT_EQ(lstat(path.c_str(), &found), 0);
  return found.st_mode & 0777;
}

/// A Unix socket of another program.
class ForeignSocket {
 public:
  explicit ForeignSocket(const std::string& path, int backlog = 5) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    const sockaddr_un address = to_address(path);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, backlog), 0);
  }
  ~ForeignSocket() { close(fd_); }
  static sockaddr_un to_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }

 private:
  int fd_;
};

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

class ChangeServerTest : public testing::Test {
 protected:
  ChangeServerTest() : log_(LogLevel::kError) {
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
  ServingPtr serving() const {
    return std::make_shared<const Serving>(Serving{standard_policy(), Clients(config_.clients)});
  }
  void add_client(const std::string& name, Role role, const std::string& token) {
    ClientConfig client;
    client.name = name;
    client.role = role;
    client.token = hash_token(token);
    config_.clients.push_back(client);
  }
  void add_user(const std::string& name, Role role, std::uint32_t uid) {
    ClientConfig client;
    client.name = name;
    client.role = role;
    client.uid = uid;
    config_.clients.push_back(client);
  }
  void stop(milliseconds patience = std::chrono::seconds(20)) {
    server_->stop(std::chrono::steady_clock::now() + patience);
  }
  const std::string& socket_path() const { return config_.changes_socket; }
  const std::string& tcp() const { return server_->addresses().back(); }
  static std::string answers_to(const std::string& address, const std::string& text) {
    TcpClient client(address);
    EXPECT_TRUE(client.send(text));
    client.half_close();
    return client.read_all();
  }
  std::string answers_to(const std::string& text) const { return answers_to(socket_path(), text); }
  /// A connection of another user of this machine; nothing where the test may not be one.
  std::optional<TcpClient> connect_as(uid_t user) {
    fs::permissions(fs::path(socket_path()).parent_path(), fs::perms(0755));
    std::optional<TcpClient> client;
    // Of this thread alone: what the C library offers changes all.
    std::jthread([&] {
      if (syscall(SYS_setresuid, user, user, user) == 0) client.emplace(socket_path());
    }).join();
    return client;
  }
  std::uint64_t hits(LimitHit limit) const { return counters_.changes.limits[static_cast<std::size_t>(limit)].value(); }
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
  ServerConfig config_;
  ServerCounters counters_;
  Log log_;
  std::unique_ptr<ChangeServer> server_;
};

TEST_F(ChangeServerTest, EveryChangeIsAnsweredInOrder) {
  start();
  constexpr std::uint64_t kCount = CLEARLINE_SANITIZED != 0 ? 2'000 : 10'000;
  EXPECT_EQ(answers_to(good_changes(kCount)), good_answers(kCount));
  EXPECT_EQ(counters_.changes.ok.value(), kCount);
  EXPECT_EQ(counters_.changes.latency.count(), kCount);
  EXPECT_EQ(store_->registry().seq(), kCount);
}

TEST_F(ChangeServerTest, AnAnswerComesWhileTheConnectionStaysOpen) {
  start();
  TcpClient client(socket_path());
  for (std::uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(client.send(good_change(i)));
    ASSERT_EQ(client.read_line(), good_answer(i));
    ASSERT_EQ(store_->registry().find(Code{i % 20})->status,
              i / 20 % 2 == 0 ? CodeStatus::kSuspended : CodeStatus::kActive);
  }
}

TEST_F(ChangeServerTest, ABadLineIsAnsweredInItsPlaceHoweverTheBytesCome) {
  start();
  std::string text = good_change(0) + "nonsense\n\n \t\r\n" + good_change(1);
  text.insert(text.size() - 1, "\r");
  text += R"({"op":"suspend","change_id":"k-9"})"
          "\n" +
          change("suspend", 777, "k-8") + good_change(2);
  text.pop_back();  // the last line needs no end
  const auto check = [](TcpClient& client, std::uint64_t first_seq, const std::string& more) {
    EXPECT_EQ(client.read_line(), R"({"change_id":"k-0","ok":true,"seq":)" + std::to_string(first_seq) + more + "}");
    const auto bad = client.read_line();
    EXPECT_TRUE(bad && bad->starts_with(R"({"change_id":null,"line":2,"ok":false,"error":"malformed","detail":")"))
        << bad.value_or("");
    EXPECT_EQ(client.read_line(),
              R"({"change_id":"k-1","ok":true,"seq":)" + std::to_string(first_seq + 1) + more + "}");
    EXPECT_TRUE(has(client.read_line(), R"({"change_id":"k-9","ok":false,"error":"malformed","detail":")"));
    EXPECT_TRUE(has(client.read_line(), R"({"change_id":"k-8","ok":false,"error":"code_unknown","detail":")"));
    EXPECT_EQ(client.read_line(),
              R"({"change_id":"k-2","ok":true,"seq":)" + std::to_string(first_seq + 2) + more + "}");
    EXPECT_EQ(client.read_line(), std::nullopt);
  };
  TcpClient whole(socket_path());
  ASSERT_TRUE(whole.send(text));
  whole.half_close();
  check(whole, 1, "");
  TcpClient dribbling(socket_path());
  for (const char byte : text) ASSERT_TRUE(dribbling.send({&byte, 1}));
  dribbling.half_close();
  check(dribbling, 1, R"(,"repeat":true)");
  EXPECT_EQ(counters_.changes.repeats.value(), 3U);
  EXPECT_EQ(counters_.changes.refused[static_cast<std::size_t>(ChangeError::kMalformed)].value(), 4U);
}

TEST_F(ChangeServerTest, TheLongestLineIsReadAndALongerOneIsMalformed) {
  start();
  const auto of_length = [](std::size_t length, std::uint64_t number) {
    std::string line = good_change(number);
    line.insert(line.size() - 2, R"(,"note":")" + std::string(length - (line.size() - 1) - 10, 'x') + "\"");
    EXPECT_EQ(line.size(), length + 1);
    return line;
  };
  const std::string answers = answers_to(of_length(65'536, 0) + of_length(65'537, 1) + good_change(1));
  EXPECT_EQ(answers.find(good_answer(0) + "\n" + R"({"change_id":null,"line":2,"ok":false,"error":"malformed")"), 0U)
      << answers;
  EXPECT_TRUE(answers.ends_with(good_answer(1) + "\n"));
}

TEST_F(ChangeServerTest, OverTcpTheFirstLineMustSayWhoItIs) {
  add_client("customs", Role::kRegistrar, "token-1");
  start();
  EXPECT_EQ(answers_to(tcp(), hello("token-1") + good_change(0)),
            "{\"hello\":{\"ok\":true,\"role\":\"registrar\"}}\n" + good_answer(0) + "\n");
  const auto refusal = [&](const std::string& text) {
    TcpClient client(tcp());
    EXPECT_TRUE(client.send(text));
    return client.read_all();
  };
  const auto is_refused = [](const std::string& answer, const std::string& error) {
    return answer.starts_with(R"({"hello":{"ok":false,"error":")" + error + R"(","detail":")") &&
           answer.find('\n') == answer.size() - 1;
  };
  EXPECT_TRUE(is_refused(refusal(good_change(1)), "token_needed"));
  EXPECT_TRUE(is_refused(refusal("nonsense\n" + good_change(1)), "token_needed"));
  EXPECT_TRUE(is_refused(refusal(request("checkpoint")), "token_needed"));
  EXPECT_TRUE(is_refused(refusal("{\"hello\":{}}\n" + good_change(1)), "token_needed"));
  EXPECT_TRUE(is_refused(refusal(hello("token-2") + good_change(1)), "denied"));
  EXPECT_TRUE(is_refused(refusal("{\"hello\":{\"token\":7}}\n" + good_change(1)), "malformed"));
  EXPECT_EQ(counters_.changes.denied.value(), 6U);
  EXPECT_EQ(counters_.changes.hellos.value(), 1U);
  EXPECT_EQ(store_->registry().seq(), 1U);
}

TEST_F(ChangeServerTest, OverTcpNobodyIsServedWhereNoClientIsConfigured) {
  start();
  const std::string answer = answers_to(tcp(), hello("anything") + good_change(0));
  EXPECT_TRUE(answer.starts_with(R"({"hello":{"ok":false,"error":"denied")")) << answer;
  EXPECT_EQ(store_->registry().seq(), 0U);
}

TEST_F(ChangeServerTest, OnTheUnixSocketAHelloMayComeAndNeedNot) {
  add_client("customs", Role::kRegistrar, "token-1");
  start();
  EXPECT_EQ(answers_to(good_change(0)), good_answer(0) + "\n");
  EXPECT_EQ(answers_to(hello("token-1") + good_change(1)),
            "{\"hello\":{\"ok\":true,\"role\":\"registrar\"}}\n" + good_answer(1) + "\n");
  EXPECT_EQ(answers_to("{\"hello\":{}}\n" + good_change(2)),
            "{\"hello\":{\"ok\":true,\"role\":\"registrar\"}}\n" + good_answer(2) + "\n");
  EXPECT_TRUE(answers_to(hello("token-2") + good_change(3)).starts_with(R"({"hello":{"ok":false,"error":"denied")"));
  const std::string me = "uid:" + std::to_string(geteuid());
  EXPECT_EQ(actors(), (std::vector<std::string>{me, "client:customs", me}));
}

TEST_F(ChangeServerTest, AHelloThatIsNotTheFirstLineIsAMalformedChange) {
  add_client("customs", Role::kRegistrar, "token-1");
  start();
  const std::string answers = answers_to(good_change(0) + hello("token-1"));
  EXPECT_TRUE(has(answers, R"({"change_id":null,"line":2,"ok":false,"error":"malformed")")) << answers;
}

TEST_F(ChangeServerTest, WhoMayNotChangeGetsEachChangeDenied) {
  add_client("courier-a", Role::kFeed, "token-1");
  add_client("desk", Role::kOperator, "token-2");
  start();
  for (const auto& [token, role] : {std::pair<std::string, std::string>{"token-1", "feed"}, {"token-2", "operator"}}) {
    TcpClient client(tcp());
    ASSERT_TRUE(client.send(hello(token) + good_changes(3)));
    client.half_close();
    EXPECT_EQ(client.read_line(), R"({"hello":{"ok":true,"role":")" + role + "\"}}");
    for (int i = 0; i < 3; ++i) {
      const auto answer = client.read_line();
      EXPECT_TRUE(
          has(answer, R"({"change_id":"k-)" + std::to_string(i) + R"(","ok":false,"error":"denied","detail":")"))
          << answer.value_or("");
    }
    EXPECT_EQ(client.read_line(), std::nullopt);
  }
  EXPECT_EQ(counters_.changes.refused[static_cast<std::size_t>(ChangeError::kDenied)].value(), 6U);
  EXPECT_EQ(store_->registry().seq(), 0U);
}

TEST_F(ChangeServerTest, UsersOfThisMachineMayWhatTheirClientMay) {
  add_user("registrar", Role::kRegistrar, 12'345);
  add_user("desk", Role::kOperator, 12'346);
  add_client("customs", Role::kRegistrar, "token-1");
  start();
  auto registrar = connect_as(12'345);
  if (!registrar) GTEST_SKIP() << "needs the right to be another user";
  ASSERT_TRUE(registrar->send(good_change(0) + request("checkpoint")));
  EXPECT_EQ(registrar->read_line(), good_answer(0));
  EXPECT_EQ(registrar->read_line(), R"({"checkpoint":{"ok":false,"error":"denied"}})");
  auto desk = connect_as(12'346);
  ASSERT_TRUE(desk && desk->send(request("status") + good_change(1)));
  EXPECT_EQ(desk->read_line(), R"({"status":{"seq":7}})");
  EXPECT_TRUE(has(desk->read_line(), "\"error\":\"denied\""));
  auto stranger = connect_as(12'347);
  ASSERT_TRUE(stranger && stranger->send(good_change(1) + request("status")));
  EXPECT_TRUE(has(stranger->read_line(), "\"error\":\"denied\""));
  EXPECT_EQ(stranger->read_line(), R"({"status":{"ok":false,"error":"denied"}})");
  auto with_token = connect_as(12'347);
  ASSERT_TRUE(with_token && with_token->send(hello("token-1") + good_change(1)));
  EXPECT_EQ(with_token->read_line(), R"({"hello":{"ok":true,"role":"registrar"}})");
  EXPECT_EQ(with_token->read_line(), good_answer(1));
  auto other_role = connect_as(12'346);
  ASSERT_TRUE(other_role && other_role->send(hello("token-1") + request("status") + good_change(2)));
  EXPECT_EQ(other_role->read_line(), R"({"hello":{"ok":true,"role":"registrar"}})");
  EXPECT_EQ(other_role->read_line(), R"({"status":{"ok":false,"error":"denied"}})");
  EXPECT_EQ(other_role->read_line(), good_answer(2));
  EXPECT_EQ(actors(), (std::vector<std::string>{"client:registrar", "client:customs", "client:customs"}));
}

TEST_F(ChangeServerTest, AnImageIsReadOnly) {
  start(nullptr);
  const std::string answers = answers_to(good_change(0) + "nonsense\n");
  EXPECT_TRUE(answers.starts_with(R"({"change_id":"k-0","ok":false,"error":"read_only","detail":")")) << answers;
  EXPECT_TRUE(has(answers, "\"error\":\"malformed\"")) << answers;
}

// What operators ask for.

TEST_F(ChangeServerTest, RequestsAreAnsweredInOrderWithChanges) {
  start();
  EXPECT_EQ(answers_to(request("status") + good_change(0) + request("checkpoint") + request("checkpoint") +
                       request("reload")),
            "{\"status\":{\"seq\":7}}\n" + good_answer(0) + "\n" +
                R"({"checkpoint":{"ok":true,"seq":1,"written":true}})"
                "\n"
                R"({"checkpoint":{"ok":true,"seq":1,"written":false}})"
                "\n"
                R"({"reload":{"ok":true}})"
                "\n");
}

TEST_F(ChangeServerTest, ARefusedReloadSaysWhy) {
  reload_ = Status(StatusKind::kConfig, "server.toml:3:1: error: unknown key \"x\"");
  start();
  EXPECT_EQ(answers_to(request("reload")),
            R"({"reload":{"ok":false,"error":"server.toml:3:1: error: unknown key \"x\""}})"
            "\n");
}

TEST_F(ChangeServerTest, UnknownRequestsAreRefusedAndAChangeThatHasSuchAKeyIsAChange) {
  start();
  EXPECT_EQ(
      answers_to(request("shutdown") + "{\"request\":7}\n" + change("suspend", 0, "k-0", R"(,"request":"status")")),
      repeated(R"({"request":{"ok":false,"error":"unknown"}})"
               "\n",
               2) +
          good_answer(0) + "\n");
}

TEST_F(ChangeServerTest, OverTcpAnOperatorMayAskAndARegistrarMayNot) {
  add_client("desk", Role::kOperator, "token-1");
  add_client("customs", Role::kRegistrar, "token-2");
  start();
  EXPECT_TRUE(answers_to(tcp(), hello("token-1") + request("status")).ends_with("\n{\"status\":{\"seq\":7}}\n"));
  const std::string answers =
      answers_to(tcp(), hello("token-2") + request("status") + request("checkpoint") + request("reload"));
  EXPECT_TRUE(
      answers.ends_with("{\"status\":{\"ok\":false,\"error\":\"denied\"}}\n"
                        "{\"checkpoint\":{\"ok\":false,\"error\":\"denied\"}}\n"
                        "{\"reload\":{\"ok\":false,\"error\":\"denied\"}}\n"))
      << answers;
  EXPECT_EQ(counters_.changes.denied.value(), 3U);
}

TEST_F(ChangeServerTest, ACheckpointHoldsUpNobody) {
  start();
  checkpoint_.close();
  TcpClient desk(socket_path());
  ASSERT_TRUE(desk.send(request("checkpoint") + good_change(0)));
  ASSERT_TRUE(checkpoint_.wait_for_visitor());
  ASSERT_TRUE(eventually([&] { return store_->registry().seq() == 1; }));
  EXPECT_EQ(answers_to(good_change(1)), good_answer(1) + "\n");
  EXPECT_EQ(answers_to(request("status")), "{\"status\":{\"seq\":7}}\n");
  EXPECT_EQ(desk.read_line(milliseconds(20)), std::nullopt);  // its change waits for its turn
  checkpoint_.open();
  EXPECT_EQ(desk.read_line(), R"({"checkpoint":{"ok":true,"seq":2,"written":true}})");
  EXPECT_EQ(desk.read_line(), good_answer(0));
}

TEST_F(ChangeServerTest, ACheckpointHoldsWhatTheConnectionSentBefore) {
  start();
  disk_.close();
  TcpClient desk(socket_path());
  ASSERT_TRUE(desk.send(good_changes(5) + request("checkpoint")));
  ASSERT_TRUE(disk_.wait_for_visitor());
  disk_.open();
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(desk.read_line(), good_answer(i));
  EXPECT_EQ(desk.read_line(), R"({"checkpoint":{"ok":true,"seq":5,"written":true}})");
}

// Limits.

TEST_F(ChangeServerTest, StrangersCannotTakeThePlacesOfThoseWhoMay) {
  config_.limits.change_connections = 40;
  start();
  std::vector<TcpClient> strangers;  // without a hello
  for (int i = 0; i < 10; ++i) strangers.emplace_back(tcp());
  ASSERT_TRUE(eventually([&] { return counters_.changes.opened.value() == 10; }));
  EXPECT_EQ(hits(LimitHit::kChangeConnections), 0U);
  TcpClient one_more(tcp());
  EXPECT_TRUE(has(one_more.read_line(), "{\"closing\":{\"error\":\"change_connections\""));
  EXPECT_EQ(answers_to(good_change(0)), good_answer(0) + "\n");
}

TEST_F(ChangeServerTest, AsManyConnectionsAsMayBe) {
  config_.limits.change_connections = 2;
  start();
  std::vector<TcpClient> clients;
  for (std::uint64_t i = 0; i < 2; ++i) {
    clients.emplace_back(socket_path());
    ASSERT_TRUE(clients.back().send(good_change(i)));
    ASSERT_EQ(clients.back().read_line(), good_answer(i));
  }
  EXPECT_EQ(hits(LimitHit::kChangeConnections), 0U);
  std::vector<TcpClient> refused;  // that stay
  for (int i = 0; i < 2; ++i) {
    refused.emplace_back(i == 0 ? socket_path() : tcp());
    const auto words = refused.back().read_line();
    EXPECT_TRUE(has(words, "{\"closing\":{\"error\":\"change_connections\",\"detail\":\"")) << words.value_or("");
  }
  EXPECT_EQ(hits(LimitHit::kChangeConnections), 2U);
  const std::uint64_t closed = counters_.changes.closed.value();
  clients.pop_back();
  ASSERT_TRUE(eventually([&] { return counters_.changes.closed.value() > closed; }));
  EXPECT_EQ(answers_to(good_change(2)), good_answer(2) + "\n");
}

TEST_F(ChangeServerTest, WhoIsRefusedHoldsNoMoreDescriptorsThanWhoIsServed) {
  config_.limits.change_connections = 2;
  start();
  std::vector<TcpClient> clients;
  for (std::uint64_t i = 0; i < 2; ++i) {
    clients.emplace_back(socket_path());
    ASSERT_TRUE(clients.back().send(good_change(i)));
    ASSERT_EQ(clients.back().read_line(), good_answer(i));
  }
  for (std::uint64_t i = 1; i <= 100; ++i) {
    clients.emplace_back(socket_path());
    ASSERT_TRUE(eventually([&] { return hits(LimitHit::kChangeConnections) == i; }));
    ASSERT_LE(counters_.changes.opened.value() - counters_.changes.closed.value(), 5U) << i;
  }
}

TEST_F(ChangeServerTest, WhoSaysNoHelloInTimeIsClosed) {
  add_client("customs", Role::kRegistrar, "token-1");
  config_.limits.handshake_timeout = milliseconds(100);
  start();
  TcpClient good(tcp());
  TcpClient local(socket_path());  // needs none
  TcpClient silent(tcp());
  TcpClient slow(tcp());
  ASSERT_TRUE(good.send(hello("token-1")));
  ASSERT_TRUE(has(good.read_line(), "\"ok\":true"));
  ASSERT_TRUE(slow.send("\n{\"hello\":{\"tok"));
  EXPECT_TRUE(silent.read_all().starts_with("{\"closing\":{\"error\":\"handshake_timeout\""));
  EXPECT_TRUE(slow.read_all().starts_with("{\"closing\":{\"error\":\"handshake_timeout\""));
  EXPECT_EQ(hits(LimitHit::kHandshakeTimeout), 2U);
  ASSERT_TRUE(good.send(good_change(0)));
  EXPECT_EQ(good.read_line(), good_answer(0));
  ASSERT_TRUE(local.send(good_change(1)));
  EXPECT_EQ(local.read_line(), good_answer(1));
}

TEST_F(ChangeServerTest, WhoIsIdleForTooLongIsClosedAndWhoWaitsForAnAnswerIsNot) {
  config_.limits.idle_timeout = milliseconds(150);
  start();
  TcpClient idle(socket_path());
  ASSERT_TRUE(idle.send(good_change(0) + "{\"half"));
  EXPECT_EQ(idle.read_line(), good_answer(0));
  disk_.close();
  TcpClient waiting(socket_path());
  ASSERT_TRUE(waiting.send(good_change(1)));
  EXPECT_TRUE(idle.read_all().starts_with("{\"closing\":{\"error\":\"idle_timeout\""));
  TcpClient second(socket_path());
  EXPECT_TRUE(second.read_all().starts_with("{\"closing\":{\"error\":\"idle_timeout\""));
  disk_.open();
  EXPECT_EQ(waiting.read_line(), good_answer(1));
  EXPECT_EQ(hits(LimitHit::kIdleTimeout), 2U);
}

TEST_F(ChangeServerTest, WhoTakesNoAnswersIsNotReadAndEndsInTime) {
  config_.limits.write_stall_timeout = milliseconds(300);
  start();
  TcpClient stalled(socket_path());
  const std::string text = repeated("x\n", 5'000);
  std::size_t taken = 0;
  ASSERT_TRUE(eventually([&] {
    taken += stalled.send_some(std::string_view(text).substr(taken % text.size()));
    return hits(LimitHit::kWriteStallTimeout) == 1;
  }));
  EXPECT_LT(taken, std::size_t{8} << 20);
  EXPECT_GE(hits(LimitHit::kUnansweredChanges), 1U);
  EXPECT_EQ(answers_to(good_change(0)), good_answer(0) + "\n");
  EXPECT_TRUE(eventually([&] { return counters_.changes.closed.value() == 2; }));
}

TEST_F(ChangeServerTest, WhoSendsOnAndTakesNoAnswersEndsInTimeToo) {
  config_.limits.write_stall_timeout = milliseconds(200);
  config_.limits.unanswered_changes = 10'000'000;
  start();
  TcpClient stalled(socket_path());
  ASSERT_EQ(stalled.send_some(repeated("x\n", 10'000)), 20'000U);  // their answers are more than a socket holds
  EXPECT_TRUE(eventually([&] {
    stalled.send_some("x\n");
    return hits(LimitHit::kWriteStallTimeout) == 1;
  }));
}

TEST_F(ChangeServerTest, ASlowReaderGetsEveryAnswer) {
  start();
  TcpClient slow(socket_path());
  std::jthread sender([&] {
    TcpClient other(socket_path());  // is served meanwhile
    EXPECT_TRUE(other.send(good_change(0)));
    EXPECT_EQ(other.read_line(), good_answer(0));
  });
  std::size_t sent = 0;
  const std::string text = repeated("x\n", 5'000);
  ASSERT_TRUE(eventually([&] {
    sent += slow.send_some(std::string_view(text).substr(sent));
    return sent == text.size() || hits(LimitHit::kUnansweredChanges) != 0;
  }));
  ASSERT_TRUE(slow.send(std::string_view(text).substr(sent)));
  slow.half_close();
  for (int i = 1; i <= 5'000; ++i) {
    ASSERT_TRUE(has(slow.read_line(), R"({"change_id":null,"line":)" + std::to_string(i) + ",")) << i;
  }
  EXPECT_EQ(slow.read_line(), std::nullopt);
}

TEST_F(ChangeServerTest, UnansweredChangesAreBounded) {
  config_.limits.unanswered_changes = 10;
  start();
  disk_.close();
  TcpClient below(socket_path());
  ASSERT_TRUE(below.send(good_changes(9)));
  ASSERT_TRUE(eventually([&] { return counters_.changes.bytes_in.value() == good_changes(9).size(); }));
  round_trip();
  EXPECT_EQ(hits(LimitHit::kUnansweredChanges), 0U);
  TcpClient above(socket_path());
  std::string text;
  for (std::uint64_t i = 9; i < 100; ++i) text += good_change(i);
  ASSERT_EQ(above.send_some(text), text.size());
  ASSERT_TRUE(eventually([&] { return hits(LimitHit::kUnansweredChanges) == 1; }));
  round_trip();
  EXPECT_EQ(hits(LimitHit::kUnansweredChanges), 1U);  // once a pause
  EXPECT_LE(counters_.changes.bytes_in.value(), good_changes(9).size() + good_change(99).size() * 11 + 100);
  disk_.open();
  for (std::uint64_t i = 0; i < 9; ++i) ASSERT_EQ(below.read_line(), good_answer(i));
  for (std::uint64_t i = 9; i < 100; ++i) ASSERT_EQ(above.read_line(), good_answer(i));
}

TEST_F(ChangeServerTest, OneUnansweredChangeIsEnoughToGoOn) {
  config_.limits.unanswered_changes = 1;
  start();
  EXPECT_EQ(answers_to(good_changes(200)), good_answers(200));
}

TEST_F(ChangeServerTest, UnansweredRequestsAreBoundedToo) {
  config_.limits.unanswered_changes = 10;
  start();
  disk_.close();
  TcpClient client(socket_path());
  const std::string text = good_change(0) + repeated(request("status"), 500) + repeated(request("shutdown"), 500);
  ASSERT_EQ(client.send_some(text), text.size());
  ASSERT_TRUE(eventually([&] { return hits(LimitHit::kUnansweredChanges) == 1; }));
  EXPECT_LE(counters_.changes.bytes_in.value(), 500U);
  disk_.open();
  EXPECT_EQ(client.read_line(), good_answer(0));
  for (int i = 0; i < 500; ++i) ASSERT_EQ(client.read_line(), R"({"status":{"seq":7}})");
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(has(client.read_line(), "\"error\":\"unknown\""));
}

TEST_F(ChangeServerTest, UnansweredBytesAreBoundedAsWell) {
  config_.limits.unanswered_bytes = 200'000;
  start();
  disk_.close();
  TcpClient client(socket_path());
  constexpr std::uint64_t kCount = 20;
  std::string text;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    std::string line = good_change(i);
    text += line.insert(line.size() - 2, R"(,"note":")" + std::string(60'000, 'x') + "\"");
  }
  std::jthread sender([&] { EXPECT_TRUE(client.send(text)); });
  ASSERT_TRUE(eventually([&] { return hits(LimitHit::kUnansweredBytes) == 1; }));
  EXPECT_LE(counters_.changes.bytes_in.value(), 200'000U + 2 * 65'536U);
  disk_.open();
  sender.join();
  for (std::uint64_t i = 0; i < kCount; ++i) ASSERT_EQ(client.read_line(), good_answer(i)) << i;
}

TEST_F(ChangeServerTest, WhatTheQueueHasNoRoomForComesLaterInItsOrder) {
  config_.limits.unanswered_changes = 1'000'000;
  config_.limits.unanswered_bytes = std::size_t{64} << 20;
  start();
  disk_.close();
  constexpr std::uint64_t kCount = 70'000;  // more than the queue holds
  std::string text;
  for (std::uint64_t i = 0; i < kCount; ++i) text += change("suspend", 777, "u-" + std::to_string(i));
  TcpClient many(socket_path());
  std::jthread sender([&] { EXPECT_TRUE(many.send(text)); });
  ASSERT_TRUE(eventually([&] { return hits(LimitHit::kUnansweredChanges) == 1; }));
  EXPECT_LT(counters_.changes.bytes_in.value(), text.size());
  TcpClient one(socket_path());
  ASSERT_TRUE(one.send(good_change(0)));
  EXPECT_EQ(answers_to(request("status")), "{\"status\":{\"seq\":7}}\n");
  disk_.open();
  EXPECT_EQ(one.read_line(), good_answer(0));
  sender.join();
  many.half_close();
  for (std::uint64_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(has(many.read_line(), R"({"change_id":"u-)" + std::to_string(i) + R"(","ok":false)")) << i;
  }
  EXPECT_EQ(many.read_line(), std::nullopt);
}

TEST_F(ChangeServerTest, OutOfDescriptorsItAcceptsAgainWhenThereAreSome) {
  start();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  TcpClient waiting(socket_path());  // has a descriptor on both sides
  ASSERT_TRUE(waiting.send(good_change(0)));
  ASSERT_EQ(waiting.read_line(), good_answer(0));
  // No descriptor with a higher number than there are now: this process is server and peer, so the peer's comes first.
  const int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(peer) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  const sockaddr_un to = ForeignSocket::to_address(socket_path());
  ASSERT_EQ(connect(peer, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  EXPECT_TRUE(eventually([&] { return hits(LimitHit::kDescriptors) != 0; }));
  ASSERT_TRUE(waiting.send(request("status")));
  EXPECT_EQ(waiting.read_line(), R"({"status":{"seq":7}})");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  const std::string line = good_change(1);
  ASSERT_EQ(send(peer, line.data(), line.size(), 0), static_cast<ssize_t>(line.size()));
  std::array<char, 200> answer{};
  ASSERT_GT(recv(peer, answer.data(), answer.size() - 1, 0), 0);
  EXPECT_EQ(std::string(answer.data()), good_answer(1) + "\n");
  ::close(peer);
}

// Ends.

TEST_F(ChangeServerTest, WhatWasReadIsDoneWhenThePeerResetsAndNothingIsLeft) {
  add_client("customs", Role::kRegistrar, "token-1");
  start();
  EXPECT_EQ(answers_to(good_change(0)), good_answer(0) + "\n");
  ASSERT_TRUE(eventually([&] { return counters_.changes.closed.value() == 1; }));
  const std::size_t before = open_descriptors();
  constexpr std::uint64_t kPeers = CLEARLINE_SANITIZED != 0 ? 40 : 200;
  for (std::uint64_t i = 1; i <= kPeers; ++i) {
    const bool is_tcp = i % 2 == 0;
    const std::uint64_t received = counters_.changes.bytes_in.value();
    TcpClient client(is_tcp ? tcp() : socket_path());
    ASSERT_TRUE(client.ok());
    const std::string text = (is_tcp ? hello("token-1") : "") + good_change(i) + good_change(i + 1).substr(0, i % 40);
    disk_.close();
    ASSERT_TRUE(client.send(text));
    ASSERT_TRUE(eventually([&] { return counters_.changes.bytes_in.value() - received == text.size(); }));
    i % 3 == 0 ? client.close() : client.reset();
    disk_.open();
    ASSERT_TRUE(eventually([&] { return store_->registry().seq() == i + 1; }));
  }
  EXPECT_TRUE(eventually([&] { return open_descriptors() == before; })) << open_descriptors() << " and not " << before;
  EXPECT_EQ(counters_.changes.opened.value(), counters_.changes.closed.value());
}

TEST_F(ChangeServerTest, AStopAnswersWhatWasReceived) {
  config_.limits.unanswered_changes = 10;  // most of it is received and not read yet
  start();
  disk_.close();
  TcpClient busy(socket_path());
  TcpClient idle(socket_path());
  const std::string text = good_changes(100) + good_change(100).substr(0, 20);
  ASSERT_EQ(busy.send_some(text), text.size());
  ASSERT_TRUE(disk_.wait_for_visitor());
  std::jthread stopping([&] { stop(); });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_FALSE(fs::exists(socket_path()));
  disk_.open();
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(busy.read_line(), good_answer(i));
  EXPECT_EQ(busy.read_line(), std::nullopt);
  busy.close();
  idle.close();
  stopping.join();
  EXPECT_EQ(counters_.changes.opened.value(), counters_.changes.closed.value());
}

TEST_F(ChangeServerTest, AStopDoesNotWaitForPeersThatNeverRead) {
  start();
  TcpClient stalled(socket_path());
  const std::string text = repeated("x\n", 5'000);
  ASSERT_TRUE(eventually([&] {
    stalled.send_some(text);
    return hits(LimitHit::kUnansweredChanges) != 0;
  }));
  const auto begin = std::chrono::steady_clock::now();
  stop(milliseconds(300));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(counters_.changes.opened.value(), counters_.changes.closed.value());
}

TEST_F(ChangeServerTest, ClientsThatAreGoneAreClosedBehindTheirAnswers) {
  add_client("customs", Role::kRegistrar, "token-1");
  add_client("other", Role::kRegistrar, "token-2");
  start();
  TcpClient gone(tcp());
  TcpClient quiet(tcp());
  TcpClient other(tcp());
  for (TcpClient* client : {&gone, &quiet, &other}) {
    ASSERT_TRUE(client->send(hello(client == &other ? "token-2" : "token-1")));
    ASSERT_TRUE(has(client->read_line(), "\"ok\":true"));
  }
  disk_.close();
  ASSERT_TRUE(gone.send(good_change(0)));
  ASSERT_TRUE(disk_.wait_for_visitor());
  config_.clients.erase(config_.clients.begin());
  server_->use(serving());
  EXPECT_EQ(quiet.read_all(), "");
  ASSERT_TRUE(gone.send(good_change(1)));  // with the rights of yesterday
  round_trip();
  disk_.open();
  EXPECT_EQ(gone.read_line(), good_answer(0));
  EXPECT_EQ(gone.read_line(), std::nullopt);
  ASSERT_TRUE(other.send(good_change(1)));
  EXPECT_EQ(other.read_line(), good_answer(1));
  EXPECT_EQ(actors(), (std::vector<std::string>{"client:customs", "client:other"}));
  EXPECT_TRUE(answers_to(tcp(), hello("token-1")).starts_with(R"({"hello":{"ok":false,"error":"denied")"));
}

// The socket file.

TEST_F(ChangeServerTest, TheSocketIsForOthersOnlyWhenOneOfThemIsAClient) {
  start();
  EXPECT_EQ(mode_of(socket_path()), 0600U);
  add_user("registrar", Role::kRegistrar, 12'345);
  server_->use(serving());
  round_trip();
  EXPECT_EQ(mode_of(socket_path()), 0666U);
  config_.clients.clear();
  server_->use(serving());
  round_trip();
  EXPECT_EQ(mode_of(socket_path()), 0600U);
  add_user("registrar", Role::kRegistrar, 12'345);
  server_.reset();
  start();
  EXPECT_EQ(mode_of(socket_path()), 0666U);
}

TEST_F(ChangeServerTest, ASocketThatNobodyListensOnIsReplaced) {
  {
    const ForeignSocket stale(socket_path());
  }
  ASSERT_TRUE(fs::exists(socket_path()));
  start();
  EXPECT_EQ(answers_to(good_change(0)), good_answer(0) + "\n");
}

TEST_F(ChangeServerTest, ASocketInUseIsRefusedAndStays) {
  const auto expect_refused = [&](const std::string& what) {
    const auto server = open_server(store_.get());
    ASSERT_FALSE(server.ok()) << what;
    EXPECT_EQ(server.status().kind(), StatusKind::kConfig);
    EXPECT_TRUE(fs::exists(socket_path()));
  };
  {
    const ForeignSocket used(socket_path());
    expect_refused("listening");
  }
  fs::remove(socket_path());
  const ForeignSocket full(socket_path(), 0);
  const TcpClient waits_to_be_accepted(socket_path());
  expect_refused("no room for one more");
}

TEST_F(ChangeServerTest, WhatIsNoSocketIsNeverRemoved) {
  const auto expect_refused = [&](const std::string& what) {
    const auto server = open_server(store_.get());
    ASSERT_FALSE(server.ok()) << what;
    EXPECT_EQ(server.status().kind(), StatusKind::kConfig);
    EXPECT_TRUE(fs::symlink_status(socket_path()).type() != fs::file_type::not_found) << what;
    fs::remove(socket_path());
  };
  folder_.write("changes.sock", "mine");
  expect_refused("file");
  fs::create_directory(socket_path());
  expect_refused("folder");
  fs::create_symlink(folder_.path("elsewhere"), socket_path());
  expect_refused("link");
  config_.changes_socket = folder_.path(std::string(200, 'x'));
  EXPECT_FALSE(open_server(store_.get()).ok());
}

TEST_F(ChangeServerTest, AServerThatWasNeverStartedLeavesNoSocketFile) {
  {
    ASSERT_TRUE(open_server(store_.get()).ok());
  }
  EXPECT_FALSE(fs::exists(socket_path()));
  config_.changes_listen = {"192.0.2.1:1"};
  ASSERT_FALSE(open_server(store_.get()).ok());
  EXPECT_FALSE(fs::exists(socket_path()));
}

TEST_F(ChangeServerTest, AStopLeavesTheSocketFileOfTheNextServer) {
  start();
  TcpClient stalled(socket_path());
  disk_.close();
  ASSERT_TRUE(stalled.send(good_change(0)));
  ASSERT_TRUE(disk_.wait_for_visitor());
  std::jthread stopping([&] { stop(); });
  ASSERT_TRUE(eventually([&] { return !fs::exists(socket_path()); }));
  const ForeignSocket next(socket_path());
  disk_.open();
  EXPECT_EQ(stalled.read_line(), good_answer(0));
  stalled.close();
  stopping.join();
  EXPECT_TRUE(fs::exists(socket_path()));
}

TEST_F(ChangeServerTest, TheFolderOfTheDefaultSocketIsMadeAsItMustBeWhateverTheUmask) {
  config_.changes_socket_is_default = true;
  for (const mode_t mask : {0000, 0077}) {
    const std::string folder = folder_.path("run-" + std::to_string(mask));
    config_.changes_socket = folder + "/changes.sock";
    const mode_t before = umask(mask);
    const auto server = open_server(store_.get());
    umask(before);
    ASSERT_TRUE(server.ok());
    EXPECT_EQ(mode_of(folder), 0755U) << mask;
    EXPECT_EQ(mode_of(socket_path()), 0600U) << mask;
  }
}

TEST_F(ChangeServerTest, AFolderThatIsThereStaysAsItIs) {
  config_.changes_socket_is_default = true;
  const std::string folder = folder_.path("run");
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms(0700));
  config_.changes_socket = folder + "/changes.sock";
  ASSERT_TRUE(open_server(store_.get()).ok());
  EXPECT_EQ(mode_of(folder), 0700U);
}

TEST_F(ChangeServerTest, ADefaultSocketThatCannotBeIsGoneWithout) {
  config_.changes_socket = folder_.path("none") + "/deeper/changes.sock";
  EXPECT_FALSE(open_server(store_.get()).ok());
  config_.changes_socket_is_default = true;
  start();
  EXPECT_EQ(server_->addresses().size(), 1U);
}

}  // namespace
}  // namespace clearline::test
