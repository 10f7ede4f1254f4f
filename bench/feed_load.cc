// The load of a feed: sends a file of declarations again and again, and prints what came back as one line of KEY=VALUE.
//
//   feed_load FILE --to HOST:PORT [--check EXPECTED.csv] [--seconds 5] ...
//
//   --check FILE       first each declaration once: one verdict each, in order, as the rows `id,verdict,reasons` of FILE say
//   --seconds N        measured, behind a second of warming up; 0: only the check
//   --connections N    16
//   --in-flight N      closed loop: unanswered declarations a connection, 1024; 1 is question and answer in turn
//   --rate N           open loop: declarations a second, whatever the server does
//   --at-once N        open loop: of those due at a tick, so many go to one connection, 128
//   --threads N        1
//   --protocol redis   each declaration is one GET of its code instead
//   --load             redis: first a SET of each code, with the name and the zip of its declaration, and each GET's answer checked
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "bench/hiccup_meter.h"
#include "bench/load.h"
#include "bench/made_up.h"
#include "io/formats/json_object.h"

namespace clearline::bench {
namespace {

struct Options {
  std::string file;
  LoadPlan plan;
  std::string expected;
  bool is_redis = false;
  bool loads = false;
};

[[noreturn]] void wrong_use(const std::string& what) {
  std::fprintf(stderr, "feed_load: %s; usage: feed_load FILE --to HOST:PORT ... (see the head of bench/feed_load.cc)\n",
               what.c_str());
  std::exit(2);  // NOLINT(concurrency-mt-unsafe): one thread
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--load") {
      options.loads = true;
      continue;
    }
    if (!word.starts_with("--")) {
      options.file = word;
      continue;
    }
    if (++i == argc) wrong_use(word + " needs a value");
    const std::string value = argv[i];
    const double number = std::strtod(value.c_str(), nullptr);
    if (word == "--to") {
      options.plan.address = value;
    } else if (word == "--check") {
      options.expected = value;
    } else if (word == "--seconds") {
      options.plan.measured = std::chrono::nanoseconds(static_cast<std::int64_t>(number * 1e9));
    } else if (word == "--connections") {
      options.plan.connections = static_cast<int>(number);
    } else if (word == "--in-flight") {
      options.plan.in_flight = static_cast<std::uint64_t>(number);
    } else if (word == "--rate") {
      options.plan.per_second = number;
    } else if (word == "--at-once") {
      options.plan.at_once = static_cast<std::uint64_t>(number);
    } else if (word == "--threads") {
      options.plan.threads = static_cast<int>(number);
    } else if (word == "--protocol") {
      options.is_redis = value == "redis";
    } else {
      wrong_use("unknown option " + word);
    }
  }
  if (options.file.empty() || options.plan.address.empty()) wrong_use("FILE and --to are needed");
  return options;
}

template <typename Use>
void for_each_line(std::string_view text, const Use& use) {
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    use(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
}

bool take(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

/// Whether an answer is the one that a row `id,verdict,reasons` expects.
bool is_as_expected(std::string_view answer, std::string_view row) {
  const std::size_t verdict_at = row.find(',') + 1;
  const std::size_t reasons_at = row.find(',', verdict_at) + 1;
  const std::string_view id = row.substr(0, verdict_at - 1);
  const std::string_view verdict = row.substr(verdict_at, reasons_at - 1 - verdict_at);
  std::string_view reasons = row.substr(reasons_at);
  if (!take(answer, "{\"id\":")) return false;
  if (id.empty()) {
    if (!take(answer, "null,\"line\":")) return false;
    answer.remove_prefix(std::min(answer.find_first_not_of("0123456789"), answer.size()));
  } else if (!take(answer, "\"") || !take(answer, id) || !take(answer, "\"")) {
    return false;
  }
  if (!take(answer, ",\"verdict\":\"") || !take(answer, verdict) || !take(answer, "\"")) return false;
  if (!reasons.empty()) {
    if (!take(answer, ",\"reasons\":[")) return false;
    for (bool is_first = true; !reasons.empty(); is_first = false) {
      const std::string_view reason = reasons.substr(0, reasons.find(';'));
      if (!is_first && !take(answer, ",")) return false;
      if (!take(answer, "\"") || !take(answer, reason) || !take(answer, "\"")) return false;
      reasons.remove_prefix(std::min(reason.size() + 1, reasons.size()));
    }
    if (!take(answer, "]")) return false;
  }
  return answer == "}" || answer.starts_with(",\"detail\":");
}

void check_verdicts(const Requests& declarations, const Options& options) {
  const std::string answers = ask_once(declarations, options.plan.address, options.plan.connections);
  std::ifstream expected(options.expected);
  require(expected.good(), "reading the expected verdicts");
  std::string row;
  std::getline(expected, row);  // the header
  std::size_t wrong = 0;
  std::size_t answered = 0;
  for_each_line(answers, [&](std::string_view line) {
    line.remove_suffix(1);
    ++answered;
    if (std::getline(expected, row) && is_as_expected(line, row)) return;
    if (wrong++ == 0)
      std::fprintf(stderr, "expected: %s\nanswered: %.*s\n", row.c_str(), static_cast<int>(line.size()), line.data());
  });
  require(wrong == 0 && answered == declarations.size() && !std::getline(expected, row), "verdicts on the feed");
}

/// What Redis holds of a code: the name and the zip it was declared with.
struct Key {
  std::string code;
  std::string value;
};
Key key_of(std::string_view line) {
  static JsonObject object;
  Key key{"none", ""};
  if (object.parse(line.substr(0, line.size() - 1))) return key;
  for (const auto& member : object.members()) {
    if (member.kind != JsonObject::Kind::kString) continue;
    if (member.key == "code" && !member.text.empty()) key.code = member.text;
    if (member.key == "name" || member.key == "zip") key.value += member.text + ";";
  }
  return key;
}

std::string bulk(std::string_view text) {
  std::string coded(1, '$');
  return coded.append(std::to_string(text.size())).append("\r\n").append(text).append("\r\n");
}

Requests gets_of(const Requests& declarations) {
  Requests gets;
  gets.line_ends_of_an_answer = 2;  // of a code that is there; every one is
  for (std::size_t i = 0; i < declarations.size(); ++i) {
    gets.add("*2\r\n$3\r\nGET\r\n" + bulk(key_of(declarations.at(i)).code));
  }
  return gets;
}

void load_redis(const Requests& declarations, const Requests& gets, const Options& options) {
  std::map<std::string, std::string> values;
  for (std::size_t i = 0; i < declarations.size(); ++i) {
    const Key key = key_of(declarations.at(i));
    values.emplace(key.code, key.value);
  }
  Requests sets;
  for (const auto& [code, value] : values) sets.add("*3\r\n$3\r\nSET\r\n" + bulk(code) + bulk(value));
  std::size_t stored = 0;
  for_each_line(ask_once(sets, options.plan.address, 1), [&](std::string_view line) { stored += line == "+OK\r\n"; });
  require(stored == sets.size(), "storing in Redis");
  std::string expected;
  for (std::size_t i = 0; i < declarations.size(); ++i) expected += bulk(values[key_of(declarations.at(i)).code]);
  require(ask_once(gets, options.plan.address, options.plan.connections) == expected, "values of Redis");
  std::printf("keys=%zu\n", values.size());
}

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double us(std::chrono::nanoseconds value) { return std::chrono::duration<double, std::micro>(value).count(); }

void measure(const Requests& requests, const LoadPlan& plan) {
  const HiccupMeter hiccups;
  const double processor = processor_seconds();
  LoadResult result;
  run_load(requests, plan, result);
  const double share =
      (processor_seconds() - processor) / std::chrono::duration<double>(plan.warm_up + plan.measured).count();
  std::printf("per_second=%.0f bytes_in_per_second=%.0f p50_us=%.1f p90_us=%.1f p99_us=%.1f p999_us=%.1f max_us=%.1f",
              static_cast<double>(result.answered) / result.seconds,
              static_cast<double>(result.bytes_in) / result.seconds, us(result.latencies.percentile(0.5)),
              us(result.latencies.percentile(0.9)), us(result.latencies.percentile(0.99)),
              us(result.latencies.percentile(0.999)), us(result.latencies.longest()));
  if (plan.per_second > 0) {
    std::printf(" late_p50_us=%.1f late_p99_us=%.1f late_max_us=%.1f", us(result.lateness.percentile(0.5)),
                us(result.lateness.percentile(0.99)), us(result.lateness.longest()));
  }
  std::printf(" hiccup_p50_us=%.1f hiccup_p99_us=%.1f hiccup_max_us=%.1f client_processors=%.2f\n",
              us(hiccups.lateness().percentile(0.5)), us(hiccups.lateness().percentile(0.99)),
              us(hiccups.lateness().longest()), share);
}

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  using namespace clearline::bench;
  const Options options = read_options(argc, argv);
  Requests requests = read_requests(options.file);
  if (!options.expected.empty()) check_verdicts(requests, options);
  if (options.is_redis) {
    Requests gets = gets_of(requests);
    if (options.loads) load_redis(requests, gets, options);
    requests = std::move(gets);
  }
  if (options.plan.measured.count() > 0) measure(requests, options.plan);
  return 0;
}
