// A server that does nothing: what Boost.Asio and the kernel cost where every line is answered and no line is read. Beside it the
// feed is measured.
//
//   bare_server [THREADS [NS]]     2, 0; prints `listening feed 127.0.0.1:PORT` and `ready`, as clearline serve does, and runs until
//                                  killed. With NS it counts for so many nanoseconds a line: a server that does as much as another,
//                                  and nothing of it
//
// It has an io_context a thread, which connections are dealt to in turn, and as the feed does it reads what is there into 128 KiB, and writes
// the answers to one read at once. It counts line ends, and the answer is a constant.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bench/line_ends.h"

namespace clearline::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kReadBytes = std::size_t{128} << 10;
constexpr std::string_view kAnswer = "{\"id\":\"D1\",\"verdict\":\"clear\"}\n";
constexpr std::size_t kAnswersAtOnce = 4'096;

const std::string& answers() {
  static const std::string text = [] {
    std::string repeated;
    for (std::size_t i = 0; i < kAnswersAtOnce; ++i) repeated += kAnswer;
    return repeated;
  }();
  return text;
}

/// Processor time in the place of work. It is counted, not measured: time that the thread waits for a processor is none of it.
class Work {
 public:
  explicit Work(double ns_a_line) {
    if (ns_a_line <= 0) return;
    constexpr std::size_t kCounts = 1'000'000;
    constexpr int kTurns = 20;
    double least_ns = std::numeric_limits<double>::max();  // of all turns: the others were interrupted
    for (int turn = 0; turn < kTurns; ++turn) {
      const auto start = std::chrono::steady_clock::now();
      count(kCounts);
      least_ns = std::min(least_ns,
                          std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
    }
    counts_a_line_ = ns_a_line * kCounts / least_ns;
  }
  void on(std::size_t lines) const { count(static_cast<std::size_t>(counts_a_line_ * static_cast<double>(lines))); }

 private:
  static void count(std::size_t to) {
    for (std::size_t i = 0; i < to; ++i) __asm__ volatile("" : "+r"(i));
  }
  double counts_a_line_ = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const Work& work) : socket_(std::move(socket)), work_(work), read_(kReadBytes) {
    socket_.set_option(tcp::no_delay(true));
  }

  void read() {
    socket_.async_read_some(asio::buffer(read_),
                            [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
                              if (error) return;
                              const std::size_t lines = count_line_ends({self->read_.data(), size});
                              self->work_.on(lines);
                              self->answer(lines);
                            });
  }

 private:
  void answer(std::size_t count) {
    if (count == 0) return read();
    const std::size_t now = std::min(count, kAnswersAtOnce);
    asio::async_write(socket_, asio::buffer(answers().data(), now * kAnswer.size()),
                      [self = shared_from_this(), left = count - now](boost::system::error_code error, std::size_t) {
                        if (!error) self->answer(left);
                      });
  }

  tcp::socket socket_;
  const Work& work_;
  std::vector<char> read_;
};

class Server {
 public:
  Server(int threads, double ns_a_line) : work_(ns_a_line) {
    for (int i = 0; i < threads; ++i) contexts_.emplace_back(1);
    acceptor_ = std::make_unique<tcp::acceptor>(contexts_.front(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  }

  void run() {
    std::printf("listening feed 127.0.0.1:%u\nready\n", static_cast<unsigned>(acceptor_->local_endpoint().port()));
    std::fflush(stdout);
    accept();
    std::vector<std::jthread> threads;
    threads.reserve(contexts_.size());
    for (asio::io_context& context : contexts_) {
      threads.emplace_back([&context] {
        const auto work = asio::make_work_guard(context);
        context.run();
      });
    }
  }

 private:
  void accept() {
    asio::io_context& context = contexts_[turn_++ % contexts_.size()];
    acceptor_->async_accept(context, [this, &context](boost::system::error_code error, tcp::socket socket) {
      if (!error) {
        asio::post(context,
                   [connection = std::make_shared<Connection>(std::move(socket), work_)] { connection->read(); });
      }
      accept();
    });
  }

  Work work_;
  std::deque<asio::io_context> contexts_;
  std::unique_ptr<tcp::acceptor> acceptor_;
  std::size_t turn_ = 0;
};

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  try {
    const int threads = argc > 1 ? static_cast<int>(std::strtol(argv[1], nullptr, 10)) : 2;
    clearline::bench::Server(threads, argc > 2 ? std::strtod(argv[2], nullptr) : 0).run();
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bare_server: %s\n", fault.what());
    return 1;
  }
  return 0;
}
