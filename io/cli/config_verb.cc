#include "io/cli/config_verb.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "io/cli/words.h"
#include "io/formats/errno_words.h"
#include "io/net/config_file.h"
#include "io/store/folders.h"

namespace clearline {
namespace {

/// Writes the sample to a file that is not there yet, for its owner alone: hashes of tokens may come to stand in it.
Status write_sample(const std::string& path) {
  const auto fail = [&path](const std::string& words) {
    return Status(StatusKind::kOutput, path + ": error: " + words);
  };
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return fail("is there already; name a new file");
  if (fd < 0) return fail("cannot create: " + errno_words(errno));
  const std::string sample = config_sample();
  std::size_t written = 0;
  int error = 0;
  while (written < sample.size() && error == 0) {
    const ssize_t put = write(fd, sample.data() + written, sample.size() - written);
    if (put >= 0) {
      written += static_cast<std::size_t>(put);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && fsync(fd) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && !sync_folder(folder_of(path))) error = errno;
  if (error == 0) return {};
  unlink(path.c_str());
  return fail("cannot write: " + errno_words(error));
}

Status run_init(const std::string& path) {
  if (path == "-") return tell(config_sample());
  if (Status status = write_sample(path); !status.ok()) return status;
  say("{0}: a sample; name a registry in it, then 'clearline config check {0}'\n", path);
  return {};
}

Status run_check(const std::string& path) {
  const auto config = read_config(path);
  if (!config.ok()) return config.status();
  return tell(path + ": good\n");
}

Status run_show(const std::string& path) {
  const auto config = read_config(path);
  if (!config.ok()) return config.status();
  return tell(config_text(*config));
}

}  // namespace

void add_config_verb(Verb app, Command& command) {
  const Verb config = app.add_verb("config", "The configuration of the server");
  config.needs_verb();
  config.footer(
      "Examples:\n"
      "  clearline config init server.toml\n"
      "  clearline config check server.toml");

  auto init_path = std::make_shared<std::string>("-");
  const Verb init = config.add_verb("init", "Write a commented sample with every key at its default");
  init.add_option("FILE", *init_path, "The file, not there yet; - or nothing is stdout").type("");
  init.footer(
      "A registry must be named in it before it is good. The file can be read by its owner only.\n\n"
      "Examples:\n"
      "  clearline config init server.toml\n"
      "  clearline config init | less\n\n"
      "Exit: 0 written, 5 the file is there already or cannot be written.");
  init.when_chosen([init_path, &command] { command.run = [init_path] { return run_init(*init_path); }; });

  auto check_path = std::make_shared<std::string>();
  const Verb check = config.add_verb("check", "Tell every fault of a configuration, with its place");
  check.add_option("FILE", *check_path, "Configuration").required().type("");
  check.footer(
      "Reads the token files too. Starts nothing and opens no registry.\n\n"
      "Example:\n  clearline config check server.toml\n\n"
      "Exit: 0 good, 78 at fault.");
  check.when_chosen([check_path, &command] { command.run = [check_path] { return run_check(*check_path); }; });

  auto show_path = std::make_shared<std::string>();
  const Verb show = config.add_verb("show", "Show what counts: every key, defaults and whole paths included");
  show.add_option("FILE", *show_path, "Configuration").required().type("");
  show.footer(
      "Prints TOML. No token and no hash is shown: token_hash = \"(set)\".\n\n"
      "Example:\n  clearline config show server.toml\n\n"
      "Exit: 0 shown, 78 at fault.");
  show.when_chosen([show_path, &command] { command.run = [show_path] { return run_show(*show_path); }; });
}

}  // namespace clearline
