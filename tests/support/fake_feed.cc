#include "tests/support/fake_feed.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace clearline::test {
namespace {

constexpr std::string_view kIdFront = R"({"id":")";
constexpr std::string_view kHelloOk = "{\"hello\":{\"ok\":true,\"role\":\"feed\"}}\n";

}  // namespace

std::string FakeFeed::answer(std::string_view line, std::uint64_t number) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  if (!line.starts_with(kIdFront)) {
    return R"({"id":null,"line":)" + std::to_string(number) +
           ",\"verdict\":\"error\",\"reasons\":[\"malformed\"],\"detail\":\"column 1: no declaration\"}\n";
  }
  constexpr std::array<std::string_view, 4> kVerdicts{R"(clear"})", R"(clear","checks":{"code":"active"}})",
                                                      R"(review","reasons":["name_not_on_file"]})",
                                                      R"(hold","reasons":["code_suspended","zip_mismatch"]})"};
  const std::string_view id = line.substr(kIdFront.size(), line.find('"', kIdFront.size()) - kIdFront.size());
  std::string text(kIdFront);
  text += id;
  text += R"(","verdict":")";
  text += kVerdicts[static_cast<unsigned char>(id.empty() ? '0' : id.back()) % kVerdicts.size()];
  return text + "\n";
}

std::string FakeFeed::answers(std::string_view text) {
  std::string all;
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    all += answer(text.substr(0, end), number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

FakeFeed::FakeFeed(std::function<Nastiness(int connection)> nastiness) : nastiness_(std::move(nastiness)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof here;
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&here), size) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size) != 0) {
    ADD_FAILURE() << "cannot listen: " << errno;
    return;
  }
  address_ = "127.0.0.1:" + std::to_string(ntohs(here.sin_port));
  thread_ = std::thread([this] {
    for (;;) {
      const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (must_stop_ || peer < 0) return;
      serve(peer, nastiness_(connections_++));
    }
  });
}

FakeFeed::~FakeFeed() {
  must_stop_ = true;
  shutdown(listener_, SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
  close(listener_);
}

void FakeFeed::serve(int peer, const Nastiness& nastiness) {
  const int one = 1;
  setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (nastiness.socket_bytes != 0) {
    setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &nastiness.socket_bytes, sizeof nastiness.socket_bytes);
    setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &nastiness.socket_bytes, sizeof nastiness.socket_bytes);
  }
  const auto send_all = [&](std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(peer, text.data(), nastiness.byte_by_byte ? 1 : text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  };
  std::string came;
  std::vector<char> bytes(nastiness.read_bytes);
  // False: there is no more.
  const auto receive = [&] {
    pollfd wanted{peer, POLLIN, 0};
    while (poll(&wanted, 1, 10) == 0) {
      if (must_stop_) return false;
    }
    const ssize_t got = recv(peer, bytes.data(), bytes.size(), 0);
    if (got > 0) came.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0;
  };
  const auto converse = [&] {
    if (nastiness.closes_at_once) return;
    std::this_thread::sleep_for(nastiness.read_nothing);
    while (came.find('\n') == std::string::npos) {
      if (!receive()) return;
    }
    hello_ = came.substr(0, came.find('\n'));
    came.erase(0, hello_.size() + 1);
    send_all(nastiness.hello_answer ? *nastiness.hello_answer : kHelloOk);
    if (nastiness.hello_answer) return;
    std::uint64_t number = 1;
    std::uint64_t given = 0;
    bool more = true;
    while (more && given != nastiness.answers) {
      more = receive();
      if (!more && !came.empty()) came += '\n';
      std::this_thread::sleep_for(nastiness.answer_pause);
      std::string out;
      std::size_t at = 0;
      for (std::size_t end = came.find('\n'); end != std::string::npos; end = came.find('\n', at)) {
        const std::string line = answer(std::string_view(came).substr(at, end - at), ++number);
        at = end + 1;
        if (line.empty()) continue;
        if (given == nastiness.answers) {
          if (nastiness.cuts_a_line) out += line.substr(0, line.size() / 2);
          break;
        }
        out += line;
        ++given;
      }
      came.erase(0, at);
      answered_ += static_cast<std::uint64_t>(std::count(out.begin(), out.end(), '\n'));
      send_all(out);
    }
    if (nastiness.last_line) send_all(*nastiness.last_line);
    // A half-close ends nothing: it is silent until the client comes again.
    pollfd next{listener_, POLLIN, 0};
    while (nastiness.stays_silent && !must_stop_ && poll(&next, 1, 10) == 0) {
      while (nastiness.reads_on && recv(peer, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
      }
    }
  };
  converse();
  if (nastiness.resets) {
    const linger now{1, 0};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(peer);
}

std::string fake_declarations(std::uint64_t lines, std::uint64_t first) {
  std::string text;
  for (std::uint64_t i = first; i < first + lines; ++i) {
    if (i % 13 == 0) {
      text += i % 2 == 0 ? "\n" : " \t\r\n";
    } else if (i % 7 == 0) {
      text += "{\"code\":\"P123456789012\"}\n";
    } else {
      text += R"({"id":"D)" + std::to_string(i) +
              "\",\"code\":\"P123456789012\",\"name\":\"HONG GILDONG\",\"zip\":\"04524\"}\n";
    }
  }
  return text;
}

}  // namespace clearline::test
