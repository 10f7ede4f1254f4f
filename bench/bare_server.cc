// A server that does nothing: what Boost.Asio and the kernel cost where every line is answered and no line is read. Beside it the
// feed is measured.
//
//   bare_server [THREADS]     2; prints `listening feed 127.0.0.1:PORT` and `ready`, as clearline serve does, and runs until killed
//
// Like the feed it has an io_context a thread, which connections are dealt to in turn, reads what is there into 128 KiB, and writes
// the answers to one read at once. It counts line ends, and the answer is a constant.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
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

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(tcp::socket socket) : socket_(std::move(socket)), read_(kReadBytes) {
    socket_.set_option(tcp::no_delay(true));
  }

  void read() {
    socket_.async_read_some(asio::buffer(read_),
                            [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
                              if (!error) self->answer(count_line_ends({self->read_.data(), size}));
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
  std::vector<char> read_;
};

class Server {
 public:
  explicit Server(int threads) {
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
        asio::post(context, [connection = std::make_shared<Connection>(std::move(socket))] { connection->read(); });
      }
      accept();
    });
  }

  std::deque<asio::io_context> contexts_;
  std::unique_ptr<tcp::acceptor> acceptor_;
  std::size_t turn_ = 0;
};

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  try {
    clearline::bench::Server(argc > 1 ? static_cast<int>(std::strtol(argv[1], nullptr, 10)) : 2).run();
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bare_server: %s\n", fault.what());
    return 1;
  }
  return 0;
}
