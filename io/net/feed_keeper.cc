#include "io/net/feed_keeper.h"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "io/formats/block.h"

namespace clearline {
namespace {

using Phase = FeedConnection::Phase;
using When = ReadyQueue::When;

constexpr std::chrono::milliseconds kStarvedRetry{5};

}  // namespace

FeedKeeper::FeedKeeper(FeedHub& hub, FeedCounters& counters, asio::io_context& io,
                       std::function<void(const std::string&)> gone)
    : hub_(hub),
      counters_(counters),
      limits_(hub.config.limits),
      io_(io),
      gone_(std::move(gone)),
      out_(hub, counters),
      sweeper_(io),
      starved_timer_(io),
      lingerers_(limits_.write_stall_timeout),
      needs_token_(!hub.serving.get()->clients.empty()) {
  hub.closed = [this](FeedSlot& slot, bool lingers) {
    asio::post(io_, [this, &slot, lingers] { see_out(slot, lingers); });
  };
  hub.starved = [this](FeedSlot& slot) {
    asio::post(io_, [this, &slot] {
      starved_.push_back(&slot);
      if (starved_.size() == 1) retry_starved();
    });
  };
}

void FeedKeeper::start() { sweep(); }

void FeedKeeper::take(int descriptor, const Tcp::endpoint& peer) {
  if (free_.empty()) free_.push_back(&slots_.emplace_back());
  FeedSlot& slot = *free_.back();
  free_.pop_back();
  ++taken_;
  counters_.opened.add();
  const std::scoped_lock lock(slot.mutex);
  slot.connection = std::make_unique<FeedConnection>(descriptor, peer, limits_.line_bytes + kBom.size());
  hub_.log.write(LogLevel::kDebug, "feed_opened", {{"address", slot.connection->address}});
  if (hub_.ready.add(descriptor, slot)) {
    hub_.ready.ask(descriptor, slot, When::kReadable);
  } else {
    out_.abort(slot);
  }
}

void FeedKeeper::apply_serving() {
  const ServingPtr serving = hub_.serving.get();
  const bool needed_token = std::exchange(needs_token_, !serving->clients.empty());
  for (FeedSlot& slot : slots_) {
    const std::scoped_lock lock(slot.mutex);
    if (!slot.connection) continue;
    FeedConnection& connection = *slot.connection;
    // Whoever needed no hello has its time for one from now on.
    if (connection.phase == Phase::kHello && !needed_token) connection.hello_start = Clock::now();
    if (connection.phase != Phase::kOpen || is_still_known(connection, serving->clients)) continue;
    connection.is_removed = true;
    if (connection.held.empty()) out_.refuse_removed(slot);
  }
}

/// Whether it may be served under what is served now. (Without a client it was opened when no token was needed.)
bool FeedKeeper::is_still_known(FeedConnection& connection, const Clients& clients) const {
  if (!connection.client) return clients.empty();
  const ClientConfig* const client = clients.now(*connection.client);
  if (client != nullptr) connection.client = *client;  // its columns may be others now
  return client != nullptr;
}

void FeedKeeper::drain() {
  is_draining_ = true;
  for (FeedSlot& slot : slots_) {
    const std::scoped_lock lock(slot.mutex);
    if (!slot.connection || !slot.connection->is_served()) continue;
    FeedConnection& connection = *slot.connection;
    connection.left_to_drain = received_bytes(connection.descriptor);
    if (!connection.held.empty() || connection.is_starved) continue;  // goes on when that ends
    if (connection.left_to_drain == 0U && connection.lines.kept_bytes() == 0) {
      out_.finish(slot);
    } else {
      hub_.ready.ask(connection.descriptor, slot, When::kAtOnce);
    }
  }
  end_if_drained();
}

/// Behind the thread that closed it, which has let its slot go.
void FeedKeeper::see_out(FeedSlot& slot, bool lingers) {
  std::unique_ptr<FeedConnection> connection;
  {
    const std::scoped_lock lock(slot.mutex);
    connection = std::move(slot.connection);
  }
  free_.push_back(&slot);
  if (lingers) {
    Stream::socket socket(io_);
    error_code error;
    socket.assign(connection->protocol, connection->descriptor, error);
    if (!error) {
      lingerers_.add(std::move(socket), [this, address = connection->address] { count_gone(address); });
      return;
    }
    ::close(connection->descriptor);
  }
  count_gone(connection->address);
}

void FeedKeeper::count_gone(const std::string& address) {
  counters_.closed.add();
  --taken_;
  gone_(address);
  end_if_drained();
}

void FeedKeeper::end_if_drained() {
  if (!is_draining_ || taken_ != 0) return;
  sweeper_.cancel();
  starved_timer_.cancel();
}

void FeedKeeper::cut_all() {
  for (FeedSlot& slot : slots_) {
    const std::unique_ptr<FeedConnection> connection = std::move(slot.connection);
    if (!connection) continue;
    if (connection->is_served()) counters_.aborted.add();
    hub_.all.unanswered_bytes.fetch_sub(connection->counted, std::memory_order_relaxed);
    if (connection->descriptor >= 0) ::close(connection->descriptor);
    count_gone(connection->address);
  }
  lingerers_.cut_all();
}

void FeedKeeper::retry_starved() {
  starved_timer_.expires_after(kStarvedRetry);
  starved_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    if (is_full() && !is_draining_) return retry_starved();  // no worker need look at that
    for (FeedSlot* const slot : std::exchange(starved_, {})) {
      const std::scoped_lock lock(slot->mutex);
      if (!slot->connection || !slot->connection->is_served() || !slot->connection->is_starved) continue;
      slot->connection->is_starved = false;
      hub_.ready.ask(slot->connection->descriptor, *slot, When::kAtOnce);
    }
  });
}

/// Whether so much is unanswered that nobody may be read.
bool FeedKeeper::is_full() const {
  return hub_.all.unanswered_bytes.load(std::memory_order_relaxed) >= limits_.unanswered_bytes_total;
}

/// Closes who has been quiet for too long. Where idleness counts, bytes that nobody has read yet are no silence: the
/// server is late then.
/// Comes again a few times in the shortest of the timeouts.
void FeedKeeper::sweep() {
  const auto now = Clock::now();
  for (FeedSlot& slot : slots_) {
    const std::scoped_lock lock(slot.mutex);
    if (slot.connection && slot.connection->is_served()) look_at(slot, now);
  }
  lingerers_.sweep(now);
  if (is_draining_ && taken_ == 0) return;
  sweeper_.expires_after(sweep_period(limits_));
  sweeper_.async_wait([this](const error_code& error) {
    if (!error) sweep();
  });
}

void FeedKeeper::look_at(FeedSlot& slot, Clock::time_point now) {
  FeedConnection& one = *slot.connection;
  const auto quiet = now - one.last_active;
  if (one.phase == Phase::kHello && needs_token_ && now - one.hello_start >= limits_.handshake_timeout) {
    out_.close_for(slot, LimitHit::kHandshakeTimeout, "no hello came in time");
    return;
  }
  if (!one.held.empty()) {
    // The system tells that there is room only when there is much: a slow reader shows in what it has to send still.
    const std::size_t queued = unsent_bytes(one.descriptor);
    if (queued < std::exchange(one.queued, queued)) {
      one.last_active = now;
    } else if (quiet >= limits_.write_stall_timeout) {
      out_.close_for(slot, LimitHit::kWriteStallTimeout, "answers were not taken");
    }
  } else if (is_full() && one.lines.kept_bytes() != 0 && quiet >= limits_.write_stall_timeout) {
    // Pieces of lines would keep everybody from being read, and nobody could end them.
    out_.close_for(slot, LimitHit::kUnansweredBytesTotal, "too much is unanswered, and a line had no end for too long");
  } else if (!one.is_starved && quiet >= limits_.idle_timeout && received_bytes(one.descriptor) == 0) {
    out_.close_for(slot, LimitHit::kIdleTimeout, "nothing came for too long");
  }
}

}  // namespace clearline
