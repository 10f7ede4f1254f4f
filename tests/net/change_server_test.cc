// Changes in the process of the test: what is answered, in which order, and who may.
#include "io/net/change_server.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "io/net/operator_client.h"
#include "tests/support/change_server_fixture.h"
#include "tests/support/eventually.h"

namespace clearline::test {
namespace {

using std::chrono::milliseconds;

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
  const std::string answers =
      answers_to(padded(good_change(0), 65'536) + padded(good_change(1), 65'537) + good_change(1));
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
  add_client("desk-by-token", Role::kOperator, "token-2");
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
  auto less = connect_as(12'345);  // a token gives its rights in place of those of the user
  ASSERT_TRUE(less && less->send(hello("token-2") + request("status") + good_change(3)));
  EXPECT_EQ(less->read_line(), R"({"hello":{"ok":true,"role":"operator"}})");
  EXPECT_EQ(less->read_line(), R"({"status":{"seq":7}})");
  EXPECT_TRUE(has(less->read_line(), "\"error\":\"denied\""));
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

TEST_F(ChangeServerTest, UnknownRequestsAreRefusedAndAChangeThatHasSuchAKeyIsMalformed) {
  start();
  EXPECT_EQ(
      answers_to(request("shutdown") + "{\"request\":7}\n" + change("suspend", 0, "k-0", R"(,"request":"status")")),
      repeated(R"({"request":{"ok":false,"error":"unknown"}})"
               "\n",
               2) +
          R"({"change_id":"k-0","ok":false,"error":"malformed","detail":"column 58: a change has no such key; leave it out"})"
          "\n");
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

TEST_F(ChangeServerTest, OverTcpAnOperatorsClientShowsItsToken) {
  add_client("desk", Role::kOperator, "token-1");
  add_client("customs", Role::kRegistrar, "token-2");
  start();
  AskedServer server;
  server.address = *parse_peer_address(tcp());
  const auto is_refused = [&](const std::string& why) {
    const auto answer = ask_server(server, "reload");
    return answer.status().kind() == StatusKind::kPeer && has(answer.status().message(), why);
  };
  EXPECT_PRED1(is_refused, "token_needed");
  server.token = "token-3";
  EXPECT_PRED1(is_refused, "denied");
  server.token = "token-2";
  EXPECT_PRED1(is_refused, "denied");
  server.token = "token-1";
  EXPECT_EQ(*ask_server(server, "status"), "{\"status\":{\"seq\":7}}");
  EXPECT_EQ(*ask_server(server, "reload"), "{\"reload\":{\"ok\":true}}");
}

TEST_F(ChangeServerTest, AnAnswerThatTakesLongIsWaitedForWhileTheServerIsThere) {
  start();
  checkpoint_.close();
  AskedServer server;
  server.socket_path = socket_path();
  std::optional<Result<std::string>> answer;
  std::jthread asking([&] { answer.emplace(ask_server(server, "checkpoint", 3 * kLongPause)); });
  ASSERT_TRUE(checkpoint_.wait_for_visitor());
  // A status before, and one more: it has taken longer than a status may.
  ASSERT_TRUE(eventually([&] { return counters_.changes.opened.value() >= 3; }));
  checkpoint_.open();
  asking.join();
  ASSERT_TRUE(answer->ok()) << answer->status().message();
  EXPECT_EQ(**answer, R"({"checkpoint":{"ok":true,"seq":0,"written":false}})");
}

TEST_F(ChangeServerTest, AnotherProtocolIsToldOnceWhatIsTakenHere) {
  using namespace std::string_literals;
  add_client("customs", Role::kRegistrar, "token-1");
  start();
  const auto is_told = [](const std::string& answer) {
    return answer.starts_with("{\"closing\":{\"error\":\"not_changes\",\"detail\":\"") &&
           answer.find('\n') == answer.size() - 1;
  };
  std::uint64_t count = 0;
  for (const std::string& bytes : {"GET / HTTP/1.1\r\n\r\n"s, "\x16\x03\x01\x02\x00\x01\n"s, "PROXY UNKNOWN\r\n"s,
                                   "\r\n\r\n\0\r\nQUIT\n\x21\x11"s}) {
    for (const std::string& address : {tcp(), socket_path()}) {
      TcpClient whole(address);
      ASSERT_TRUE(whole.send(bytes));
      EXPECT_PRED1(is_told, whole.read_all());
      TcpClient slow(address);
      for (const char byte : bytes) slow.send_some({&byte, 1});  // it may be closed before the last
      EXPECT_PRED1(is_told, slow.read_all());
      count += 2;
    }
  }
  EXPECT_EQ(counters_.changes.other_protocol.value(), count);
}

TEST_F(ChangeServerTest, WhileItLoadsAStatusIsAnsweredAndChangesAreBusy) {
  OperatorActions actions;
  actions.status = [] { return std::string(R"({"state":"loading"})"); };
  auto server = ChangeServer::open_loading(config_, serving(), std::move(actions), counters_, log_);
  ASSERT_TRUE(server.ok()) << server.status().message();
  server_ = std::move(*server);
  server_->start();
  ASSERT_EQ(server_->addresses().size(), 1U);
  TcpClient client(socket_path());
  ASSERT_TRUE(client.send(request("status") + good_change(0) + request("checkpoint") + request("reload")));
  EXPECT_EQ(client.read_line(), R"({"status":{"state":"loading"}})");
  EXPECT_TRUE(has(client.read_line(), R"({"change_id":"k-0","ok":false,"error":"busy")"));
  EXPECT_TRUE(has(client.read_line(), R"({"checkpoint":{"ok":false)"));
  EXPECT_TRUE(has(client.read_line(), R"({"reload":{"ok":false)"));
  ASSERT_TRUE(server_->listen_on_all().ok());
  ASSERT_EQ(server_->addresses().size(), 2U);
  server_->serve(store_.get());
  ASSERT_TRUE(client.send(good_change(0)));
  EXPECT_EQ(client.read_line(), good_answer(0));
  EXPECT_TRUE(has(answers_to(tcp(), good_change(1)), "token_needed"));  // and the others are there, too
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

}  // namespace
}  // namespace clearline::test
