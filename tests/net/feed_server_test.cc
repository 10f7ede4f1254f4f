// Feeds in the process of the test: what is answered, in which order, and who is refused for what.
#include "io/net/feed_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/live_directory.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"
#include "tests/support/serving_fixture.h"

namespace clearline::test {
namespace {

using std::chrono::milliseconds;

Registry numbered_registry(std::uint64_t entries) {
  RegistryBuilder builder(RegistryKey{7}, {});
  for (std::uint64_t i = 0; i < entries; ++i) builder.add(numbered_entry(i));
  return std::move(*builder.build(RegistryBuilder::OnDuplicate::kRefuse).registry);
}

std::string declaration(std::uint64_t number) {
  std::string code = std::to_string(number % 20);
  code.insert(0, 12 - code.size(), '0');
  return R"({"id":"D)" + std::to_string(number) + R"(","code":"P)" + code + R"(","name":"KIM A)" +
         std::to_string(number % 20) + R"(","zip":")" + std::string(number % 20 < 10 ? "0000" : "000") +
         std::to_string(number % 20) + "\"}";
}

std::string declarations(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) text += declaration(i) + "\n";
  return text;
}

std::string clear(std::uint64_t number) { return R"({"id":"D)" + std::to_string(number) + R"(","verdict":"clear"})"; }

/// Where two texts differ first, with what stands there.
std::string first_difference_of(std::string_view expected, std::string_view got) {
  const auto [a, b] = std::mismatch(expected.begin(), expected.end(), got.begin(), got.end());
  if (a == expected.end() && b == got.end()) return "";
  const auto at = static_cast<std::size_t>(a - expected.begin());
  const std::size_t line = expected.rfind('\n', at == 0 ? 0 : at - 1) + 1;
  return "byte " + std::to_string(at) + "\n" + std::string(expected.substr(std::min(line, expected.size()), 300)) +
         "\nbut\n" + std::string(got.substr(std::min(line, got.size()), 300));
}

/// Sends a text again and again until nothing more is taken for a while, `taken` bytes behind its start; how many are then.
std::size_t stuff(TcpClient& client, const std::string& text, std::size_t taken = 0) {
  for (int quiet = 0; quiet < 50;) {
    const std::size_t sent = client.send_some(std::string_view(text).substr(taken % text.size()));
    taken += sent;
    quiet = sent == 0 ? quiet + 1 : 0;
    if (sent == 0) std::this_thread::sleep_for(milliseconds(2));
  }
  return taken;
}

class FeedServerTest : public ServingFixture {
 protected:
  FeedServerTest() : registry_(numbered_registry(20)) {
    config_.feed_listen = {"127.0.0.1:0"};
    config_.feed_threads = 2;
  }
  ~FeedServerTest() override { stop(); }

  void start() { start(registry_); }
  void start(const Registry& registry) {
    auto server = FeedServer::open(config_, registry, serving(), counters_, log_);
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = std::move(*server);
    server_->start();
  }
  void stop(milliseconds patience = std::chrono::seconds(20)) {
    if (server_) server_->stop(std::chrono::steady_clock::now() + patience);
  }
  const std::string& address() const { return server_->addresses().front(); }
  using ServingFixture::answers_to;
  std::string answers_to(const std::string& text) { return answers_to(address(), text); }
  std::uint64_t hits(LimitHit limit) const {
    std::uint64_t sum = 0;
    for (const FeedCounters& counters : counters_.feeds)
      sum += counters.limits[static_cast<std::size_t>(limit)].value();
    return sum;
  }
  /// Starts a server where the pieces of lines of these peers are all that may be unanswered.
  void fill_with_pieces(std::vector<TcpClient>& peers) {
    config_.limits.line_bytes = 1'000;
    config_.limits.unanswered_bytes_total = 2'000;
    start();
    for (int i = 0; i < 4; ++i) {
      peers.emplace_back(address());
      ASSERT_TRUE(peers.back().send(std::string(900, 'x')));
    }
    ASSERT_TRUE(eventually([&] { return counters_.unanswered_bytes.load() >= 2'000; }));
  }
  /// stuff() until answers are held. A machine with other work may let the server wait for longer than one does.
  std::size_t stuff_until_held(TcpClient& client, const std::string& text) const {
    std::size_t taken = 0;
    for (int i = 0; i < 20 && hits(LimitHit::kUnansweredBytes) == 0; ++i) taken = stuff(client, text, taken);
    EXPECT_GT(hits(LimitHit::kUnansweredBytes), 0U);
    return taken;
  }
  std::uint64_t sum(Counter ConnectionCounters::* counter) const {
    std::uint64_t all = 0;
    for (const FeedCounters& counters : counters_.feeds) all += (counters.*counter).value();
    return all;
  }

  Registry registry_;
  std::unique_ptr<FeedServer> server_;
};

TEST_F(FeedServerTest, EveryDeclarationIsAnsweredInOrder) {
  start();
  constexpr std::uint64_t kCount = CLEARLINE_SANITIZED != 0 ? 20'000 : 200'000;
  std::string expected;
  for (std::uint64_t i = 0; i < kCount; ++i) expected += clear(i) + "\n";
  EXPECT_EQ(first_difference_of(expected, answers_to(declarations(kCount))), "");
  stop();
  std::uint64_t lines = 0;
  for (const FeedCounters& counters : counters_.feeds) lines += counters.lines.value();
  EXPECT_EQ(lines, kCount);
  EXPECT_EQ(counters_.unanswered_bytes.load(), 0U);
}

TEST_F(FeedServerTest, OneDeclarationIsAnsweredWhileTheConnectionStaysOpen) {
  start();
  TcpClient client(address());
  for (std::uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(client.send(declaration(i) + "\n"));
    ASSERT_EQ(client.read_line(), clear(i));
  }
}

TEST_F(FeedServerTest, VerdictsAreThoseOfBulkHoweverTheBytesCome) {
  config_.declared_at_window = config_.declared_at_ahead = std::chrono::hours(24 * 365 * 9'000);
  const std::uint64_t seed = test_seed();
  RandomInput input(seed);
  const Registry registry = make_registry(input.people());
  start(registry);
  ScreenSetup setup;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  setup.today = format_date(korean_date(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  const std::string text = input.ndjson(3'000);
  const std::string expected = *screen_to_text(text, registry, setup);
  EXPECT_EQ(first_difference_of(expected, answers_to(text)), "") << "CLEARLINE_SEED=" << seed;
  std::mt19937_64 random(seed);
  TcpClient client(address());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = random() % 8 == 0 ? random() % 4'000 : 1 + random() % 40;
    ASSERT_TRUE(client.send(std::string_view(text).substr(at, size)));
    at += size;
  }
  client.half_close();
  EXPECT_EQ(first_difference_of(expected, client.read_all()), "") << "CLEARLINE_SEED=" << seed;
  server_.reset();  // before its registry goes
}

TEST_F(FeedServerTest, LinesCutAtEveryByteAreTheSameLines) {
  start();
  const std::string text = "\xEF\xBB\xBF" + declaration(1) + "\r\n\n" +
                           R"({"id":"\u0041\"B","code":"P000000000002","name":"김가","zip":"00002"})" +
                           "\r\n{\"id\":1}\n" + declaration(3);
  const std::string expected = *screen_to_text(text, registry_, {});
  for (std::size_t at = 0; at <= text.size(); ++at) {
    TcpClient client(address());
    ASSERT_TRUE(client.send(text.substr(0, at)));
    // The two parts come apart when the server has had the time to read the first; either way the answers are the same.
    if (at % 8 == 0) std::this_thread::sleep_for(milliseconds(1));
    ASSERT_TRUE(client.send(text.substr(at)));
    client.half_close();
    ASSERT_EQ(client.read_all(), expected) << at;
  }
  TcpClient client(address());
  for (const char byte : text) ASSERT_TRUE(client.send({&byte, 1}));
  client.half_close();
  EXPECT_EQ(client.read_all(), expected);
}

TEST_F(FeedServerTest, ALineAtTheLimitPassesAndALongerOneIsAnError) {
  config_.limits.line_bytes = 200;
  start();
  const auto padded = [](std::size_t bytes) {
    std::string line = declaration(1);
    return line.insert(line.size() - 1, bytes - line.size(), ' ');
  };
  const std::string bad = R"("verdict":"error","reasons":["malformed"],"detail":"line is longer than the limit"})";
  EXPECT_EQ(answers_to(padded(200) + "\n" + padded(199) + "\r\n"), clear(1) + "\n" + clear(1) + "\n");
  EXPECT_EQ(answers_to(padded(201) + "\n" + padded(100'000) + "\n" + declaration(2) + "\n"),
            "{\"id\":null,\"line\":1," + bad + "\n{\"id\":null,\"line\":2," + bad + "\n" + clear(2) + "\n");
  EXPECT_EQ(hits(LimitHit::kLineBytes), 2U);
}

TEST_F(FeedServerTest, DeclaredAtMustBeNearTheReceipt) {
  config_.declared_at_window = std::chrono::hours(24);
  config_.declared_at_ahead = std::chrono::hours(1);
  start();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const auto dated = [](const std::string& at) {
    std::string line = declaration(1);
    return line.insert(line.size() - 1, R"(,"declared_at":")" + at + "\"") + "\n";
  };
  constexpr std::int64_t kMinuteUs = 60'000'000;
  const std::string error =
      R"({"id":"D1","verdict":"error","reasons":["malformed"],"detail":"declared_at is too far from the time of receipt"})";
  const auto day = [&](std::int64_t days) {
    return format_date(Date{korean_date_us(us).days + static_cast<int>(days)});
  };
  EXPECT_EQ(answers_to(dated(format_time(us - 23 * 60 * kMinuteUs))), clear(1) + "\n");
  EXPECT_EQ(answers_to(dated(format_time(us - 25 * 60 * kMinuteUs))), error + "\n");
  EXPECT_EQ(answers_to(dated(format_time(us + 58 * kMinuteUs))), clear(1) + "\n");
  EXPECT_EQ(answers_to(dated(format_time(us + 62 * kMinuteUs))), error + "\n");
  EXPECT_EQ(answers_to(dated(day(0)) + dated(day(-1)) + dated(day(-3)) + dated(day(3))),
            clear(1) + "\n" + clear(1) + "\n" + error + "\n" + error + "\n");
}

TEST_F(FeedServerTest, WithoutClientsAHelloIsAnsweredAndIsNoDeclaration) {
  start();
  EXPECT_EQ(answers_to("\n{\"hello\":{\"token\":\"anything\"}}\n{\"id\":1}\n" + declaration(1) + "\n"),
            "{\"hello\":{\"ok\":true,\"role\":\"feed\"}}\n"
            "{\"id\":null,\"line\":3,\"verdict\":\"error\",\"reasons\":[\"malformed\"],\"detail\":\"column 2: id is "
            "neither string nor null\"}\n" +
                clear(1) + "\n");
  // Only the first line can be one.
  const std::string late = answers_to(declaration(1) + "\n{\"hello\":{}}\n");
  EXPECT_TRUE(late.starts_with(clear(1) + "\n{\"id\":null,\"line\":2,\"verdict\":\"hold\"")) << late;
}

TEST_F(FeedServerTest, AFirstDeclarationWithAFieldHelloIsADeclaration) {
  start();
  std::string with_hello = declaration(1);
  with_hello.insert(1, "\"hello\":\"x\",");
  EXPECT_EQ(answers_to(with_hello + "\n" + declaration(2) + "\n"), clear(1) + "\n" + clear(2) + "\n");
  with_hello = declaration(1);
  with_hello.insert(1, "\"hello\":{\"token\":\"x\"},");
  EXPECT_EQ(answers_to(with_hello + "\n"), clear(1) + "\n");
}

TEST_F(FeedServerTest, NamesToIgnoreAreThoseOfTheFeedOrOfTheClient) {
  config_.ignored = {"Phone"};
  add_client("plain", Role::kFeed, "token-1");
  add_client("other", Role::kFeed, "token-2");
  config_.clients[1].ignored = {"PHONE"};
  config_.feed_threads = 1;  // which is to tell them apart
  start();
  std::string near = declaration(1);
  near.insert(1, "\"Phone\":\"1\",");
  const std::string ok = "{\"hello\":{\"ok\":true,\"role\":\"feed\"}}\n";
  EXPECT_EQ(answers_to("{\"hello\":{\"token\":\"token-1\"}}\n" + near + "\n"), ok + clear(1) + "\n");
  const std::string refused = answers_to("{\"hello\":{\"token\":\"token-2\"}}\n" + near + "\n");
  EXPECT_NE(refused.find("did you mean phone?"), std::string::npos) << refused;
}

TEST_F(FeedServerTest, WhereATokenIsNeededNothingElseIsAnswered) {
  add_client("courier-a", Role::kFeed, "token-of-courier-a");
  add_client("desk", Role::kRegistrar, "token-of-the-desk");
  start();
  const std::string hello = "{\"hello\":{\"token\":\"token-of-courier-a\"}}\n";
  EXPECT_EQ(answers_to(hello + declaration(1) + "\n"),
            "{\"hello\":{\"ok\":true,\"role\":\"feed\"}}\n" + clear(1) + "\n");
  const auto refusal = [](const std::string& answer, const std::string& error) {
    return answer.starts_with("{\"hello\":{\"ok\":false,\"error\":\"" + error + "\",\"detail\":\"") &&
           answer.find('\n') == answer.size() - 1;
  };
  EXPECT_PRED2(refusal, answers_to(declaration(1) + "\n" + declaration(2) + "\n"), "token_needed");
  EXPECT_PRED2(refusal, answers_to("{\"hello\":{}}\n" + declaration(2) + "\n"), "token_needed");
  EXPECT_PRED2(refusal, answers_to("{\"hello\":{\"token\":\"token-of-courier-b\"}}\n" + declaration(2) + "\n"),
               "denied");
  EXPECT_PRED2(refusal, answers_to("{\"hello\":{\"token\":\"token-of-the-desk\"}}\n" + declaration(2) + "\n"),
               "denied");
  EXPECT_PRED2(refusal, answers_to("{\"hello\":{\"token\":7}}\n" + declaration(2) + "\n"), "malformed");
  EXPECT_EQ(sum(&ConnectionCounters::denied), 5U);
  EXPECT_EQ(sum(&ConnectionCounters::hellos), 1U);
}

TEST_F(FeedServerTest, AClientMayHaveColumnsAndExplanationsOfItsOwn) {
  add_client("plain", Role::kFeed, "token-1");
  add_client("other", Role::kFeed, "token-2");
  add_client("curious", Role::kFeed, "token-3");
  config_.clients[1].explain = true;
  config_.clients[1].columns = *parse_columns("code=pccc");
  config_.clients[2].explain = true;
  config_.feed_threads = 1;  // which is to tell them apart
  start();
  EXPECT_EQ(answers_to("{\"hello\":{\"token\":\"token-1\"}}\n" + declaration(1) + "\n"),
            "{\"hello\":{\"ok\":true,\"role\":\"feed\"}}\n" + clear(1) + "\n");
  std::string renamed = declaration(1);
  renamed.replace(renamed.find("code"), 4, "pccc");
  const auto is_explained = [](const std::string& answers) {
    return answers.find(R"({"id":"D1","verdict":"clear","checks":{"code":"active","name":"same")") != std::string::npos;
  };
  EXPECT_PRED1(is_explained, answers_to("{\"hello\":{\"token\":\"token-2\"}}\n" + renamed + "\n"));
  EXPECT_PRED1(is_explained, answers_to("{\"hello\":{\"token\":\"token-3\"}}\n" + declaration(1) + "\n"));
}

TEST_F(FeedServerTest, AReloadClosesTheConnectionsOfClientsThatAreGone) {
  add_client("stays", Role::kFeed, "token-1");
  add_client("goes", Role::kFeed, "token-2");
  config_.feed_threads = 1;  // so that the old policy goes with what it screened by: AddressSanitizer sees a use of it
  start();
  TcpClient stays(address());
  TcpClient goes(address());
  ASSERT_TRUE(stays.send("{\"hello\":{\"token\":\"token-1\"}}\n" + declaration(1) + "\n"));
  ASSERT_TRUE(goes.send("{\"hello\":{\"token\":\"token-2\"}}\n" + declaration(2) + "\n"));
  stays.read_line();
  goes.read_line();
  EXPECT_EQ(stays.read_line(), clear(1));
  EXPECT_EQ(goes.read_line(), clear(2));
  config_.clients.pop_back();
  server_->use(serving());
  EXPECT_TRUE(goes.read_all().starts_with("{\"closing\":{\"error\":\"client_removed\""));
  ASSERT_TRUE(stays.send(declaration(3) + "\n"));
  EXPECT_EQ(stays.read_line(), clear(3));
}

TEST_F(FeedServerTest, ATokenCountsFromItsReloadOnAlsoWhereSomebodyIsConnected) {
  add_client("first", Role::kFeed, "token-0");
  start();
  for (int i = 1; i <= 50; ++i) {
    const std::string token = "token-" + std::to_string(i);
    TcpClient waiting(address());
    ASSERT_TRUE(eventually([&] { return sum(&ConnectionCounters::opened) == static_cast<std::uint64_t>(i); }));
    add_client("courier-" + std::to_string(i), Role::kFeed, token);
    server_->use(serving());
    ASSERT_TRUE(waiting.send("{\"hello\":{\"token\":\"" + token + "\"}}\n"));
    ASSERT_EQ(waiting.read_line(), "{\"hello\":{\"ok\":true,\"role\":\"feed\"}}");
  }
}

TEST_F(FeedServerTest, AReloadGivesAClientThatStaysItsNewColumns) {
  add_client("stays", Role::kFeed, "token-1");
  start();
  TcpClient stays(address());
  ASSERT_TRUE(stays.send("{\"hello\":{\"token\":\"token-1\"}}\n" + declaration(1) + "\n"));
  stays.read_line();
  EXPECT_EQ(stays.read_line(), clear(1));
  config_.clients[0].columns = *parse_columns("code=pccc");
  server_->use(serving());
  std::string renamed = declaration(2);
  renamed.replace(renamed.find("code"), 4, "pccc");
  // Until the thread has taken it, the old name counts.
  EXPECT_TRUE(eventually([&] { return stays.send(renamed + "\n") && stays.read_line() == clear(2); }));
}

TEST_F(FeedServerTest, ConnectionsUpToTheLimitAreServedAndOneMoreIsToldWhy) {
  config_.limits.connections = 3;
  start();
  std::vector<TcpClient> clients;
  for (std::uint64_t i = 0; i < 3; ++i) {
    clients.emplace_back(address());
    ASSERT_TRUE(clients.back().send(declaration(i) + "\n"));
    ASSERT_EQ(clients.back().read_line(), clear(i));
  }
  EXPECT_TRUE(TcpClient(address()).read_all().starts_with("{\"closing\":{\"error\":\"connections\",\"detail\":\""));
  EXPECT_EQ(hits(LimitHit::kConnections), 1U);
  clients.pop_back();
  ASSERT_TRUE(eventually([&] { return sum(&ConnectionCounters::closed) == 1; }));
  EXPECT_EQ(answers_to(declaration(4) + "\n"), clear(4) + "\n");
}

TEST_F(FeedServerTest, AnAddressHasALimitOfItsOwn) {
  config_.limits.connections_per_address = 2;
  start();
  TcpClient first(address());
  TcpClient second(address());
  ASSERT_TRUE(second.send(declaration(1) + "\n"));
  ASSERT_EQ(second.read_line(), clear(1));
  EXPECT_TRUE(TcpClient(address()).read_all().starts_with("{\"closing\":{\"error\":\"connections_per_address\""));
  EXPECT_EQ(hits(LimitHit::kConnectionsPerAddress), 1U);
}

TEST_F(FeedServerTest, WhoSaysNoHelloInTimeIsClosed) {
  add_client("courier-a", Role::kFeed, "token-1");
  config_.limits.handshake_timeout = kLongPause;
  start();
  TcpClient silent(address());
  TcpClient slow(address());
  TcpClient good(address());
  ASSERT_TRUE(good.send("{\"hello\":{\"token\":\"token-1\"}}\n"));
  good.read_line();
  ASSERT_TRUE(slow.send("{\"hello\":{\"tok"));
  EXPECT_TRUE(silent.read_all().starts_with("{\"closing\":{\"error\":\"handshake_timeout\""));
  EXPECT_TRUE(slow.read_all().starts_with("{\"closing\":{\"error\":\"handshake_timeout\""));
  EXPECT_EQ(hits(LimitHit::kHandshakeTimeout), 2U);
  ASSERT_TRUE(good.send(declaration(1) + "\n"));
  EXPECT_EQ(good.read_line(), clear(1));
}

TEST_F(FeedServerTest, WhoIsIdleForTooLongIsClosed) {
  config_.limits.idle_timeout = kLongPause;
  start();
  TcpClient idle(address());
  TcpClient busy(address());
  ASSERT_TRUE(idle.send(declaration(1) + "\n{\"half"));
  EXPECT_EQ(idle.read_line(), clear(1));
  for (std::uint64_t i = 0; hits(LimitHit::kIdleTimeout) == 0 && i < 1'000'000; ++i) {
    ASSERT_TRUE(busy.send(declaration(i) + "\n"));
    ASSERT_EQ(busy.read_line(), clear(i));
  }
  EXPECT_TRUE(idle.read_all().starts_with("{\"closing\":{\"error\":\"idle_timeout\""));
  EXPECT_EQ(hits(LimitHit::kIdleTimeout), 1U);
}

/// Whole lines of what stuff() sent.
std::uint64_t lines_stuffed(const std::string& text, std::size_t taken) {
  const auto lines = [&](std::size_t bytes) {
    return static_cast<std::uint64_t>(
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bytes), '\n'));
  };
  return taken / text.size() * lines(text.size()) + lines(taken % text.size());
}

TEST_F(FeedServerTest, AClientThatIsGoneGetsTheAnswersThatAreHeldAndNoMore) {
  add_client("stays", Role::kFeed, "token-1");
  add_client("goes", Role::kFeed, "token-2");
  start();
  TcpClient goes(address(), 4'096);
  ASSERT_TRUE(goes.send("{\"hello\":{\"token\":\"token-2\"}}\n"));
  ASSERT_EQ(goes.read_line(), "{\"hello\":{\"ok\":true,\"role\":\"feed\"}}");
  const std::string text = declarations(2'000);
  const std::size_t taken = stuff_until_held(goes, text);
  config_.clients.pop_back();
  server_->use(serving());
  std::uint64_t answered = 0;
  auto line = goes.read_line();
  for (; line == clear(answered % 2'000); line = goes.read_line()) ++answered;
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->starts_with("{\"closing\":{\"error\":\"client_removed\"")) << *line;
  EXPECT_EQ(goes.read_line(), std::nullopt);
  EXPECT_LT(answered, lines_stuffed(text, taken));  // what had no answer yet gets none
  EXPECT_EQ(answered,
            std::accumulate(counters_.feeds.begin(), counters_.feeds.end(), std::uint64_t{0},
                            [](std::uint64_t sum, const FeedCounters& feed) { return sum + feed.lines.value(); }));
}

/// Sends a text, and takes the answers meanwhile: with so little work that the server has more.
bool are_answered(int socket, std::string_view text, std::string_view expected) {
  std::array<char, 65'536> got;
  while (!expected.empty()) {
    pollfd wait{socket, static_cast<short>(POLLIN | (text.empty() ? 0 : POLLOUT)), 0};
    if (poll(&wait, 1, 60'000) <= 0) return false;
    if ((wait.revents & POLLOUT) != 0) {
      const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
    }
    if ((wait.revents & ~POLLOUT) == 0) continue;
    const ssize_t size = recv(socket, got.data(), got.size(), MSG_DONTWAIT);
    if (size <= 0 || !expected.starts_with(std::string_view(got.data(), static_cast<std::size_t>(size)))) return false;
    expected.remove_prefix(static_cast<std::size_t>(size));
  }
  return text.empty();
}

/// What other protocols begin with.
std::vector<std::string> other_protocols() {
  using namespace std::string_literals;
  return {"GET / HTTP/1.1\r\nHost: clearline\r\n\r\n"s,
          "POST /api/v1/screen HTTP/1.1\r\n\r\n"s,
          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"s,
          "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\n"s,
          "PROXY TCP4 127.0.0.1 127.0.0.1 50000 7400\r\n"s,
          "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C"s};
}

TEST_F(FeedServerTest, AnotherProtocolIsToldOnceWhatThisPortIs) {
  for (const bool needs_token : {false, true}) {
    if (needs_token) add_client("courier-a", Role::kFeed, "token-1");
    start();
    const std::uint64_t before = sum(&ConnectionCounters::other_protocol);
    for (const std::string& bytes : other_protocols()) {
      const auto is_told = [](const std::string& answer) {
        return answer.starts_with("{\"closing\":{\"error\":\"not_a_feed\",\"detail\":\"") &&
               answer.find('\n') == answer.size() - 1;
      };
      TcpClient whole(address());
      ASSERT_TRUE(whole.send(bytes));
      EXPECT_PRED1(is_told, whole.read_all());
      TcpClient slow(address());
      for (const char byte : bytes) slow.send_some({&byte, 1});  // it may be closed before the last
      EXPECT_PRED1(is_told, slow.read_all());
    }
    EXPECT_EQ(sum(&ConnectionCounters::other_protocol) - before, 2 * other_protocols().size());
    stop();
  }
}

TEST_F(FeedServerTest, LaterBytesOfAnotherProtocolAreLines) {
  start();
  const std::string answers = answers_to(declaration(1) + "\nGET / HTTP/1.1\n" + declaration(2) + "\n");
  EXPECT_TRUE(answers.starts_with(clear(1) + "\n{\"id\":null,\"line\":2,\"verdict\":\"error\"")) << answers;
  EXPECT_TRUE(answers.ends_with("\n" + clear(2) + "\n")) << answers;
}

TEST_F(FeedServerTest, ConnectionsAreServedByWhoeverIsFree) {
  start();
  std::vector<TcpClient> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(address());
  const auto lines = [&](std::size_t worker) { return counters_.feeds[1 + worker].lines.value(); };
  const std::string text = declarations(2'000);
  std::string expected;
  for (std::uint64_t i = 0; i < 2'000; ++i) expected += clear(i) + "\n";
  std::atomic<bool> is_enough = false;
  std::atomic<int> wrong = 0;
  {
    const auto send = [&](const TcpClient& client) {
      while (!is_enough && wrong == 0) wrong += static_cast<int>(!are_answered(client.fd(), text, expected));
    };
    const std::jthread first([&] { send(clients[0]); });
    const std::jthread second([&] { send(clients[2]); });
    EXPECT_TRUE(eventually([&] { return lines(0) >= 10'000 && lines(1) >= 10'000; }));
    // Those that send little are served in between.
    for (const std::size_t i : {1, 3}) {
      EXPECT_TRUE(clients[i].send(declaration(0) + "\n"));
      EXPECT_EQ(clients[i].read_line(), clear(0));
    }
    is_enough = true;
  }
  EXPECT_EQ(wrong, 0);
  stop();
  for (TcpClient& client : clients) EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(sum(&ConnectionCounters::opened), 4U);
  EXPECT_EQ(sum(&ConnectionCounters::closed), 4U);
}

TEST_F(FeedServerTest, WhoTakesNoAnswersIsNotReadAndEndsInTime) {
  config_.limits.write_stall_timeout = milliseconds(500);
  start();
  TcpClient stalled(address(), 4'096);
  const std::string text = declarations(2'000);
  const std::size_t taken = stuff(stalled, text);
  EXPECT_LT(taken, std::size_t{64} << 20);
  EXPECT_LT(counters_.unanswered_bytes.load(), std::size_t{1} << 20);
  // Others are served meanwhile.
  EXPECT_EQ(answers_to(declaration(1) + "\n"), clear(1) + "\n");
  ASSERT_TRUE(eventually([&] { return hits(LimitHit::kWriteStallTimeout) == 1; }));
  ASSERT_TRUE(eventually([&] { return sum(&ConnectionCounters::closed) == 2; }));
  EXPECT_EQ(counters_.unanswered_bytes.load(), 0U);
}

TEST_F(FeedServerTest, ASlowReaderGetsEveryAnswer) {
  start();
  TcpClient slow(address(), 4'096);
  const std::string text = declarations(2'000);
  const std::size_t taken = stuff_until_held(slow, text);
  const std::uint64_t whole = lines_stuffed(text, taken);
  // Also of lines that came long before, while nothing more comes.
  for (std::uint64_t i = 0; i < whole; ++i) ASSERT_EQ(slow.read_line(), clear(i % 2'000)) << i;
  slow.half_close();
  const std::string last = slow.read_all();
  EXPECT_EQ(std::count(last.begin(), last.end(), '\n'),
            taken % text.size() == 0 || text[taken % text.size() - 1] == '\n' ? 0 : 1);
}

TEST_F(FeedServerTest, WhoTakesAnswersSlowlyIsNotTakenForOneWhoTakesNone) {
  config_.limits.write_stall_timeout = 2 * kLongPause;
  start();
  TcpClient slow(address(), 4'096);
  const std::string text = declarations(2'000);
  const std::size_t taken = stuff_until_held(slow, text);
  // So little that the system sees no room for more to send, for longer than the timeout.
  const auto until = std::chrono::steady_clock::now() + 2 * config_.limits.write_stall_timeout;
  std::uint64_t answered = 0;
  while (std::chrono::steady_clock::now() < until) {
    for (int i = 0; i < 100; ++i, ++answered) ASSERT_EQ(slow.read_line(), clear(answered % 2'000)) << answered;
    std::this_thread::sleep_for(milliseconds(100));
  }
  EXPECT_EQ(hits(LimitHit::kWriteStallTimeout), 0U);
  EXPECT_LT(answered, lines_stuffed(text, taken));
}

TEST_F(FeedServerTest, UnansweredLinesAreJudgedAFewAtATime) {
  config_.limits.unanswered_lines = 10;
  start();
  std::string expected;
  for (std::uint64_t i = 0; i < 500; ++i) expected += clear(i) + "\n";
  EXPECT_EQ(answers_to(declarations(500)), expected);
  config_.limits.unanswered_lines = 1;
  start();
  EXPECT_EQ(answers_to(declarations(500)), expected);
}

TEST_F(FeedServerTest, UnansweredBytesOfAllAreBoundedAndWhoReadsIsServed) {
  config_.limits.unanswered_bytes_total = std::size_t{1} << 20;
  start();
  std::vector<TcpClient> stalled;
  const std::string text = declarations(2'000);
  for (int i = 0; i < 12; ++i) {
    stalled.emplace_back(address(), 4'096);
    stuff(stalled.back(), text);
  }
  EXPECT_LT(counters_.unanswered_bytes.load(), (std::size_t{1} << 20) + 2 * (std::size_t{64} << 10));
  EXPECT_EQ(answers_to(declarations(300)), [] {
    std::string expected;
    for (std::uint64_t i = 0; i < 300; ++i) expected += clear(i) + "\n";
    return expected;
  }());
  for (TcpClient& client : stalled) client.reset();
  ASSERT_TRUE(eventually([&] { return counters_.unanswered_bytes.load() == 0; }));
}

TEST_F(FeedServerTest, PiecesOfLinesDoNotKeepOthersFromBeingServed) {
  config_.limits.write_stall_timeout = milliseconds(200);
  std::vector<TcpClient> without_end;
  ASSERT_NO_FATAL_FAILURE(fill_with_pieces(without_end));
  EXPECT_EQ(answers_to(declaration(1) + "\n"), clear(1) + "\n");
}

TEST_F(FeedServerTest, WhoIsNotReadForWantOfRoomIsNotIdle) {
  config_.limits.idle_timeout = kLongPause;
  config_.limits.write_stall_timeout = 2 * kLongPause;
  std::vector<TcpClient> without_end;
  ASSERT_NO_FATAL_FAILURE(fill_with_pieces(without_end));
  for (TcpClient& client : without_end) ASSERT_TRUE(client.send("x"));  // they are not read any more, either
  TcpClient waiting(address());
  ASSERT_TRUE(waiting.send(declaration(1) + "\n"));
  EXPECT_EQ(waiting.read_line(), clear(1));  // once the pieces have ended, and no word of idleness before
}

TEST_F(FeedServerTest, PeersThatVanishLeaveNothingBehind) {
  start();
  EXPECT_EQ(answers_to(declaration(1) + "\n"), clear(1) + "\n");
  ASSERT_TRUE(eventually([&] { return sum(&ConnectionCounters::closed) == 1; }));
  const std::size_t before = open_descriptors();
  constexpr std::uint64_t kPeers = CLEARLINE_SANITIZED != 0 ? 300 : 2'000;
  const std::string text = declarations(50);
  for (std::uint64_t i = 0; i < kPeers; ++i) {
    TcpClient client(address());
    ASSERT_TRUE(client.ok());
    client.send_some(std::string_view(text).substr(0, i % text.size()));
    if (i % 3 == 0) client.read_line(milliseconds(1));
    if (i % 7 == 0) {
      client.close();
    } else {
      client.reset();
    }
  }
  // Connections are accepted in their order: whoever is answered now has all others before it. Without that the server
  // may have closed all that it has accepted while more of them wait.
  EXPECT_EQ(answers_to(declaration(2) + "\n"), clear(2) + "\n");
  EXPECT_TRUE(eventually([&] { return sum(&ConnectionCounters::opened) == sum(&ConnectionCounters::closed); }));
  EXPECT_TRUE(eventually([&] { return open_descriptors() == before; })) << open_descriptors() << " and not " << before;
  EXPECT_EQ(counters_.unanswered_bytes.load(), 0U);
}

TEST_F(FeedServerTest, AStopAnswersWhatWasReceived) {
  start();
  TcpClient idle(address());
  TcpClient busy(address());
  ASSERT_TRUE(busy.send(declarations(3'000)));
  EXPECT_EQ(busy.read_line(), clear(0));
  std::jthread stopping([&] { stop(); });
  for (std::uint64_t i = 1; i < 3'000; ++i) ASSERT_EQ(busy.read_line(), clear(i));
  EXPECT_EQ(busy.read_line(), std::nullopt);
  EXPECT_EQ(idle.read_all(), "");
}

TEST_F(FeedServerTest, AStopAnswersWhoHasConnectedInItsLastMoment) {
  for (int i = 0; i < 3; ++i) {
    start();
    std::vector<TcpClient> clients;
    for (int k = 0; k < 100; ++k) {
      clients.emplace_back(address());
      ASSERT_TRUE(clients.back().send(declaration(1) + "\n"));
    }
    const auto begin = std::chrono::steady_clock::now();
    stop();
    // Their peers send no more and do not end: whoever is not drained is waited for to the deadline.
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
    for (TcpClient& client : clients) ASSERT_EQ(client.read_all(), clear(1) + "\n") << i;
  }
}

TEST_F(FeedServerTest, AStopAnswersALastLineWithoutAnEnd) {
  for (int i = 0; i < 50; ++i) {
    start();
    TcpClient client(address());
    ASSERT_TRUE(client.send(declaration(1) + "\n"));
    ASSERT_EQ(client.read_line(), clear(1));
    ASSERT_TRUE(client.send(declaration(2)));
    client.half_close();
    stop();
    ASSERT_EQ(client.read_all(), clear(2) + "\n") << i;
  }
}

TEST_F(FeedServerTest, AnswersOnTheirWayOutliveAStopWhateverIsStillSent) {
  start();
  constexpr std::uint64_t kCount = 3'000;
  TcpClient late(address(), 4'096);
  ASSERT_TRUE(late.send(declarations(kCount)));
  const auto answered = [&] {
    std::uint64_t lines = 0;
    for (const FeedCounters& counters : counters_.feeds) lines += counters.lines.value();
    return lines;
  };
  ASSERT_TRUE(eventually([&] { return answered() == kCount; }));  // the system has them all
  std::jthread stopping([&] { stop(); });
  std::this_thread::sleep_for(milliseconds(1'800));  // longer than it lingers for a peer that has all its answers
  late.send_some("{}\n");
  std::this_thread::sleep_for(milliseconds(50));
  const std::string answers = late.read_all();
  EXPECT_EQ(static_cast<std::uint64_t>(std::count(answers.begin(), answers.end(), '\n')), kCount);
}

TEST_F(FeedServerTest, AStopDoesNotWaitForPeersThatNeverRead) {
  start();
  TcpClient stalled(address(), 4'096);
  stuff(stalled, declarations(2'000));
  const auto begin = std::chrono::steady_clock::now();
  stop(milliseconds(300));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(FeedServerTest, ListenersForOthersThanThisMachineAreRefused) {
  for (const std::string address :
       {"0.0.0.0:0", "[::]:0", "192.0.2.1:7400", "nonsense", "127.0.0.1:70000", "127.0.0.1"}) {
    config_.feed_listen = {address};
    const auto server = FeedServer::open(config_, registry_, serving(), counters_, log_);
    ASSERT_FALSE(server.ok()) << address;
    EXPECT_EQ(server.status().kind(), StatusKind::kConfig);
  }
}

TEST_F(FeedServerTest, OutOfDescriptorsItAcceptsAgainWhenThereAreSome) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  start();
  EXPECT_EQ(answers_to(declaration(1) + "\n"), clear(1) + "\n");
  TcpClient waiting(address());  // has a descriptor on both sides
  ASSERT_TRUE(waiting.send(declaration(1) + "\n"));
  ASSERT_EQ(waiting.read_line(), clear(1));
  // No descriptor with a higher number than there are now: this process is server and peer, so the peer's comes first.
  const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(peer) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address().substr(address().rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(peer, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  EXPECT_TRUE(eventually([&] { return hits(LimitHit::kDescriptors) != 0; }));
  ASSERT_TRUE(waiting.send(declaration(2) + "\n"));
  EXPECT_EQ(waiting.read_line(), clear(2));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  const std::string line = declaration(3) + "\n";
  ASSERT_EQ(send(peer, line.data(), line.size(), 0), static_cast<ssize_t>(line.size()));
  std::array<char, 100> answer{};
  ASSERT_GT(recv(peer, answer.data(), answer.size(), 0), 0);
  EXPECT_EQ(std::string(answer.data()), clear(3) + "\n");
  ::close(peer);
}

}  // namespace
}  // namespace clearline::test
