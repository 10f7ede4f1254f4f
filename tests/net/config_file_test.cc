#include "io/net/config_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <regex>
#include <string>

#include "io/net/clients.h"
#include "tests/support/files.h"

namespace clearline::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kRegistry = "[registry]\ndir = \"live\"\n";  // lines 1 and 2 of most texts
const std::string kSecret = "verysecret";
const std::string kHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // of `abc`

ServerConfig good(const std::string& text) {
  auto config = parse_config(text, "/etc/clearline/server.toml");
  EXPECT_TRUE(config.ok()) << text << config.status().message();
  return config.ok() ? *config : ServerConfig();
}

/// All faults of a text, without the name of the file.
std::string faults(const std::string& text) {
  const auto config = parse_config(text, "f.toml");
  EXPECT_FALSE(config.ok()) << text;
  if (config.ok()) return "";
  EXPECT_EQ(config.status().kind(), StatusKind::kConfig);
  EXPECT_EQ(config.status().message().find(kSecret), std::string::npos) << config.status().message();
  return std::regex_replace(config.status().message(), std::regex("(^|\n)f\\.toml:"), "$1");
}

/// Expects one fault, at a place like `3:10`, whose words start so.
void expect_fault(const std::string& text, const std::string& place, const std::string& words) {
  const std::string all = faults(text);
  EXPECT_TRUE(all.starts_with(place + ": error: " + words)) << text << "\n" << all;
  EXPECT_EQ(all.find('\n'), std::string::npos) << text << "\n" << all;
  EXPECT_NE(all.find_first_of(";:", place.size() + 9), std::string::npos) << "no mend: " << all;
}

std::string client(const std::string& keys) { return "[[client]]\nname = \"a\"\nrole = \"feed\"\n" + keys; }

TEST(ConfigFile, EveryKeyHasItsDefault) {
  const ServerConfig config = good(kRegistry);
  EXPECT_EQ(config.registry_dir, "/etc/clearline/live");
  EXPECT_EQ(config.registry_image, "");
  EXPECT_EQ(config.policy, "standard");
  EXPECT_EQ(config.feed_listen, std::vector<std::string>{"127.0.0.1:7400"});
  EXPECT_EQ(config.declared_at_window, std::chrono::days(7));
  EXPECT_EQ(config.declared_at_ahead, std::chrono::hours(1));
  EXPECT_EQ(config.columns, own_field_names());
  EXPECT_EQ(config.feed_threads, 0);
  EXPECT_EQ(config.changes_socket, "/run/clearline/changes.sock");
  EXPECT_TRUE(config.changes_socket_is_default);
  EXPECT_TRUE(config.changes_listen.empty());
  EXPECT_EQ(config.http_listen, std::vector<std::string>{"127.0.0.1:7480"});
  EXPECT_EQ(config.log_level, LogLevel::kInfo);
  EXPECT_TRUE(config.clients.empty());
  EXPECT_EQ(config.limits.line_bytes, 65'536U);
  EXPECT_EQ(config.limits.idle_timeout, std::chrono::minutes(10));
}

TEST(ConfigFile, EveryKeyIsTaken) {
  const ServerConfig config = good(R"(
[registry]
image = "/data/r.img"
[policy]
use = "standard"
[feed]
listen = ["127.0.0.2:1", "[::1]:65535", "localhost:0"]
declared_at_window = "36h"
declared_at_ahead = "0s"
columns = "code=pccc"
threads = 3
[changes]
socket = "c.sock"
[http]
listen = []
[log]
level = "debug"
[limits]
line_bytes = 1000
connections = 2
connections_per_address = 3
change_connections = 4
handshake_timeout = "500ms"
idle_timeout = "5s"
write_stall_timeout = "6s"
unanswered_lines = 7
unanswered_bytes = 8000
unanswered_bytes_total = 9000
unanswered_changes = 10
stop_timeout = "1m"
[[client]]
name = "a.b_c-9"
role = "operator"
uid = 0
[[client]]
name = "f"
role = "feed"
token_hash = "sha256:)" + kHash + R"("
explain = true
columns = "zip=z"
)");
  EXPECT_EQ(config.registry_image, "/data/r.img");
  EXPECT_EQ(config.registry_dir, "");
  EXPECT_EQ(config.feed_listen, (std::vector<std::string>{"127.0.0.2:1", "[::1]:65535", "localhost:0"}));
  EXPECT_EQ(config.declared_at_window, std::chrono::hours(36));
  EXPECT_EQ(config.declared_at_ahead, seconds(0));
  EXPECT_EQ(config.columns[1], "pccc");
  EXPECT_EQ(config.feed_threads, 3);
  EXPECT_EQ(config.changes_socket, "/etc/clearline/c.sock");
  EXPECT_FALSE(config.changes_socket_is_default);
  EXPECT_TRUE(config.http_listen.empty());
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
  const Limits& limits = config.limits;
  EXPECT_EQ(limits.line_bytes, 1000U);
  EXPECT_EQ(limits.connections, 2U);
  EXPECT_EQ(limits.connections_per_address, 3U);
  EXPECT_EQ(limits.change_connections, 4U);
  EXPECT_EQ(limits.handshake_timeout, milliseconds(500));
  EXPECT_EQ(limits.idle_timeout, seconds(5));
  EXPECT_EQ(limits.write_stall_timeout, seconds(6));
  EXPECT_EQ(limits.unanswered_lines, 7U);
  EXPECT_EQ(limits.unanswered_bytes, 8'000U);
  EXPECT_EQ(limits.unanswered_bytes_total, 9'000U);
  EXPECT_EQ(limits.unanswered_changes, 10U);
  EXPECT_EQ(limits.stop_timeout, seconds(60));
  ASSERT_EQ(config.clients.size(), 2U);
  EXPECT_EQ(config.clients[0].name, "a.b_c-9");
  EXPECT_EQ(config.clients[0].role, Role::kOperator);
  EXPECT_EQ(config.clients[0].uid, 0U);
  EXPECT_EQ(config.clients[0].token, std::nullopt);
  EXPECT_EQ(config.clients[0].columns, std::nullopt);
  EXPECT_EQ(config.clients[1].token, hash_token("abc"));
  EXPECT_EQ(config.clients[1].uid, std::nullopt);
  EXPECT_TRUE(config.clients[1].explain);
  EXPECT_EQ((*config.clients[1].columns)[3], "z");
}

TEST(ConfigFile, ASingleAddressNeedsNoList) {
  EXPECT_EQ(good(kRegistry + "[feed]\nlisten = \"[::1]:9\"\n").feed_listen, std::vector<std::string>{"[::1]:9"});
}

TEST(ConfigFile, AnEmptySocketIsNone) {
  const ServerConfig config = good(kRegistry + "[changes]\nsocket = \"\"\n");
  EXPECT_EQ(config.changes_socket, "");
  EXPECT_FALSE(config.changes_socket_is_default);
}

TEST(ConfigFile, ByteOrderMarkAndCarriageReturnsAreFine) {
  EXPECT_EQ(good("\xEF\xBB\xBF[registry]\r\ndir = \"/x\"\r\n").registry_dir, "/x");
}

/// What one key of [limits] may be: values at its ends are taken, those beyond are a fault at the value.
struct Range {
  std::string key;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

TEST(ConfigFile, EachLimitHasItsRange) {
  const std::vector<Range> ranges{
      {"line_bytes", {"64", "1_000_000"}, {"63", "1048577", "0", "-1", "\"64\"", "64.0", "true"}},
      {"connections", {"1", "1000000"}, {"0", "1000001"}},
      {"connections_per_address", {"1", "1000000"}, {"0", "1000001"}},
      {"change_connections", {"1", "1000000"}, {"0", "1000001"}},
      {"handshake_timeout", {"\"100ms\"", "\"10m\""}, {"\"99ms\"", "\"601s\"", "5", "\"5\"", "\"-5s\""}},
      {"idle_timeout", {"\"1s\"", "\"30d\""}, {"\"999ms\"", "\"721h\"", "\"1.5s\"", "\"5 s\"", "\"s\"", "\"\""}},
      {"write_stall_timeout", {"\"100ms\"", "\"1h\""}, {"\"99ms\"", "\"61m\""}},
      {"unanswered_lines", {"1", "16777216"}, {"0", "16777217"}},
      {"unanswered_bytes", {"65540", "1073741824"}, {"65539", "1073741825"}},
      {"unanswered_bytes_total", {"65540", "1099511627776"}, {"65539", "1099511627777"}},
      {"unanswered_changes", {"1", "65536"}, {"0", "65537"}},
      {"stop_timeout",
       {"\"100ms\"", "\"1h\""},
       {"\"99ms\"", "\"61m\"", "\"9999999999999999999999d\"", "\"999999999999999d\""}}};
  for (const Range& range : ranges) {
    const auto text = [&](const std::string& value) {
      return kRegistry + "[limits]\n" + range.key + " = " + value + "\n";
    };
    for (const std::string& value : range.good) good(text(value));
    const std::string place = "4:" + std::to_string(range.key.size() + 4);
    for (const std::string& value : range.bad) expect_fault(text(value), place, range.key);
  }
}

TEST(ConfigFile, TheLongestLineMustFitIntoWhatMayBeUnanswered) {
  const auto text = [](int line, int unanswered) {
    return kRegistry + "[limits]\nline_bytes = " + std::to_string(line) +
           "\nunanswered_bytes = " + std::to_string(unanswered) + "\n";
  };
  good(text(1'000, 1'004));
  expect_fault(text(1'000, 1'003), "5:20", "unanswered_bytes does not hold the longest line");
  good(kRegistry + "[limits]\nline_bytes = 1048572\n");
  expect_fault(kRegistry + "[limits]\nline_bytes = 1048576\n", "4:14", "unanswered_bytes does not hold");
  good(kRegistry + "[limits]\nline_bytes = 1048576\nunanswered_bytes = 2097152\n");
}

TEST(ConfigFile, OtherNumbersAndDurationsHaveTheirRange) {
  const std::string feed = kRegistry + "[feed]\n";
  for (const std::string value : {"0", "1024"}) good(feed + "threads = " + value);
  for (const std::string value : {"-1", "1025"})
    expect_fault(feed + "threads = " + value, "4:11", "threads is no whole");
  for (const std::string value : {"0s", "3660d"}) good(feed + "declared_at_window = \"" + value + "\"");
  for (const std::string value : {"3661d", "1500ms"}) {
    expect_fault(feed + "declared_at_window = \"" + value + "\"", "4:22", "declared_at_window is not from 0s to 3660d");
  }
  good(feed + "declared_at_ahead = \"30d\"");
  expect_fault(feed + "declared_at_ahead = \"31d\"", "4:21", "declared_at_ahead is not from");
  good(client("uid = 4294967294\n") + kRegistry);
  expect_fault(client("uid = 4294967295\n") + kRegistry, "4:7", "uid is no whole number");
}

TEST(ConfigFile, AnAddressIsAnIpOrLocalhostWithAPort) {
  for (const std::string wrong : {"", "7400", "127.0.0.1", "127.0.0.1:", ":7400", "127.0.0.1:65536", "127.0.0.1:-1",
                                  "127.0.0.1:7x", "127.0.0.1:+7", "127.1:7", "::1:7", "[::1]", "[127.0.0.1]:7",
                                  "[::1:7", "example.com:80", "localhost", " 127.0.0.1:7", "unix:/x"}) {
    for (const std::string section : {"feed", "http"}) {
      expect_fault(kRegistry + "[" + section + "]\nlisten = [\"" + wrong + "\"]", "4:11", "no address");
    }
  }
}

TEST(ConfigFile, WhatOthersCanReachIsRefused) {
  for (const std::string open :
       {"0.0.0.0:1", "192.168.0.1:0", "[::]:1", "[fe80::1]:1", "[::ffff:127.0.0.1]:1", "128.0.0.1:1"}) {
    for (const std::string section : {"feed", "http"}) {
      expect_fault(kRegistry + "[" + section + "]\nlisten = [\"127.0.0.1:0\", \"" + open + "\"]", "4:26",
                   "others can reach this address, which needs TLS");
    }
    expect_fault(
        client("token_hash = \"" + kHash + "\"\n[[client]]\nname = \"b\"\nrole = \"registrar\"\ntoken_hash = \"" +
               std::string(64, '0') + "\"\n") +
            kRegistry + "[changes]\nlisten = \"" + open + "\"",
        "12:10", "others can reach this address, which needs TLS");
  }
}

TEST(ConfigFile, OneAddressIsOneListener) {
  expect_fault(kRegistry + "[http]\nlisten = \"127.0.0.1:9\"\n[feed]\nlisten = [\"[::1]:9\", \"localhost:9\"]", "6:22",
               "another listener has this address");
  good(kRegistry + "[feed]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\"]");
}

TEST(ConfigFile, ChangesOverTcpNeedARegistrarWithAToken) {
  const std::string changes = "[changes]\nlisten = [\"127.0.0.1:0\"]\n";
  const std::string words = "changes over TCP need";
  expect_fault(kRegistry + changes, "4:10", words);
  const auto with = [&](const std::string& role, const std::string& proof) {
    return kRegistry + changes + "[[client]]\nname = \"k\"\nrole = \"" + role + "\"\n" + proof;
  };
  const std::string token = "token_hash = \"" + kHash + "\"\n";
  expect_fault(with("operator", token), "4:10", words);
  expect_fault(with("registrar", "uid = 5\n"), "4:10", words);
  good(with("registrar", token));
  good(kRegistry + "[changes]\nlisten = []\n");
}

TEST(ConfigFile, OneRegistryIsNamed) {
  expect_fault("", "1:1", "[registry] names no registry");
  expect_fault("[feed]\n\n[registry]\n", "3:1", "[registry] names no registry");
  expect_fault("[registry]\nimage = \"a\"\ndir = \"b\"\n", "3:7", "both dir and image");
  expect_fault("[registry]\ndir = \"\"\n", "2:7", "the path is empty");
  expect_fault("[registry]\ndir = \"a\\u0000b\"\nimage = \"x\"\n", "2:7", "dir holds a zero byte");
}

TEST(ConfigFile, ThePolicyIsBuiltIn) {
  expect_fault(kRegistry + "[policy]\nuse = \"kcs\"", "4:7", "the policy kcs is not in this version");
  expect_fault(kRegistry + "[policy]\nuse = \"mine.toml\"", "4:7", "policies of files are not in this version");
}

TEST(ConfigFile, FaultsOfColumnsArePlaced) {
  expect_fault(kRegistry + "[feed]\ncolumns = \"kode=x\"", "4:11", "columns: unknown field");
  expect_fault(kRegistry + "[feed]\nignore = \"Phone,\"", "4:10", "ignore: a name is empty");
  EXPECT_EQ(good(kRegistry + "[feed]\nignore = [\"Phone\", \" Zip\"]").ignored, (IgnoredNames{"Phone", "Zip"}));
  EXPECT_EQ(good(kRegistry + "[feed]\nignore = \"Phone,Zip\"").ignored, (IgnoredNames{"Phone", "Zip"}));
  expect_fault(client("uid = 1\ncolumns = \"code=\"\n") + kRegistry, "5:11", "columns: a pair is not");
}

TEST(ConfigFile, ASocketPathFitsTheSystem) {
  const auto text = [](std::size_t size) {
    return kRegistry + "[changes]\nsocket = \"/" + std::string(size - 1, 'x') + "\"";
  };
  good(text(107));
  expect_fault(text(108), "4:10", "the path of the socket has more than 107 bytes");
}

TEST(ConfigFile, UnknownKeysAreToldWithWhatWasMeant) {
  expect_fault(kRegistry + "[limits]\nlin_bytes = 5", "4:1",
               "unknown key 'lin_bytes' in [limits]; did you mean line_bytes?");
  expect_fault(kRegistry + "[feed]\nbogus = 5", "4:1", "unknown key 'bogus' in [feed]; it takes listen, ");
  expect_fault(kRegistry + "[fed]\n", "3:2", "unknown section 'fed'; did you mean [feed]?");
  expect_fault(kRegistry + "[[clients]]\n", "3:3", "unknown section 'clients'; did you mean [[client]]?");
  expect_fault("listen = \"x\"\n" + kRegistry, "1:1", "unknown key 'listen'; put it under its section");
  expect_fault(client("uid = 1\ntoken = \"" + kSecret + "\"\n") + kRegistry, "5:1",
               "unknown key 'token' in [[client]]; did you mean token_file?");
  expect_fault(kRegistry + "[feed]\n\"a\\nb\" = 5", "4:1", "unknown key in [feed]; it takes");
}

TEST(ConfigFile, ASectionIsASection) {
  expect_fault("feed = 1\n" + kRegistry, "1:8", "feed is no section; write [feed]");
  expect_fault("[client]\nname = \"a\"\n" + kRegistry, "1:1", "a client stands under a [[client]]");
  expect_fault("client = [1]\n" + kRegistry, "1:10", "a client stands under a [[client]]");
}

TEST(ConfigFile, ValuesOfAnotherTypeAreToldAtTheValue) {
  expect_fault("[registry]\ndir = 5\nimage = \"x\"", "2:7", "dir is no text");
  expect_fault(kRegistry + "[feed]\nlisten = [\"127.0.0.1:0\", 5]", "4:26", "listen is no text");
  expect_fault(kRegistry + "[log]\nlevel = \"loud\"", "4:9", "level is none of debug, info, warn, error");
  expect_fault(client("uid = 1\nexplain = \"yes\"\n") + kRegistry, "5:11", "explain is neither true nor false");
}

TEST(ConfigFile, WhatIsNoTomlIsToldWithItsPlace) {
  expect_fault(kRegistry + "[feed]\nlisten = 127.0.0.1:9\n", "4:12",
               "a value that TOML does not have; texts, durations and "
               "addresses stand in double quotes");
  expect_fault(kRegistry + "[log]\nlevel = warn\n", "4:9", "a value that TOML does not have");
  expect_fault("[registry]\ndir = \"x\ny\"\n", "2:9", "a text that is not closed");
  expect_fault(kRegistry + "[registry]\n", "3:1", "a key or section is there twice");
  expect_fault("[registry\n", "1:10", "a section header that is broken");
  expect_fault("registry\n", "1:9", "the line is not KEY = VALUE");
  expect_fault("a = \"\xFF\"\n", "1:5", "a byte that is not UTF-8");
}

TEST(ConfigFile, AllFaultsAreToldInTheirOrder) {
  const std::string all =
      faults("[limits]\nconnections = 0\nconections = 1\n[[client]]\nname = \"!\"\n[policy]\nuse = 1\n");
  std::vector<std::string> places;
  const std::regex place("(^|\n)(\\d+:\\d+): error: ");
  for (std::sregex_iterator it(all.begin(), all.end(), place), end; it != end; ++it) places.push_back((*it)[2]);
  EXPECT_EQ(places, (std::vector<std::string>{"1:1", "2:15", "3:1", "4:1", "4:1", "5:8", "7:7"})) << all;
}

TEST(ConfigFile, AClientHasANameARoleAndAProof) {
  expect_fault("[[client]]\nrole = \"feed\"\nuid = 1\n" + kRegistry, "1:1", "a client has no name");
  expect_fault("[[client]]\nname = \"a\"\nuid = 1\n" + kRegistry, "1:1", "a client has no role");
  expect_fault(client("") + kRegistry, "1:1", "a client has nothing that proves it");
  expect_fault("[[client]]\nname = \"a\"\nrole = \"admin\"\nuid = 1\n" + kRegistry, "3:8", "role is none of");
  expect_fault(client("san = \"x\"\n") + kRegistry, "4:7", "san needs TLS");
  const auto named = [](const std::string& name) {
    return "[[client]]\nname = \"" + name + "\"\nrole = \"feed\"\nuid = 1\n" + kRegistry;
  };
  good(named("A.z_0-9"));
  good(named(std::string(64, 'x')));
  for (const std::string& wrong : {std::string(), std::string(65, 'x'), std::string("a b"), std::string("가")}) {
    expect_fault(named(wrong), "2:8", "name is not 1 to 64");
  }
}

TEST(ConfigFile, ClientsDiffer) {
  const std::string token = "token_hash = \"" + kHash + "\"\n";
  const auto two = [](const std::string& name, const std::string& first, const std::string& second) {
    return client(first) + "[[client]]\nname = \"" + name + "\"\nrole = \"auditor\"\n" + second + kRegistry;
  };
  good(two("b", token, "uid = 1\n"));
  expect_fault(two("a", token, "uid = 1\n"), "6:8", "two clients have this name");
  expect_fault(two("b", token, token), "8:14", "two clients have this token");
  expect_fault(two("b", "uid = 1\n", "uid = 1\n"), "8:7", "two clients have this uid");
}

TEST(ConfigFile, WhatIsForFeedsIsRefusedElsewhere) {
  const std::string text = "[[client]]\nname = \"a\"\nrole = \"auditor\"\nuid = 1\n";
  expect_fault(text + "explain = true\n" + kRegistry, "5:11", "explain is for role \"feed\"");
  expect_fault(text + "columns = \"\"\n" + kRegistry, "5:11", "columns is for role \"feed\"");
}

TEST(ConfigFile, AHashIs64HexadecimalDigits) {
  for (const std::string& hash : {kHash, "sha256:" + kHash}) {
    EXPECT_EQ(good(client("token_hash = \"" + hash + "\"\n") + kRegistry).clients[0].token, hash_token("abc"));
  }
  std::string upper = kHash;
  for (char& c : upper) c = static_cast<char>(toupper(c));
  EXPECT_EQ(good(client("token_hash = \"" + upper + "\"\n") + kRegistry).clients[0].token, hash_token("abc"));
  for (const std::string& wrong :
       {kSecret, kHash.substr(1), kHash + "0", "g" + kHash.substr(1), std::string(), "(set)" + kSecret}) {
    expect_fault(client("token_hash = \"" + wrong + "\"\n") + kRegistry, "4:14",
                 "token_hash is not 64 hexadecimal digits");
  }
}

TEST(ConfigFile, AHashOfNothingIsRefused) {
  // sha256sum of nothing, of a line end, of CRLF and of a blank.
  for (const std::string hash : {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                 "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
                                 "7eb70257593da06f682a3ddda54a9d260d4fc514f645237f5ca74b08f8da61a6",
                                 "36a9e7f1c95b82ffb99743e0c5c4ce95d83c9a430aac59f84ef3cbfab6145068"}) {
    for (const std::string prefix : {"", "sha256:"}) {
      expect_fault(client("token_hash = \"" + prefix + hash + "\"\n") + kRegistry, "4:14",
                   "token_hash is that of an empty text");
    }
  }
}

TEST(ConfigFile, ATokenFileIsReadByItsRule) {
  const TestFolder folder;
  const std::string text = client("token_file = \"a.token\"\n") + kRegistry;
  const std::string path = folder.write("server.toml", text);
  folder.write("a.token", "\xEF\xBB\xBF abc \r\nmore\n");
  chmod(folder.path("a.token").c_str(), 0600);
  const auto config = read_config(path);
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->clients[0].token, hash_token("abc"));
  chmod(folder.path("a.token").c_str(), 0640);
  const auto refused = read_config(path);
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(refused.status().message().starts_with(path + ":4:14: error: token_file can be used by others"))
      << refused.status().message();
}

TEST(ConfigFile, ATokenFileThatIsMissingIsToldAndNotNamed) {
  // A token may have been written where its file belongs.
  expect_fault(client("token_file = \"" + kSecret + "\"\n") + kRegistry, "4:14",
               "token_file cannot be opened: No such file");
  expect_fault(client("token_file = \"/tmp\"\n") + kRegistry, "4:14", "token_file is no file");
  expect_fault(client("token_file = \"x\"\ntoken_hash = \"" + kHash + "\"\n") + kRegistry, "5:14",
               "both token_file and token_hash");
}

TEST(ConfigFile, NoTokenIsEverInAMessage) {
  // expect_fault looks for it in every message; here it is wherever it can be mistaken for something else.
  for (const std::string key :
       {"name", "role", "token_file", "token_hash", "token", "uid", "explain", "columns", "ignore", "san"}) {
    faults(kRegistry + "[[client]]\n" + key + " = \"" + kSecret + " \"\n");
    faults(kRegistry + "[[client]]\n" + key + " = " + kSecret + "\n");
    faults(kRegistry + "[[client]]\n" + key + " = \"" + kSecret + "\n");
  }
  // toml++ itself would repeat this one.
  const std::string number(30, '7');
  EXPECT_EQ(faults(client("token_hash = " + number + "\n")).find("777"), std::string::npos);
  EXPECT_EQ(faults(client("token_hash = 0x" + number + "\n")).find("777"), std::string::npos);
}

TEST(ConfigFile, AFileThatCannotBeReadIsNamed) {
  const TestFolder folder;
  for (const auto& [path, words] : std::vector<std::pair<std::string, std::string>>{
           {folder.path("none"), "cannot open: No such file or directory; check its name"},
           {folder.path(""), "cannot read: Is a directory"},
           {"/dev/zero", "larger than 1 MiB"}}) {
    const auto config = read_config(path);
    ASSERT_FALSE(config.ok());
    EXPECT_EQ(config.status().kind(), StatusKind::kConfig);
    EXPECT_TRUE(config.status().message().starts_with(path + ": error: " + words)) << config.status().message();
  }
}

TEST(ConfigFile, AFileOfOneMebibyteIsRead) {
  const TestFolder folder;
  const std::string text = kRegistry + "#" + std::string((1U << 20) - kRegistry.size() - 1, 'x');
  EXPECT_TRUE(read_config(folder.write("a.toml", text)).ok());
  EXPECT_FALSE(read_config(folder.write("a.toml", text + "x")).ok());
}

TEST(ConfigFile, RelativePathsStartAtTheFolderOfTheFile) {
  const TestFolder folder;
  const auto config = read_config(folder.write("a.toml", kRegistry + "[changes]\nsocket = \"sub/c.sock\"\n"));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->registry_dir, folder.path("live"));
  EXPECT_EQ(config->changes_socket, folder.path("sub/c.sock"));
}

/// The sample with its keys in force; of the two registries the directory.
std::string sample_in_force() {
  std::string text = std::regex_replace(config_sample(), std::regex("\n#([a-z]|\\[)"), "\n$1");
  return std::regex_replace(text, std::regex("\nimage [^\n]*"), "");
}

TEST(ConfigSample, IsGoodOnceARegistryIsNamed) {
  expect_fault(config_sample(), "4:1", "[registry] names no registry");
  const std::string named = std::regex_replace(config_sample(), std::regex("#dir"), "dir");
  EXPECT_EQ(config_text(good(named)), config_text(good("[registry]\ndir = \"/var/lib/clearline\"\n")));
  EXPECT_TRUE(good(named).changes_socket_is_default);
}

TEST(ConfigSample, EveryKeyIsAtItsDefault) {
  const std::string text = sample_in_force();
  const std::string without_clients = text.substr(0, text.find("[[client]]"));
  EXPECT_EQ(config_text(good(without_clients)), config_text(good("[registry]\ndir = \"/var/lib/clearline\"\n")));
}

TEST(ConfigSample, ItsClientsAreGood) {
  const TestFolder folder;
  folder.write("courier-a.token", "abc\n");
  chmod(folder.path("courier-a.token").c_str(), 0600);
  const auto config = read_config(folder.write("s.toml", sample_in_force()));
  ASSERT_TRUE(config.ok()) << config.status().message();
  ASSERT_EQ(config->clients.size(), 2U);
  EXPECT_EQ(config->clients[0].token, hash_token("abc"));
  EXPECT_EQ(config->clients[1].role, Role::kRegistrar);
}

TEST(ConfigSample, EveryKeyThatIsShownIsInIt) {
  const std::string shown = config_text(good(kRegistry + client("uid = 1\ncolumns = \"\"\n")));
  const std::string sample = sample_in_force();
  const std::regex key("(^|\n)([a-z_]+) = ");
  for (std::sregex_iterator it(shown.begin(), shown.end(), key), end; it != end; ++it) {
    EXPECT_NE(sample.find("\n" + (*it)[2].str() + " = "), std::string::npos) << (*it)[2];
  }
}

TEST(ConfigText, IsReadAgainAsTheSame) {
  for (const std::string& text :
       {kRegistry,
        std::string(
            "[registry]\nimage = \"a\\u0001\\\"\\\\b\\u007F가\"\n[feed]\nlisten = []\n"
            "declared_at_window = \"36h\"\ncolumns = \"code=zip,zip=개인\"\nignore = \"Phone,Zip\"\n[changes]\nsocket "
            "= \"\"\n"
            "[limits]\nhandshake_timeout = \"1500ms\"\nidle_timeout = \"90s\"\n"
            "[[client]]\nname = \"a\"\nrole = \"feed\"\nuid = 5\nexplain = true\ncolumns = \"id=n\"\nignore = \"Tel\"\n"
            "[[client]]\nname = \"b\"\nrole = \"registrar\"\nuid = 6\n")}) {
    const ServerConfig first = good(text);
    const ServerConfig second = good(config_text(first));
    EXPECT_EQ(config_text(second), config_text(first));
    EXPECT_EQ(second.registry_dir, first.registry_dir);
    EXPECT_EQ(second.registry_image, first.registry_image);
    EXPECT_EQ(second.columns, first.columns);
    EXPECT_EQ(second.ignored, first.ignored);
    EXPECT_EQ(second.clients, first.clients);
    EXPECT_EQ(second.limits.handshake_timeout, first.limits.handshake_timeout);
  }
}

TEST(ConfigText, ShowsNoTokenAndNoHash) {
  const std::string text = config_text(good(client("token_hash = \"" + kHash + "\"\n") + kRegistry));
  EXPECT_NE(text.find("token_hash = \"(set)\"\n"), std::string::npos) << text;
  EXPECT_EQ(text.find(kHash.substr(0, 8)), std::string::npos);
}

}  // namespace
}  // namespace clearline::test
