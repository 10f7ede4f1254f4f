// The configuration of the server, and the only file that knows toml++.
//
// Idea        each table is a Section whose keys are taken one by one; a key that nobody has taken at its end is unknown, and
//             the keys that were asked for are those that could have been meant.
// Faults      are gathered, sorted by place and told together: a file is mended once, not key by key. Broken TOML is one
//             fault, as the parser stops at it.
// Secrets     no message repeats a value: a token may have been written where a path, a number or a role belongs. The words of
//             toml++ are not passed on for the same reason. Keys are repeated.
#include "io/net/config_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/un.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <map>
#include <utility>

#include "io/formats/errno_words.h"
#include "io/formats/json_text.h"
#include "io/formats/nearest.h"
#include "io/net/clients.h"
#include "io/net/config_values.h"
#include "io/net/token_file.h"

namespace clearline {
namespace {

using Place = toml::source_position;
using std::chrono::milliseconds;

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;  // ten thousand clients; /dev/zero is none
constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kSocketPathBytesMax = sizeof(sockaddr_un{}.sun_path) - 1;

constexpr std::int64_t kDeclaredAtWindowMaxMs = 3'660 * kDayMs;
constexpr std::int64_t kDeclaredAtAheadMaxMs = 30 * kDayMs;
constexpr std::int64_t kCheckpointChangesMax = 1'000'000'000;
constexpr int kThreadsMax = 1'024;  // as of --threads

// --- faults

class Faults {
 public:
  explicit Faults(std::string path) : path_(std::move(path)) {}

  void add(Place place, std::string words) { faults_.emplace(place, std::move(words)); }
  bool empty() const { return faults_.empty(); }

  /// All of them, in the order of their places.
  Status status() const {
    std::string all;
    for (const auto& [place, words] : faults_) {
      all += fmt::format("{}{}:{}:{}: error: {}", all.empty() ? "" : "\n", path_, place.line, place.column, words);
    }
    return {StatusKind::kConfig, std::move(all)};
  }

 private:
  std::string path_;
  std::multimap<Place, std::string> faults_;
};

/// What toml++ stumbled over, in words that hold no value. It says "Error while parsing SCOPE: ...".
std::string parse_words(std::string_view description) {
  if (description.find("cannot redefine") != std::string_view::npos)
    return "a key or section is there twice; give it once";
  if (description.find("utf-8") != std::string_view::npos) return "a byte that is not UTF-8; save the file as UTF-8";
  const auto is_within = [&](std::string_view scope) {
    return description.starts_with("Error while parsing " + std::string(scope) + ":");
  };
  if (is_within("string")) return "a text that is not closed or has an escape that TOML does not have; write \"...\"";
  if (is_within("table header")) return "a section header that is broken; write [NAME], or [[client]]";
  if (is_within("array")) return "a list that is broken; write [\"...\", \"...\"]";
  if (is_within("inline table")) return "a table that is broken; write a section instead, [NAME]";
  if (is_within("key") || is_within("key-value pair"))
    return "the line is not KEY = VALUE; texts stand in double quotes";
  return "a value that TOML does not have; texts, durations and addresses stand in double quotes: \"127.0.0.1:7400\", "
         "\"5s\"";
}

/// A key as it may stand in a message.
std::string shown_key(std::string_view key) {
  const bool is_plain = key.size() <= kNameBytesMax && key.find_first_not_of(
                                                           "abcdefghijklmnopqrstuvwxyz"
                                                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                           "0123456789_-") == std::string_view::npos;
  return is_plain ? " '" + std::string(key) + "'" : "";
}

// --- sections

/// A text of the file, and where it is.
struct Text {
  std::string value;
  Place place;
};

/// One table of the file, or one that is missing and so has no keys.
class Section {
 public:
  /// `name`: as it is written, `[feed]`.
  Section(std::string name, const toml::table* table, Place place, Faults& faults)
      : name_(std::move(name)), table_(table), place_(place), faults_(&faults) {}

  Place place() const { return place_; }
  void fault(Place place, std::string words) { faults_->add(place, std::move(words)); }

  /// The value of a key; nothing if it is not there. Every key that the section may have is asked for.
  const toml::node* take(std::string_view key) {
    if (std::find(keys_.begin(), keys_.end(), key) == keys_.end()) keys_.emplace_back(key);
    return table_ == nullptr ? nullptr : table_->get(key);
  }

  std::optional<Text> take_text(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    return text_of(*node, key);
  }

  void take_flag(std::string_view key, bool& target) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (const auto* flag = node->as_boolean()) {
      target = flag->get();
    } else {
      fault(place_of(*node), fmt::format("{} is neither true nor false; write one of them", key));
    }
  }

  std::optional<std::int64_t> take_number(std::string_view key, std::int64_t min, std::int64_t max) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto* number = node->as_integer();
    if (number != nullptr && number->get() >= min && number->get() <= max) return number->get();
    fault(place_of(*node), fmt::format("{} is no whole number from {} to {}; write one without quotes", key, min, max));
    return std::nullopt;
  }

  std::optional<std::int64_t> take_duration_ms(std::string_view key, std::int64_t min, std::int64_t max,
                                               std::int64_t unit_ms = 1) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto* text = node->as_string();
    const auto ms = text == nullptr ? std::nullopt : parse_duration_ms(text->get());
    if (ms && *ms >= min && *ms <= max && *ms % unit_ms == 0) return ms;
    fault(place_of(*node),
          !ms ? fmt::format("{} is no duration; write \"500ms\", \"5s\", \"10m\", \"1h\" or \"7d\"", key)
              : fmt::format("{} is not from {} to {}{}; choose one in between", key, duration_text(min),
                            duration_text(max), unit_ms == kSecondMs ? " in whole seconds" : ""));
    return std::nullopt;
  }

  /// A text, or a list of them.
  std::optional<std::vector<Text>> take_texts(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    std::vector<Text> texts;
    const auto add = [&](const toml::node& each) {
      if (auto text = text_of(each, key)) texts.push_back(std::move(*text));
    };
    if (const auto* list = node->as_array()) {
      for (const toml::node& each : *list) add(each);
    } else {
      add(*node);
    }
    return texts;
  }

  /// Tells of the keys that nobody has asked for.
  void end() {
    if (table_ == nullptr) return;
    for (const auto& [key, node] : *table_) {
      if (std::find(keys_.begin(), keys_.end(), key.str()) != keys_.end()) continue;
      std::string mend = nearest(key.str(), keys_);
      mend = mend.empty() ? fmt::format("it takes {}", fmt::join(keys_, ", ")) : fmt::format("did you mean {}?", mend);
      fault(key.source().begin, fmt::format("unknown key{} in {}; {}", shown_key(key.str()), name_, mend));
    }
  }

  static Place place_of(const toml::node& node) { return node.source().begin; }

 private:
  std::optional<Text> text_of(const toml::node& node, std::string_view key) {
    const auto* text = node.as_string();
    if (text == nullptr) {
      fault(place_of(node), fmt::format("{} is no text; put it in double quotes", key));
      return std::nullopt;
    }
    if (text->get().find('\0') != std::string::npos) {
      fault(place_of(node), fmt::format("{} holds a zero byte; leave it out", key));
      return std::nullopt;
    }
    return Text{text->get(), place_of(node)};
  }

  std::string name_;
  const toml::table* table_;
  Place place_;
  Faults* faults_;
  std::vector<std::string> keys_;
};

// --- tokens

std::optional<TokenHash> parse_token_hash(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  TokenHash hash{};
  if (text.size() != 2 * hash.size()) return std::nullopt;
  const auto digit = [&](std::size_t i) { return std::int32_t{kHexDigit[static_cast<unsigned char>(text[i])]}; };
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const std::int32_t byte = digit(2 * i) * 16 | digit(2 * i + 1);
    if (byte < 0) return std::nullopt;  // a digit that is none is -1, all ones
    hash[i] = static_cast<std::uint8_t>(byte);
  }
  return hash;
}

/// Whether a hash is that of what `sha256sum` reads where there is no token: nothing, or a line end alone. Everybody has that token.
bool is_hash_of_nothing(const TokenHash& hash) {
  constexpr std::array<std::string_view, 4> kNothing{"", "\n", "\r\n", " "};
  return std::any_of(kNothing.begin(), kNothing.end(), [&](std::string_view text) { return hash_token(text) == hash; });
}

bool is_client_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyz"
             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
             "0123456789._-") == std::string_view::npos;
}

// --- the file

class ConfigReader {
 public:
  ConfigReader(const std::string& path, Faults& faults) : faults_(&faults) {
    std::error_code unknown;  // without a working folder, paths stay relative
    const auto whole = std::filesystem::absolute(path, unknown);
    folder_ = (unknown ? std::filesystem::path(path) : whole).parent_path();
  }

  ServerConfig read(const toml::table& file) {
    // Read first: [changes] asks who there is.
    read_clients(file.get("client"));
    read_registry(section(file, "registry"));
    read_policy(section(file, "policy"));
    read_feed(section(file, "feed"));
    read_changes(section(file, "changes"));
    read_http(section(file, "http"));
    read_log(section(file, "log"));
    read_limits(section(file, "limits"));
    check_addresses();
    check_sections(file);
    return std::move(config_);
  }

 private:
  struct Listener {
    Address address;
    Place place;
  };

  Section section(const toml::table& file, const std::string& key) {
    const std::string name = "[" + key + "]";
    const toml::node* node = file.get(key);
    if (node == nullptr) return {name, nullptr, {1, 1}, *faults_};
    if (!node->is_table())
      faults_->add(Section::place_of(*node), key + " is no section; write " + name + " above its keys");
    return {name, node->as_table(), Section::place_of(*node), *faults_};
  }

  std::string resolved(const std::string& path) const { return (folder_ / path).string(); }

  void read_registry(Section section) {
    const auto dir = section.take_text("dir");
    const auto image = section.take_text("image");
    if (const auto changes = section.take_number("checkpoint_changes", 0, kCheckpointChangesMax)) {
      config_.checkpoint_changes = static_cast<std::uint64_t>(*changes);
    }
    section.end();
    for (const auto* path : {&dir, &image}) {
      if (*path && (*path)->value.empty()) section.fault((*path)->place, "the path is empty; name a registry");
    }
    if (dir && image) {
      section.fault(std::max(dir->place, image->place), "both dir and image are there; give one of them");
    } else if (dir) {
      config_.registry_dir = resolved(dir->value);
    } else if (image) {
      config_.registry_image = resolved(image->value);
    } else {
      section.fault(section.place(), "[registry] names no registry; give dir, a directory, or image, a file");
    }
  }

  void read_policy(Section section) {
    const auto use = section.take_text("use");
    section.end();
    if (!use) return;
    if (use->value == "kcs") {
      section.fault(use->place, "the policy kcs is not in this version; use \"standard\"");
    } else if (use->value != "standard") {
      section.fault(use->place, "policies of files are not in this version; use \"standard\", which is built in");
    }
    config_.policy = use->value;
  }

  void read_feed(Section section) {
    take_listeners(section, config_.feed_listen);
    const auto take_seconds = [&](std::string_view key, std::int64_t max, std::chrono::seconds& target) {
      if (const auto ms = section.take_duration_ms(key, 0, max, kSecondMs))
        target = std::chrono::seconds(*ms / kSecondMs);
    };
    take_seconds("declared_at_window", kDeclaredAtWindowMaxMs, config_.declared_at_window);
    take_seconds("declared_at_ahead", kDeclaredAtAheadMaxMs, config_.declared_at_ahead);
    if (auto columns = take_columns(section)) config_.columns = std::move(*columns);
    if (auto ignored = take_ignored(section)) config_.ignored = std::move(*ignored);
    if (const auto threads = section.take_number("threads", 0, kThreadsMax)) {
      config_.feed_threads = static_cast<int>(*threads);
    }
    section.end();
  }

  void read_changes(Section section) {
    const auto socket = section.take_text("socket");
    const auto listen = take_listeners(section, config_.changes_listen);
    section.end();
    if (socket) {
      config_.changes_socket_is_default = false;
      config_.changes_socket = socket->value.empty() ? "" : resolved(socket->value);
      if (config_.changes_socket.size() > kSocketPathBytesMax) {
        section.fault(socket->place, fmt::format("the path of the socket has more than {} bytes; choose a shorter one",
                                                 kSocketPathBytesMax));
      }
    }
    if (listen && !config_.changes_listen.empty() && !has_registrar_with_token_) {
      section.fault(
          *listen,
          "changes over TCP need a [[client]] with role \"registrar\" and a token; add one, or use the socket");
    }
  }

  void read_http(Section section) {
    take_listeners(section, config_.http_listen);
    section.end();
  }

  void read_log(Section section) {
    const auto level = section.take_text("level");
    section.end();
    if (!level) return;
    if (const auto parsed = parse_log_level(level->value)) {
      config_.log_level = *parsed;
    } else {
      section.fault(level->place, "level is none of debug, info, warn, error; write one of them");
    }
  }

  void read_limits(Section section) {
    Limits& limits = config_.limits;
    for (const Limit& limit : kLimits) {
      if (limit.count != nullptr) {
        const auto count = section.take_number(limit.key, limit.min, limit.max);
        if (count) limits.*limit.count = static_cast<std::size_t>(*count);
      } else {
        const auto ms = section.take_duration_ms(limit.key, limit.min, limit.max);
        if (ms) limits.*limit.time = milliseconds(*ms);
      }
    }
    // Otherwise the longest line could never be read.
    const std::size_t least = limits.line_bytes + kLineEndBytes;
    const auto check_room = [&](std::string_view key, std::size_t room) {
      if (room >= least) return;
      const toml::node* node = section.take(key);
      if (node == nullptr) node = section.take("line_bytes");
      section.fault(Section::place_of(*node),
                    fmt::format("{} does not hold the longest line; give at least line_bytes + {}, {}", key,
                                kLineEndBytes, least));
    };
    check_room("unanswered_bytes", limits.unanswered_bytes);
    check_room("unanswered_bytes_total", limits.unanswered_bytes_total);
    section.end();
  }

  void read_clients(const toml::node* node) {
    if (node == nullptr) return;
    const auto* list = node->as_array();
    const bool are_tables = list != nullptr && std::all_of(list->begin(), list->end(),
                                                           [](const toml::node& each) { return each.is_table(); });
    if (!are_tables) {
      faults_->add(Section::place_of(*node),
                   "a client stands under a [[client]] of its own, in two brackets; write it so");
      return;
    }
    for (const toml::node& each : *list) {
      read_client(Section("[[client]]", each.as_table(), Section::place_of(each), *faults_));
    }
  }

  void read_client(Section section) {
    ClientConfig client;
    const Place place = section.place();
    if (const auto name = section.take_text("name")) {
      if (!is_client_name(name->value)) {
        section.fault(name->place, "name is not 1 to 64 of the letters, digits and ._-; choose another");
      } else if (has_client([&](const ClientConfig& other) { return other.name == name->value; })) {
        section.fault(name->place, "two clients have this name; give each its own");
      } else {
        client.name = name->value;
      }
    } else if (section.take("name") == nullptr) {
      section.fault(place, "a client has no name; add name = \"...\"");
    }
    const auto role_text = section.take_text("role");
    const auto role = role_text ? parse_role(role_text->value) : std::nullopt;
    if (role) {
      client.role = *role;
    } else if (role_text) {
      section.fault(role_text->place, "role is none of feed, registrar, auditor, operator; write one of them");
    } else if (section.take("role") == nullptr) {
      section.fault(place, "a client has no role; add role = \"feed\", \"registrar\", \"auditor\" or \"operator\"");
    }
    read_proof(section, client);
    if (client.role != Role::kFeed) check_is_feed(section);
    section.take_flag("explain", client.explain);
    client.columns = take_columns(section);
    client.ignored = take_ignored(section);
    section.end();
    config_.clients.push_back(std::move(client));
  }

  /// What is for feeds means nothing elsewhere: whoever wrote it expects something else.
  static void check_is_feed(Section& section) {
    for (const std::string_view key : {"explain", "columns", "ignore"}) {
      const toml::node* node = section.take(key);
      if (node != nullptr)
        section.fault(Section::place_of(*node), fmt::format("{} is for role \"feed\"; leave it out", key));
    }
  }

  /// Sets what proves that a peer is this client.
  void read_proof(Section& section, ClientConfig& client) {
    const auto file = section.take_text("token_file");
    const auto hash = section.take_text("token_hash");
    const bool has_token = section.take("token_file") != nullptr || section.take("token_hash") != nullptr;
    if (file && hash) {
      section.fault(std::max(file->place, hash->place), "both token_file and token_hash are there; give one of them");
    } else if (file) {
      const TokenFile read = read_token_file(resolved(file->value));
      if (read.fault.empty()) {
        take_token(section, file->place, hash_token(read.token), client);
      } else {
        section.fault(file->place, "token_file " + read.fault);
      }
    } else if (hash) {
      const auto value = parse_token_hash(hash->value);
      if (!value) {
        section.fault(hash->place, "token_hash is not 64 hexadecimal digits; write what sha256sum says of the token");
      } else if (is_hash_of_nothing(*value)) {
        section.fault(hash->place,
                      "token_hash is that of an empty text, which everybody can send; hash a token: "
                      "head -1 FILE | tr -d '\\n' | sha256sum");
      } else {
        take_token(section, hash->place, *value, client);
      }
    }
    const bool has_uid = section.take("uid") != nullptr;
    // The largest number is no user: it stands for none in system calls.
    if (const auto uid = section.take_number("uid", 0, std::numeric_limits<std::uint32_t>::max() - 1)) {
      client.uid = static_cast<std::uint32_t>(*uid);
      if (has_client([&](const ClientConfig& other) { return other.uid == client.uid; })) {
        section.fault(Section::place_of(*section.take("uid")), "two clients have this uid; give each its own");
      }
    }
    const toml::node* san = section.take("san");
    if (san != nullptr) {
      section.fault(Section::place_of(*san),
                    "san needs TLS, which is not in this version; use token_file or token_hash");
    } else if (!has_token && !has_uid) {
      section.fault(section.place(), "a client has nothing that proves it; add token_file, token_hash or uid");
    }
    if (has_token && client.role == Role::kRegistrar) has_registrar_with_token_ = true;
  }

  void take_token(Section& section, Place place, const TokenHash& token, ClientConfig& client) {
    if (has_client([&](const ClientConfig& other) { return other.token == token; })) {
      section.fault(place, "two clients have this token; give each its own");
    }
    client.token = token;
  }

  template <typename Condition>
  bool has_client(const Condition& condition) const {
    return std::any_of(config_.clients.begin(), config_.clients.end(), condition);
  }

  static std::optional<FieldNames> take_columns(Section& section) {
    const auto text = section.take_text("columns");
    if (!text) return std::nullopt;
    auto names = parse_columns(text->value);
    if (names.ok()) return std::move(*names);
    std::string_view words = names.status().message();
    words.remove_prefix(2);  // of `--columns: ...`
    section.fault(text->place, std::string(words));
    return std::nullopt;
  }

  /// A list of names, or one text of them as --ignore has it.
  static std::optional<IgnoredNames> take_ignored(Section& section) {
    const auto texts = section.take_texts("ignore");
    if (!texts) return std::nullopt;
    IgnoredNames ignored;
    for (const Text& text : *texts) {
      const auto names = parse_ignore(text.value);
      if (names.ok()) {
        ignored.insert(ignored.end(), names->begin(), names->end());
      } else {
        section.fault(text.place, "ignore: a name is empty; write [\"Phone\", \"Zip\"]");
      }
    }
    return ignored;
  }

  /// Reads `listen`; where it is, if it is there.
  std::optional<Place> take_listeners(Section& section, std::vector<std::string>& target) {
    const auto texts = section.take_texts("listen");
    if (!texts) return std::nullopt;
    target.clear();
    for (const Text& text : *texts) {
      const auto address = parse_address(text.value);
      if (!address) {
        section.fault(
            text.place,
            "no address; write HOST:PORT with an IPv4 address, an [IPv6] address or localhost: \"127.0.0.1:7400\"");
      } else if (!address->is_loopback()) {
        section.fault(text.place,
                      "others can reach this address, which needs TLS, and that is not in this version; "
                      "listen on 127.0.0.1 or [::1]");
      } else {
        listeners_.push_back({*address, text.place});
      }
      target.push_back(text.value);
    }
    return Section::place_of(*section.take("listen"));
  }

  /// One address cannot be two listeners; port 0 is another one each time.
  void check_addresses() {
    std::sort(listeners_.begin(), listeners_.end(),
              [](const Listener& a, const Listener& b) { return a.place < b.place; });
    for (auto listener = listeners_.begin(); listener != listeners_.end(); ++listener) {
      const bool is_taken = listener->address.port != 0 &&
                            std::any_of(listeners_.begin(), listener,
                                        [&](const auto& other) { return other.address == listener->address; });
      if (is_taken) faults_->add(listener->place, "another listener has this address; give each its own");
    }
  }

  void check_sections(const toml::table& file) {
    const std::vector<std::string> names{"registry", "policy", "feed", "changes", "http", "log", "client", "limits"};
    for (const auto& [key, node] : file) {
      if (std::find(names.begin(), names.end(), key.str()) != names.end()) continue;
      const bool is_section = node.is_table() || node.is_array_of_tables();
      const std::string meant = nearest(key.str(), names);
      const std::string written = meant == "client" ? "[[client]]" : "[" + meant + "]";
      faults_->add(key.source().begin,
                   fmt::format("unknown {}{}; {}", is_section ? "section" : "key", shown_key(key.str()),
                               !meant.empty() ? "did you mean " + written + "?"
                               : is_section   ? fmt::format("there are {}", fmt::join(names, ", "))
                                              : "put it under its section, [feed] say"));
    }
  }

  Faults* faults_;
  std::filesystem::path folder_;
  ServerConfig config_;
  std::vector<Listener> listeners_;
  bool has_registrar_with_token_ = false;
};

}  // namespace

Result<ServerConfig> read_config(const std::string& path) {
  const auto fail = [&path](std::string words) {
    return Status(StatusKind::kConfig, path + ": error: " + std::move(words));
  };
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("cannot open: " + errno_words(errno));
  std::string text(kFileBytesMax + 1, '\0');
  std::size_t size = 0;
  int error = 0;
  while (size < text.size()) {
    const ssize_t got = read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  close(fd);
  if (error != 0) return fail("cannot read: " + errno_words(error));
  if (size > kFileBytesMax) return fail("larger than 1 MiB; name a configuration");
  text.resize(size);
  return parse_config(text, path);
}

Result<ServerConfig> parse_config(std::string_view text, const std::string& path) {
  Faults faults(path);
  ServerConfig config;
  try {
    config = ConfigReader(path, faults).read(toml::parse(text));
  } catch (const toml::parse_error& error) {
    faults.add(error.source().begin, parse_words(error.description()));
  }
  if (!faults.empty()) return faults.status();
  return config;
}

}  // namespace clearline
