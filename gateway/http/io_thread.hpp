// Inside the server: one I/O thread with its connections, and what all of them share. Asio is seen here, in
// connection.hpp and in their sources, and nowhere else.
//
// An IoThread is kept alive by the Server and by every Responder under way, so an answer may come at any time;
// after close() it is dropped. Everything but deliver(), adopt() and post() belongs to its own thread.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/random.hpp"
#include "gateway/http/connection_limits.hpp"
#include "gateway/http/flowing_body.hpp"
#include "gateway/http/server.hpp"

namespace photogate::gateway::http {

class Connection;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Shared by all I/O threads.
struct ServerCore {
    ServerOptions options;
    std::vector<Listener> listeners;
    std::deque<ListenerQuota> quotas;
    std::vector<std::size_t> quota_of;  ///< of each listener
    AddressCounts addresses;
    std::function<void()> resume_accepting;  ///< from any thread
    std::atomic<bool> draining{false};
    std::atomic<std::size_t> connections{0};
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> accept_errors{0};
    std::atomic<std::uint64_t> accept_pauses{0};
    std::atomic<std::uint64_t> evicted{0};
    std::atomic<std::uint64_t> evicted_waits{0};
    std::atomic<std::uint64_t> abandoned{0};
    std::atomic<std::uint64_t> rejected_over_limit{0};
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> malformed{0};
    std::atomic<std::uint64_t> timeouts{0};
    FlowLimits flow;
    std::atomic<std::size_t> flowing{0};  ///< bodies, of which each has a share of the buffers
    std::mutex mutex;
    std::condition_variable changed;  ///< connections or open_acceptors fell
    std::size_t open_acceptors = 0;   ///< under the mutex

    ListenerQuota& quota(const ConnectionSlot& slot) { return quotas[quota_of[slot.listener]]; }
    void connection_gone(const ConnectionSlot& slot);
};

using BodyPiece = Result<std::string>;
/// The request waits for something to happen, rather than for work: Responder::on_abandoned.
struct NowWaiting {};
/// The time for the request's body as a whole: RequestBody::allow.
struct BodyTime {
    std::chrono::milliseconds time;
};
/// The body is to flow: FlowingBody::flow.
struct NowFlowing {};
/// The body ends here: FlowingBody::interrupt.
struct Interruption {
    Error why;
};
/// Goes out before the answer: FlowingBody::inform.
struct Interim {
    Response response;
};
/// What comes to a connection from elsewhere: an answer, a piece of one, or the wish for a piece of the body.
using Delivered = std::variant<Response, BodyPiece, RequestBody::Taken, NowWaiting, BodyTime, NowFlowing,
                               Interruption, Interim>;

/// What a connection is doing, as far as that decides which ones end where connections run short. In that
/// order: `leaving` at once, then `waiting`, then `silent` after ServerLimits::yields_after; never `busy`.
enum class Standing {
    leaving,  ///< its client has finished sending, and the answer is not there yet
    waiting,  ///< its request waits for something to happen
    silent,   ///< it has nothing to be answered
    busy,
};

class IoThread : public std::enable_shared_from_this<IoThread> {
  public:
    IoThread(std::shared_ptr<ServerCore> core, std::size_t number);
    ~IoThread();

    void start();
    boost::asio::io_context& context() { return context_; }
    ServerCore& core() { return *core_; }
    const std::shared_ptr<ServerCore>& shared_core() const { return core_; }
    const ServerLimits& limits() const { return core_->options.limits; }

    /// Any thread. The connection has been counted.
    void adopt(boost::asio::ip::tcp::socket socket, ConnectionSlot slot);
    /// Any thread: ends some connections of this quota, those that are missed least.
    void make_room(std::size_t quota);
    /// Any thread. To the request that `exchange` numbers, if it is still there.
    void deliver(std::weak_ptr<Connection> to, std::uint64_t exchange, Delivered what);
    /// Any thread: ends connections that wait between requests.
    void begin_drain();
    /// Any thread: cuts all connections; the thread ends when nothing is left to do.
    void close();
    void join();
    std::chrono::microseconds lag() const { return std::chrono::microseconds{lag_.load()}; }

    void remove(Connection& connection);
    /// Connections of one standing, in the order in which they came to it.
    using Line = std::list<Connection*>;
    void stands(Connection& connection, Standing standing);
    /// 64 KiB for one read at a time: connections keep only what belongs to an unfinished request.
    std::array<char, 65'536>& scratch() { return *scratch_; }
    std::string new_request_id();
    /// The Date header's value, made once a second.
    const std::string& date();

  private:
    struct Delivery {
        std::weak_ptr<Connection> to;
        std::uint64_t exchange;
        Delivered what;
    };
    static void hand_over(Delivery delivery);
    void run();
    void arm_tick();
    void tick();
    void take_deliveries();
    void evict_some(std::size_t quota, SteadyTime now);
    Line& line_of(const Connection& connection);

    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    boost::asio::steady_timer ticker_;
    std::shared_ptr<ServerCore> core_;
    std::size_t number_;
    std::chrono::milliseconds tick_every_;
    SteadyTime tick_due_;
    std::atomic<std::int64_t> lag_{0};
    std::unique_ptr<std::array<char, 65'536>> scratch_;
    SystemRandom random_;
    std::int64_t date_second_ = 0;
    std::string date_;
    std::vector<std::shared_ptr<Connection>> connections_;
    static constexpr std::size_t standings = 4;
    std::vector<std::array<Line, standings>> lines_;  ///< by quota, then by Standing
    std::mutex inbox_mutex_;
    std::vector<Delivery> inbox_;
    bool closed_ = false;                     ///< under inbox_mutex_
    std::atomic<std::thread::id> thread_id_;  ///< readable while join() runs
    std::thread thread_;
};

}  // namespace photogate::gateway::http
