// RunningServer: `clearline serve` as a process of a test, on ports the system picks.
#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/process.h"

namespace clearline::test {

class RunningServer {
 public:
  /// Starts it over a registry directory (or an image, when the path ends in .img) and waits until it is ready. `more` is
  /// appended to the configuration; it may hold sections ([limits], [[client]]), `feed` keys of [feed], `registry_keys` some of
  /// [registry].
  explicit RunningServer(const std::string& registry, std::string_view more = "", std::string_view feed = "",
                         const ProcessSetup& setup = {}, std::string_view registry_keys = "")
      : config_(folder_.path("server.toml")), registry_keys_(registry_keys), setup_(setup) {
    write(registry, more, feed);
    start();
  }

  /// Kills it and starts it again, on the same ports.
  void restart() {
    process_->kill();
    (void)process_->end();
    std::string text = read_file(config_);
    const std::size_t any = text.find("127.0.0.1:0\"");
    if (any != std::string::npos) text.replace(any, 11, feed_);
    std::ofstream(config_) << text;
    changes_.clear();
    is_ready_ = false;
    start();
  }

  /// Writes the configuration again, for a reload.
  void write(const std::string& registry, std::string_view more, std::string_view feed = "") {
    std::ofstream file(config_);
    file << "[registry]\n"
         << (registry.ends_with(".img") ? "image" : "dir") << " = \"" << registry << "\"\n"
         << registry_keys_ << "[feed]\nlisten = [\"127.0.0.1:0\"]\n"
         << feed << "\n[changes]\nsocket = \"" << socket() << "\"\n"
         << more << "\n";
  }

  bool is_ready() const { return is_ready_; }
  const std::string& feed() const { return feed_; }  ///< 127.0.0.1:40123
  std::string socket() const { return folder_.path("changes.sock"); }
  const std::vector<std::string>& changes() const { return changes_; }  ///< as they were printed
  const std::string& config() const { return config_; }
  const TestFolder& folder() const { return folder_; }
  Conversation& process() { return *process_; }
  /// Sends a signal and waits for the end.
  ProcessResult stop(int signal = 15) {
    process_->signal(signal);
    return process_->end();
  }

 private:
  void start() {
    process_ = std::make_unique<Conversation>(std::vector<std::string>{"serve", "--config", config_}, setup_);
    while (const auto line = process_->read_line()) {
      if (line->starts_with("listening feed ")) feed_ = line->substr(15);
      if (line->starts_with("listening changes ")) changes_.push_back(line->substr(18));
      if (*line == "ready") {
        is_ready_ = true;
        break;
      }
    }
  }

  TestFolder folder_;
  std::string config_;
  std::string registry_keys_;  // of [registry]
  ProcessSetup setup_;
  std::unique_ptr<Conversation> process_;
  bool is_ready_ = false;
  std::string feed_;
  std::vector<std::string> changes_;
};

}  // namespace clearline::test
