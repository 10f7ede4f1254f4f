// ChangeConnections: those over which changes, and what operators ask for, come in and are answered.
//
//   lines --read--> parcel --ChangeQueue--> RegistryStore (journal, fsync, head, publish) --post--> slot --send--> peer
//
// Slots       each connection has a queue of them: a parcel that is written, or what an operator asked for. What is answered
//             waits in its slot for those before it. A checkpoint or a reload starts when its slot is the first, so that all the
//             connection sent before is in it.
// Who may     on the Unix socket the peer's user counts: the server's own and root may do all, others what a [[client]] with
//             their uid may; a hello with a token gives them that client's role instead. Over TCP a hello must be the first line. Who may
//             not change gets each change answered `denied`.
// Bounds      limits.change_connections, a quarter of them of peers without rights, and as many that are told that
//             they are refused. Memory: a connection holds limits.unanswered_changes changes and requests or
//             limits.unanswered_bytes of them, a read (kReadBytes) and a line (64 KiB) more at most, and their answers (some 200
//             bytes each, and the change_id; some 4 KiB for a status); it is not read while it has as many. The queue:
//             ChangeQueue::kQueuedMax changes, all of them of connections that hold them.
// Threads     that of its io_context, which never waits, and one for checkpoints and reloads, which may. Answers of the queue's
//             thread, and what an operator asked for, are posted to the first.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/change.h"
#include "io/formats/change_lines.h"
#include "io/formats/json_object.h"
#include "io/net/asio_parts.h"
#include "io/net/chores.h"
#include "io/net/lingerers.h"
#include "io/net/log.h"
#include "io/net/operator_actions.h"
#include "io/net/server_config.h"
#include "io/net/server_counters.h"
#include "io/net/serving.h"
#include "io/store/change_parcel.h"
#include "io/store/change_queue.h"

namespace clearline {

class ChangeConnections {
 public:
  /// All outlive it. `queue`: nothing where the registry is an image, each change is answered `read_only` then.
  struct Parts {
    asio::io_context& io;
    const Limits& limits;
    ChangeQueue* queue;  ///< null: an image is served
    OperatorActions actions;
    ChangeCounters& counters;
    Log& log;
  };
  ChangeConnections(Parts parts, ServingPtr serving);
  ~ChangeConnections();

  // On the thread of its io_context:
  void start();
  void welcome(Stream::socket socket);
  void use(ServingPtr serving);
  /// The registry is being read: until serve(), a status is answered, and all else is refused.
  void wait_for_registry() { is_loading_ = true; }
  void serve(ChangeQueue* queue) {
    parts_.queue = queue;
    is_loading_ = false;
  }
  /// Answers what was received, closes, and waits for nothing any more.
  void drain();

  // When that thread has ended:
  /// Ends its own thread; the queue may go then.
  void end_chores() { chores_.reset(); }
  void cut_all();

 private:
  struct Slot;
  struct Connection;
  using ConnectionPtr = std::shared_ptr<Connection>;
  enum class Ask : std::uint8_t;

  void give_rights(Connection& one, const ClientConfig& client);
  void wait_readable(const ConnectionPtr& connection);
  void read(const ConnectionPtr& connection);
  void take_line(const ConnectionPtr& connection, std::uint64_t number, std::string_view line);
  bool is_refused_protocol(Connection& one, std::string_view bytes);
  bool take_hello(Connection& one, std::string_view line);
  std::optional<Ask> read_ask(std::string_view line);
  void end_parcel(const ConnectionPtr& connection);
  static std::shared_ptr<Slot> add_slot(Connection& one, std::uint64_t lines);
  bool submit(const ConnectionPtr& connection, const std::shared_ptr<Slot>& slot, ChangeParcel& parcel);
  void submit_unqueued();
  void answered(Slot& slot, std::string text, const AnswerTally& tally);
  void start_ask(const ConnectionPtr& connection, const std::shared_ptr<Slot>& slot);
  void go_on(const ConnectionPtr& connection);
  void send(const ConnectionPtr& connection);
  void refuse(Connection& one, std::string_view error, std::string_view detail, bool is_hello, bool may_linger = true);
  void close_for(Connection& one, LimitHit limit, std::string_view detail, bool may_linger = true);
  void finish(Connection& one);
  void remove(Connection& one, bool is_abort);
  void leave(Connection& one);
  void count_gone();
  void end_if_drained();
  void sweep();
  std::size_t room(const Connection& one) const;

  Parts parts_;
  const Limits& limits_;
  ServingPtr serving_;
  asio::steady_timer sweeper_;
  asio::steady_timer retry_;
  bool is_retrying_ = false;
  std::vector<ConnectionPtr> connections_;
  Lingerers lingerers_;
  std::deque<ConnectionPtr> waiting_;  // with something unqueued, in the order in which they get room
  ChangeReader reader_;
  JsonObject object_;
  std::vector<char> bytes_;
  bool is_draining_ = false;
  bool is_loading_ = false;
  std::optional<Chores> chores_;
};

}  // namespace clearline
