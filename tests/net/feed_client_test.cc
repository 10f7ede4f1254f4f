#include "io/net/feed_client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "io/net/feed_answers.h"
#include "io/net/feed_window.h"
#include "tests/support/fake_feed.h"
#include "tests/support/screening.h"

namespace clearline::test {
namespace {

using std::chrono::milliseconds;

struct FeedRunResult {
  Status status;
  std::string verdicts;
  std::unique_ptr<FeedReport> report = std::make_unique<FeedReport>();
};

void feed(const std::string& text, const std::string& address, FeedRunResult& result, FeedRequest request = {}) {
  request.to = *parse_peer_address(address);
  InputOptions options;
  options.format = Format::kNdjson;
  auto input = BlockReader::open(text_source(text), options, kFeedBlockBytes);
  ASSERT_TRUE(input.ok());
  result.status = run_feed(
      request, std::move(*input),
      [&](std::string_view lines) {
        result.verdicts += lines;
        return Status();
      },
      [](const FeedReport&) {}, *result.report);
}

/// A text goes through, whatever each connection has to suffer.
void expect_all_answered(const std::string& text, const std::function<Nastiness(int)>& nastiness,
                         const FeedRequest& request = {}) {
  FakeFeed server(nastiness);
  FeedRunResult result;
  feed(text, server.address(), result, request);
  ASSERT_TRUE(result.status.ok()) << result.status.message();
  EXPECT_TRUE(result.verdicts == FakeFeed::answers(text));
  EXPECT_EQ(result.report->declarations, std::count(result.verdicts.begin(), result.verdicts.end(), '\n'));
  EXPECT_EQ(result.report->latency.count(), result.report->declarations);
  EXPECT_EQ(result.report->reconnects, server.connections() - 1);
}

/// What a run says whose first connections have to suffer that, and all later ones nothing.
FeedRunResult fed_to(Nastiness nastiness, FeedRequest request = {}, const std::string& text = fake_declarations(1000)) {
  FakeFeed server([&](int connection) { return connection == 0 ? nastiness : Nastiness(); });
  FeedRunResult result;
  feed(text, server.address(), result, request);
  return result;
}

Nastiness ends_after(std::uint64_t answers) {
  Nastiness nastiness;
  nastiness.answers = answers;
  return nastiness;
}

TEST(FeedClient, AnswersComeInOrderWithTheLinesOfTheInput) {
  expect_all_answered(fake_declarations(200'000), [](int) { return Nastiness(); });
}

TEST(FeedClient, AnEmptyInputIsDone) {
  for (const char* text : {"", "\n", " \r\n\t\n"}) expect_all_answered(text, [](int) { return Nastiness(); });
}

TEST(FeedClient, ALastLineNeedsNoEnd) {
  std::string text = fake_declarations(5);
  text.pop_back();
  expect_all_answered(text, [](int) { return Nastiness(); });
}

TEST(FeedClient, AFirstLineThatLooksLikeAHelloIsADeclaration) {
  expect_all_answered("{\"hello\":{}}\n" + fake_declarations(5), [](int) { return Nastiness(); });
}

TEST(FeedClient, GoesOnBehindTheLastAnswerWhereverAConnectionEnds) {
  const std::string text = fake_declarations(400);
  for (const bool cuts : {false, true}) {
    for (const bool resets : {false, true}) {
      for (const std::uint64_t answers : {1, 2, 13, 50}) {
        expect_all_answered(
            text,
            [&](int) {
              Nastiness nastiness = ends_after(answers);
              nastiness.cuts_a_line = cuts;
              nastiness.resets = resets;
              return nastiness;
            },
            [] {
              FeedRequest request;
              request.retry_for = milliseconds(600'000);
              request.retry_first = milliseconds(1);
              return request;
            }());
        if (answers == 1) break;
      }
    }
  }
}

TEST(FeedClient, GoesOnBehindAServerThatStopsAndSaysSo) {
  expect_all_answered(fake_declarations(100'000), [](int connection) {
    Nastiness nastiness = ends_after(connection < 3 ? 20'011 : UINT64_MAX);
    if (connection < 3) nastiness.last_line = "{\"closing\":{\"error\":\"idle_timeout\",\"detail\":\"x\"}}\n";
    return nastiness;
  });
}

TEST(FeedClient, AClosingLineBehindTheLastAnswerIsNoMatter) {
  expect_all_answered(fake_declarations(10), [](int) {
    Nastiness nastiness;
    nastiness.last_line = "{\"closing\":{\"error\":\"stopping\",\"detail\":\"x\"}}\n";
    return nastiness;
  });
}

TEST(FeedClient, AServerThatReadsNothingUntilItsAnswersAreReadStopsNothing) {
  expect_all_answered(fake_declarations(100'000), [](int) {
    Nastiness nastiness;
    nastiness.socket_bytes = 65'536;
    nastiness.read_bytes = 1 << 20;
    nastiness.read_nothing = milliseconds(200);
    return nastiness;
  });
}

TEST(FeedClient, AnswersMayComeByteByByte) {
  expect_all_answered(fake_declarations(300), [](int) {
    Nastiness nastiness;
    nastiness.byte_by_byte = true;
    return nastiness;
  });
}

TEST(FeedClient, AWindowOfOneLineIsEnough) {
  FeedRequest request;
  request.window_lines = 1;
  expect_all_answered(fake_declarations(300), [](int) { return Nastiness(); }, request);
  request.window_lines = 1'000;
  request.window_bytes = 10;
  expect_all_answered(fake_declarations(300), [](int) { return Nastiness(); }, request);
}

TEST(FeedClient, LongLinesPass) {
  std::string text;
  for (int i = 0; i < 30; ++i) {
    text += R"({"id":"L)" + std::to_string(i) + R"(","note":")" + std::string(200'000, 'x') + "\"}\n";
    text += fake_declarations(5);
  }
  FeedRequest request;
  request.window_bytes = 300'000;
  expect_all_answered(text, [](int connection) { return ends_after(connection == 0 ? 31 : UINT64_MAX); }, request);
}

TEST(FeedClient, ARefusedHelloEndsTheRunAtOnce) {
  Nastiness nastiness;
  nastiness.hello_answer = "{\"hello\":{\"ok\":false,\"error\":\"denied\",\"detail\":\"secret\"}}\n";
  const auto result = fed_to(nastiness);
  EXPECT_EQ(result.status.kind(), StatusKind::kPeer);
  EXPECT_NE(result.status.message().find(": error: the server refused the feed: denied; "), std::string::npos)
      << result.status.message();
  EXPECT_EQ(result.status.message().find("secret"), std::string::npos) << "what a peer says is not repeated";
}

TEST(FeedClient, APeerThatIsNoFeedGetsNoDeclaration) {
  for (const char* line : {"HTTP/1.1 400 Bad Request\r\n", "{\"id\":\"D1\",\"verdict\":\"clear\"}\n", "\n"}) {
    FakeFeed server([&](int) {
      Nastiness nastiness;
      nastiness.hello_answer = line;
      return nastiness;
    });
    FeedRunResult result;
    feed(fake_declarations(10), server.address(), result);
    EXPECT_EQ(result.status.kind(), StatusKind::kPeer) << line;
    EXPECT_EQ(server.answered(), 0U);
    EXPECT_EQ(server.connections(), 1);
  }
}

TEST(FeedClient, AConnectionThatIsNotTakenIsMadeAgain) {
  expect_all_answered(fake_declarations(10), [](int connection) {
    Nastiness nastiness;
    if (connection == 0) nastiness.closes_at_once = true;
    if (connection == 1) nastiness.hello_answer = "{\"closing\":{\"error\":\"connections\",\"detail\":\"x\"}}\n";
    return nastiness;
  });
}

TEST(FeedClient, AnAnswerTooManyEndsTheRun) {
  Nastiness nastiness;
  nastiness.last_line = "{\"id\":\"D1\",\"verdict\":\"clear\"}\n";
  const auto result = fed_to(nastiness, {}, fake_declarations(3));
  EXPECT_EQ(result.status.kind(), StatusKind::kPeer);
  EXPECT_NE(result.status.message().find("answer 4 has no declaration that waits for it"), std::string::npos)
      << result.status.message();
}

TEST(FeedClient, ALineThatIsNoVerdictEndsTheRunWithItsPlace) {
  for (const char* line :
       {"hello\n", "{\"id\":\"D1\"}\n", "{\"id\":\"D1\",\"verdict\":\"perhaps\"}\n", "\n",
        "{\"id\":null,\"line\":1,\"verdict\":\"error\"}\n", "{\"id\":null,\"line\":99999,\"verdict\":\"error\"}\n",
        "{\"id\":null,\"verdict\":\"error\"}\n", "{\"hello\":{\"ok\":true,\"role\":\"feed\"}}\n"}) {
    Nastiness nastiness = ends_after(2);
    nastiness.last_line = line;
    const auto result = fed_to(nastiness);
    EXPECT_EQ(result.status.kind(), StatusKind::kPeer) << line;
    EXPECT_NE(result.status.message().find("answer 3 "), std::string::npos) << result.status.message();
  }
}

TEST(FeedClient, AnAnswerWithoutAnEndIsNotWaitedForForEver) {
  Nastiness nastiness = ends_after(2);
  nastiness.last_line = std::string(100'000, 'x');
  const auto result = fed_to(nastiness);
  EXPECT_NE(result.status.message().find("answer 3 has no end"), std::string::npos) << result.status.message();
}

TEST(FeedClient, APeerThatIsNotThereIsToldAtOnce) {
  std::string address;
  {
    address = FakeFeed().address();
  }
  FeedRunResult result;
  feed(fake_declarations(10), address, result);
  EXPECT_EQ(result.status.kind(), StatusKind::kPeer);
  EXPECT_EQ(result.status.message(),
            address + ": error: cannot connect: Connection refused; check the address, and that the server runs");
}

TEST(FeedClient, APeerThatStaysAwayEndsTheRunAfterAWhile) {
  FakeFeed server([](int connection) {
    Nastiness nastiness = ends_after(connection == 0 ? 5 : 0);
    nastiness.closes_at_once = connection != 0;
    return nastiness;
  });
  FeedRunResult result;
  FeedRequest request;
  request.retry_for = milliseconds(800);
  const auto start = std::chrono::steady_clock::now();
  feed(fake_declarations(100), server.address(), result, request);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(result.status.kind(), StatusKind::kPeer);
  EXPECT_NE(result.status.message().find("was lost behind 5 answers"), std::string::npos) << result.status.message();
  EXPECT_GE(took, milliseconds(600));
  // At 0, 100, 300 and 700 ms; fewer where a busy machine was late.
  EXPECT_GE(server.connections(), 2);
  EXPECT_LE(server.connections(), 4);
}

TEST(FeedClient, WhyTheServerClosedIsTold) {
  FakeFeed server([](int) {
    Nastiness nastiness = ends_after(0);
    nastiness.last_line = "{\"closing\":{\"error\":\"connections_per_address\",\"detail\":\"x\"}}\n";
    return nastiness;
  });
  FeedRunResult result;
  FeedRequest request;
  request.retry_for = milliseconds(100);
  feed(fake_declarations(10), server.address(), result, request);
  EXPECT_EQ(result.status.kind(), StatusKind::kPeer);
  EXPECT_NE(result.status.message().find("the server closed: connections_per_address"), std::string::npos)
      << result.status.message();
}

TEST(FeedClient, ASilentPeerCountsAsLost) {
  FeedRequest request;
  request.answer_timeout = milliseconds(1'000);
  Nastiness nastiness = ends_after(5);
  nastiness.stays_silent = true;
  const std::string text = fake_declarations(1000);
  const auto start = std::chrono::steady_clock::now();
  const auto result = fed_to(nastiness, request, text);
  ASSERT_TRUE(result.status.ok()) << result.status.message();
  EXPECT_TRUE(result.verdicts == FakeFeed::answers(text));
  EXPECT_EQ(result.report->reconnects, 1U);
  EXPECT_GE(std::chrono::steady_clock::now() - start, request.answer_timeout);
}

/// Accepts connections, and says nothing: a server that is stopped, or another one. May say something without an end.
class SilentPeer {
 public:
  explicit SilentPeer(bool trickles = false) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&here), size), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(here.sin_port));
    if (!trickles) return;
    thread_ = std::jthread([this](const std::stop_token& stop) {
      const int peer = accept(fd_, nullptr, nullptr);
      while (!stop.stop_requested() && ::send(peer, "x", 1, MSG_NOSIGNAL) == 1) {
        std::this_thread::sleep_for(milliseconds(5));
      }
      close(peer);
    });
  }
  SilentPeer(const SilentPeer&) = delete;
  SilentPeer& operator=(const SilentPeer&) = delete;
  ~SilentPeer() {
    shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    close(fd_);
  }
  const std::string& address() const { return address_; }

 private:
  int fd_;
  std::string address_;
  std::jthread thread_;
};

TEST(FeedClient, APeerThatAnswersNoHelloEndsTheRun) {
  for (const bool trickles : {false, true}) {
    const SilentPeer peer(trickles);
    FeedRequest request;
    request.hello_timeout = milliseconds(100);
    request.retry_for = std::chrono::hours(1);
    FeedRunResult result;
    feed(fake_declarations(10), peer.address(), result, request);
    EXPECT_EQ(result.status.kind(), StatusKind::kPeer);
    EXPECT_NE(result.status.message().find("the hello was not answered for 100ms"), std::string::npos)
        << result.status.message();
    EXPECT_EQ(result.verdicts, "");
  }
}

TEST(FeedClient, APeerThatTakesAllAndAnswersNothingIsSilent) {
  // It reads on, so that bytes go for as long as there are some.
  Nastiness nastiness = ends_after(0);
  nastiness.stays_silent = true;
  nastiness.reads_on = true;
  FakeFeed server([&](int) { return nastiness; });
  FeedRequest request;
  request.answer_timeout = milliseconds(300);
  request.retry_for = milliseconds(1);
  request.rate = 50;
  FeedRunResult result;
  feed(fake_declarations(10'000), server.address(), result, request);  // three minutes of it
  EXPECT_EQ(result.status.kind(), StatusKind::kPeer);
  EXPECT_NE(result.status.message().find("the server is silent"), std::string::npos) << result.status.message();
}

TEST(FeedClient, APeerThatNeverClosesIsLeftOnceAllIsAnswered) {
  const std::string text = fake_declarations(100);
  const std::string answers = FakeFeed::answers(text);
  Nastiness nastiness = ends_after(static_cast<std::uint64_t>(std::count(answers.begin(), answers.end(), '\n')));
  nastiness.stays_silent = true;
  const auto result = fed_to(nastiness, {}, text);
  EXPECT_TRUE(result.status.ok()) << result.status.message();
  EXPECT_TRUE(result.verdicts == answers);
  EXPECT_EQ(result.report->reconnects, 0U);
}

TEST(FeedClient, TheTokenGoesWithTheHello) {
  FakeFeed server;
  FeedRunResult result;
  FeedRequest request;
  request.token = "a\"b\\c";
  feed(fake_declarations(1), server.address(), result, request);
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(server.hello(), R"({"hello":{"token":"a\"b\\c"}})");
}

TEST(FeedClient, AFailedWriteEndsTheRun) {
  FakeFeed server;
  FeedRequest request;
  request.to = *parse_peer_address(server.address());
  InputOptions options;
  options.format = Format::kNdjson;
  auto input = BlockReader::open(text_source(fake_declarations(100)), options, kFeedBlockBytes);
  ASSERT_TRUE(input.ok());
  FeedReport report;
  const Status status = run_feed(
      request, std::move(*input), [](std::string_view) { return Status(StatusKind::kOutput, "full"); },
      [](const FeedReport&) {}, report);
  EXPECT_EQ(status.kind(), StatusKind::kOutput);
}

TEST(FeedClient, ARateIsKept) {
  FakeFeed server;
  FeedRunResult result;
  FeedRequest request;
  request.rate = 1'500;
  feed(fake_declarations(500), server.address(), result, request);
  ASSERT_TRUE(result.status.ok());
  EXPECT_TRUE(result.verdicts == FakeFeed::answers(fake_declarations(500)));
  EXPECT_GE(result.report->seconds, 0.3);  // 462 declarations
}

TEST(FeedClient, LatencyCountsTheWaitForASlowPeer) {
  // At 1,000 a second for 0.5 s, the peer answers nothing for the first 400 ms: whoever came first waited longest.
  FeedRequest request;
  request.rate = 1'000;
  request.window_lines = 10;
  Nastiness nastiness;
  nastiness.answer_pause = milliseconds(20);
  const std::string text = fake_declarations(300);
  const auto result = fed_to(nastiness, request, text);
  ASSERT_TRUE(result.status.ok());
  EXPECT_TRUE(result.verdicts == FakeFeed::answers(text));
  // 10 lines each 20 ms are half the rate: the last one waits for as long as all the schedule takes.
  EXPECT_GE(result.report->latency.longest(), milliseconds(200));
  EXPECT_GE(result.report->latency.percentile(0.5), milliseconds(80));
}

TEST(FeedAnswers, LinesOfTheConnectionBecomeLinesOfTheInput) {
  OutBuffer lines;
  const std::string_view text =
      "{\"id\":null,\"line\":2,\"verdict\":\"error\"}\n{\"id\":\"D\",\"verdict\":\"hold\"}\n"
      "{\"id\":null,\"line\":4,\"verdict\":\"error\"}\n{\"id\":\"cut o";
  const Answers answers = read_answers(text, {98, 120}, 10, lines);
  EXPECT_EQ(lines.text(),
            "{\"id\":null,\"line\":98,\"verdict\":\"error\"}\n{\"id\":\"D\",\"verdict\":\"hold\"}\n"
            "{\"id\":null,\"line\":100,\"verdict\":\"error\"}\n");
  EXPECT_EQ(answers.verdicts, 3U);
  EXPECT_EQ(answers.outcome, (std::array<std::uint64_t, kOutcomeCount>{0, 0, 1, 2}));
  EXPECT_EQ(text.substr(answers.bytes), "{\"id\":\"cut o");
}

TEST(FeedAnswers, ReasonsAndWhatIsWrongAreCounted) {
  OutBuffer lines;
  const Answers answers = read_answers(
      R"({"id":"A","verdict":"clear"}
{"id":"B","verdict":"hold","reasons":["code_suspended","zip_mismatch"]}
{"id":"C","verdict":"hold","reasons":["zip_mismatch"],"checks":{"code":"active"}}
{"id":"D","verdict":"error","reasons":["malformed"],"detail":"declared_at is too far from the time of receipt"}
{"id":null,"line":6,"verdict":"error","reasons":["malformed"],"detail":"column 57: string is not closed"}
{"id":null,"line":7,"verdict":"error","reasons":["malformed"],"detail":"column 3: string is not closed"}
{"id":"G","verdict":"error","reasons":["malformed"],"detail":"\u001b[2J"}
{"id":"H","verdict":"hold","reasons":["a word of a later version"]}
)",
      {1, 10}, 10, lines);
  EXPECT_EQ(answers.fault, "");
  const auto count = [&](Reason reason) { return answers.reason[static_cast<std::size_t>(reason)]; };
  EXPECT_EQ(count(Reason::kCodeSuspended), 1U);
  EXPECT_EQ(count(Reason::kZipMismatch), 2U);
  EXPECT_EQ(count(Reason::kMalformed), 4U);
  EXPECT_EQ(std::accumulate(answers.reason.begin(), answers.reason.end(), std::uint64_t{0}), 7U);
  // A peer's words that are not plain are not shown.
  EXPECT_EQ(answers.details,
            (ErrorDetails{{"declared_at is too far from the time of receipt", 1}, {"string is not closed", 2}}));
}

TEST(FeedAnswers, AnIdCannotPassForAVerdict) {
  OutBuffer lines;
  const Answers answers =
      read_answers("{\"id\":\"\\\",\\\"verdict\\\":\\\"clear\\\"}\",\"verdict\":\"hold\"}\n", {1, 1}, 1, lines);
  EXPECT_EQ(answers.outcome, (std::array<std::uint64_t, kOutcomeCount>{0, 0, 1, 0}));
}

TEST(FeedAnswers, WordsOfAPeerAreShownOnlyAsWords) {
  EXPECT_EQ(read_hello_answer(R"({"hello":{"ok":false,"error":"denied","detail":"x"}})").refused, "denied");
  EXPECT_EQ(read_hello_answer(R"({"hello":{"ok":false,"error":"HONG GILDONG"}})").refused, "no reason given");
  EXPECT_EQ(read_hello_answer(R"({"hello":{"ok":false,"error":"denied)").refused, "no reason given");
}

std::unique_ptr<Block> block_of(std::string_view text, std::uint64_t first_line) {
  auto block = std::make_unique<Block>(text.size());
  text.copy(block->data.get(), text.size());
  block->set_size(text.size());
  block->first_line = first_line;
  return block;
}

TEST(FeedWindow, ABlockIsFreeWhenAllOfItIsSentAndAnswered) {
  FeedWindow window(100, 1'000);
  LatencyHistogram latency;
  window.add(block_of("{1}\n{2}\n\n{3}\n", 1));
  EXPECT_TRUE(window.cut(2, {}));
  EXPECT_TRUE(window.cut(2, {}));
  EXPECT_FALSE(window.cut(2, {}));
  EXPECT_EQ(window.unsent(), "{1}\n{2}\n\n{3}\n");
  window.sent(9);
  EXPECT_EQ(window.answerable(), 3U) << "the second piece is begun";
  window.answered(2, {}, latency);
  EXPECT_EQ(window.take_free(), nullptr);
  window.sent(4);
  EXPECT_EQ(window.take_free(), nullptr);
  window.answered(1, {}, latency);
  EXPECT_NE(window.take_free(), nullptr);
  EXPECT_TRUE(window.is_empty());
}

TEST(FeedWindow, ResumesBehindTheLastAnswer) {
  FeedWindow window(100, 1'000);
  LatencyHistogram latency;
  window.add(block_of("{1}\n\n{2}\n{3}\n", 7));
  EXPECT_TRUE(window.cut(3, {}));
  window.sent(12);
  window.answered(1, {}, latency);
  window.resume();
  EXPECT_EQ(window.resume_line(), 8U);
  EXPECT_EQ(window.unsent(), "\n{2}\n{3}\n");
  EXPECT_EQ(window.answerable(), 0U);
  window.sent(8);
  window.answered(2, {}, latency);  // before the last byte was taken
  window.resume();
  EXPECT_TRUE(window.is_empty());
  EXPECT_EQ(window.resume_line(), 11U);
}

}  // namespace
}  // namespace clearline::test
