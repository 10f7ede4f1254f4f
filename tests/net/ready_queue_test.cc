#include "io/net/ready_queue.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "io/net/feed_hub.h"

namespace clearline::test {
namespace {

using When = ReadyQueue::When;

/// Two connected sockets, one of them watched by a slot.
struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    near = ends[0];
    far = ends[1];
  }
  ~Pair() {
    ::close(near);
    ::close(far);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  void say() const { EXPECT_EQ(::send(far, "x", 1, MSG_NOSIGNAL), 1); }

  int near = -1;
  int far = -1;
  FeedSlot slot;
};

TEST(ReadyQueue, TellsOfAConnectionOnceUntilItIsAskedAgain) {
  ReadyQueue queue;
  Pair pair;
  ASSERT_TRUE(queue.add(pair.near, pair.slot));
  pair.say();
  Pair other;
  ASSERT_TRUE(queue.add(other.near, other.slot));
  queue.ask(other.near, other.slot, When::kAtOnce);
  EXPECT_EQ(queue.wait(), &other.slot) << "nobody has asked about the first";
  queue.ask(pair.near, pair.slot, When::kReadable);
  EXPECT_EQ(queue.wait(), &pair.slot);
  pair.say();
  queue.ask(other.near, other.slot, When::kWritable);
  EXPECT_EQ(queue.wait(), &other.slot) << "the first has been told of";
  queue.ask(pair.near, pair.slot, When::kReadable);
  queue.end();
  EXPECT_EQ(queue.wait(), nullptr) << "what could be served is left";
  EXPECT_EQ(queue.wait(), nullptr) << "everybody is told of the end";
}

TEST(ReadyQueue, TellsOfAPeerThatIsGone) {
  ReadyQueue queue;
  Pair pair;
  ASSERT_TRUE(queue.add(pair.near, pair.slot));
  queue.ask(pair.near, pair.slot, When::kReadable);
  ::shutdown(pair.far, SHUT_RDWR);
  EXPECT_EQ(queue.wait(), &pair.slot);
}

// What is said is heard, by one thread at a time, whichever it is.
TEST(ReadyQueue, ManyThreadsServeManyConnections) {
  constexpr std::size_t kPairs = 32;
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kWords = 200;
  ReadyQueue queue;
  std::deque<Pair> pairs(kPairs);
  std::vector<std::size_t> heard(kPairs);  // each by the lock of its slot
  std::atomic<std::size_t> all = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (FeedSlot* const slot = queue.wait()) {
        const std::scoped_lock lock(slot->mutex);
        std::size_t at = 0;
        while (&pairs[at].slot != slot) ++at;
        std::array<char, 3> words{};
        const ssize_t got = recv(pairs[at].near, words.data(), words.size(), MSG_DONTWAIT);
        if (got > 0) heard[at] += static_cast<std::size_t>(got);
        if (got > 0) all += static_cast<std::size_t>(got);
        queue.ask(pairs[at].near, *slot, When::kReadable);
      }
    });
  }
  for (Pair& pair : pairs) {
    ASSERT_TRUE(queue.add(pair.near, pair.slot));
    queue.ask(pair.near, pair.slot, When::kReadable);
  }
  for (std::size_t word = 0; word < kWords; ++word) {
    for (const Pair& pair : pairs) pair.say();
  }
  while (all != kPairs * kWords) std::this_thread::yield();
  queue.end();
  threads.clear();
  for (std::size_t i = 0; i < kPairs; ++i) EXPECT_EQ(heard[i], kWords) << i;
}

}  // namespace
}  // namespace clearline::test
