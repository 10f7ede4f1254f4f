// ServingFixture: what tests of servers in their own process share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "clearline/policy.h"
#include "io/net/clients.h"
#include "io/net/log.h"
#include "io/net/server_config.h"
#include "io/net/server_counters.h"
#include "io/net/serving.h"
#include "tests/support/tcp_client.h"

namespace clearline::test {

inline std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

/// For limits on how long peers may be silent, where others are not to meet them: longer than a busy machine holds up who
/// goes on.
inline constexpr std::chrono::milliseconds kLongPause(1'000);

class ServingFixture : public testing::Test {
 protected:
  ServingFixture() : log_(LogLevel::kError) {}

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
  /// Sends a text, and no more; all that comes back.
  static std::string answers_to(const std::string& address, const std::string& text) {
    TcpClient client(address);
    EXPECT_TRUE(client.send(text));
    client.half_close();
    return client.read_all();
  }

  ServerConfig config_;
  ServerCounters counters_;
  Log log_;
};

}  // namespace clearline::test
