// Changes in the process of the test: who is refused for what, what is bounded, and how a server stops.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <thread>

#include "io/net/change_server.h"
#include "tests/support/change_server_fixture.h"
#include "tests/support/eventually.h"

namespace clearline::test {
namespace {

using std::chrono::milliseconds;

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
  ASSERT_NO_FATAL_FAILURE(connect_served(2, clients));
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
  ASSERT_NO_FATAL_FAILURE(connect_served(2, clients));
  for (std::uint64_t i = 1; i <= 100; ++i) {
    clients.emplace_back(socket_path());
    ASSERT_TRUE(eventually([&] { return hits(LimitHit::kChangeConnections) == i; }));
    ASSERT_LE(counters_.changes.opened.value() - counters_.changes.closed.value(), 5U) << i;
  }
}

TEST_F(ChangeServerTest, WhoSaysNoHelloInTimeIsClosed) {
  add_client("customs", Role::kRegistrar, "token-1");
  config_.limits.handshake_timeout = kLongPause;
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
  config_.limits.idle_timeout = kLongPause;
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
  for (std::uint64_t i = 0; i < kCount; ++i) text += padded(good_change(i), 60'000);
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
  // Requests between them make each change wait for room by itself.
  ASSERT_TRUE(one.send(good_change(0) + request("status") + good_change(1) + request("status") + good_change(2)));
  EXPECT_EQ(answers_to(request("status")), "{\"status\":{\"seq\":7}}\n");
  disk_.open();
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(one.read_line(), good_answer(i));
    if (i == 2) break;
    EXPECT_EQ(one.read_line(), "{\"status\":{\"seq\":7}}");
  }
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
  const sockaddr_un to = unix_address(socket_path());
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
  EXPECT_TRUE(eventually([&] { return counters_.changes.opened.value() == counters_.changes.closed.value(); }));
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
  EXPECT_FALSE(std::filesystem::exists(socket_path()));
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

}  // namespace
}  // namespace clearline::test
