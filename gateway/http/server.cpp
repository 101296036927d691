#include "gateway/http/server.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "gateway/http/client_address.hpp"
#include "gateway/http/connection.hpp"
#include "gateway/http/io_thread.hpp"

namespace photogate::gateway::http {

namespace {

using boost::asio::ip::tcp;
using Code = boost::system::error_code;

constexpr std::chrono::milliseconds pause_after_failure{100};
/// Rejected clients return at once: the log gets at most one line in this time.
constexpr std::chrono::seconds between_complaints{60};

std::string printed(const Listener& listener) {
    return listener.address + " port " + std::to_string(listener.port);
}

/// One listening socket. It belongs to the first I/O thread; connections go round all I/O threads.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
  public:
    Acceptor(std::shared_ptr<ServerCore> core, const std::vector<std::shared_ptr<IoThread>>& io_threads,
             std::size_t listener)
        : core_(std::move(core)),
          io_threads_(io_threads),
          listener_(listener),
          acceptor_(io_threads.front()->context()),
          pause_(io_threads.front()->context()) {}

    /// Whether an IPv4 address of the same port has a listener of its own, so that `[::]` must leave IPv4 to it.
    bool beside_ipv4(const Listener& listener) const {
        return std::any_of(core_->listeners.begin(), core_->listeners.end(), [&](const Listener& other) {
            return other.port == listener.port && other.address.find(':') == std::string::npos;
        });
    }

    Result<std::uint16_t> open() {
        const Listener& listener = core_->listeners[listener_];
        Code error;
        boost::asio::ip::address address = boost::asio::ip::make_address(listener.address, error);
        if (error) return fail(ErrorCode::cannot_bind, "not an IP address: " + listener.address);
        tcp::endpoint endpoint{address, listener.port};
        acceptor_.open(endpoint.protocol(), error);
        if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error && address.is_v6())
            acceptor_.set_option(boost::asio::ip::v6_only(beside_ipv4(listener)), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
        if (!error) acceptor_.non_blocking(true, error);
        if (!error) endpoint = acceptor_.local_endpoint(error);
        if (error) {
            return fail(ErrorCode::cannot_bind,
                        "can't listen on " + printed(listener) + ": " + error.message());
        }
        return endpoint.port();
    }

    /// These run on the first I/O thread.
    void accept() {
        if (!acceptor_.is_open()) return;
        if (quota().full()) {
            // Evict an idle connection only once a new one is pending.
            acceptor_.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](Code error) {
                if (!error) self->somebody_came();
            });
            return;
        }
        // Chosen here once: the socket belongs to that I/O thread's context, whatever is accepted meanwhile.
        IoThread& io_thread = next_io_thread();
        acceptor_.async_accept(io_thread.context(),
                               [self = shared_from_this(), &io_thread](Code error, tcp::socket socket) {
                                   self->accepted(error, std::move(socket), io_thread);
                               });
    }

    void somebody_came() {
        if (quota().full()) {
            quota().wanted = true;
            ++core_->accept_pauses;
            // A connection may have ended before it could see the flag.
            if (quota().full()) {
                waiting_ = true;
                ask_for_room();
                return;
            }
        }
        accept();
    }

    void resume() {
        if (!waiting_) return;
        waiting_ = false;
        accept();
    }

    void close() {
        // Whoever is in the backlog has connected: a reset would be a failed request.
        while (acceptor_.is_open()) {
            Code error;
            IoThread& io_thread = next_io_thread();
            tcp::socket socket = acceptor_.accept(io_thread.context(), error);
            if (error) break;
            hand_over(std::move(socket), io_thread);
        }
        Code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
    }

  private:
    IoThread& next_io_thread() { return *io_threads_[next_++ % io_threads_.size()]; }

    void accepted(Code error, tcp::socket socket, IoThread& io_thread) {
        if (!acceptor_.is_open()) {
            if (!error) hand_over(std::move(socket), io_thread);
            return;
        }
        if (!error) {
            hand_over(std::move(socket), io_thread);
            return accept();
        }
        if (error == boost::asio::error::operation_aborted) return;
        ++core_->accept_errors;
        if (error == boost::asio::error::connection_aborted) return accept();
        // Out of descriptors or memory, most likely: nothing is wrong with the listening socket, it only has
        // to wait.
        if (!failing_) log::error("http.accept_failed", {{"what", error.message()}});
        failing_ = true;
        ++core_->accept_pauses;
        quota().wanted = true;
        ask_for_room();
        pause_.expires_after(pause_after_failure);
        pause_.async_wait([self = shared_from_this()](Code cancelled) {
            if (!cancelled) self->accept();
        });
    }

    void hand_over(tcp::socket socket, IoThread& to) {
        failing_ = false;
        ++core_->accepted;
        Code error;
        const tcp::endpoint from = socket.remote_endpoint(error);
        if (error) return;  // it has gone already
        ConnectionSlot slot{listener_, address_of(from), std::nullopt};
        const std::size_t most = core_->options.limits.connections_per_address;
        if (most > 0 && !is_any_of(slot.peer, core_->options.trusted_proxies)) {
            slot.counted = slot.peer.subscriber();
            if (!core_->addresses.enter(*slot.counted, most))
                return reject_over_limit(std::move(socket), slot);
        }
        ++core_->connections;
        ++quota().connections;
        to.adopt(std::move(socket), slot);
    }

    static IpAddress address_of(const tcp::endpoint& endpoint) {
        IpAddress address;
        address.bytes =
            endpoint.address().is_v6()
                ? endpoint.address().to_v6().to_bytes()
                : boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, endpoint.address().to_v4())
                      .to_bytes();
        return address;
    }

    /// Says why, as far as that goes at once: who is over the limit is not waited for.
    void reject_over_limit(tcp::socket socket, const ConnectionSlot& slot) {
        ++core_->rejected_over_limit;
        const auto now = std::chrono::steady_clock::now();
        if (now >= next_complaint_) {
            next_complaint_ = now + between_complaints;
            log::warn("http.rejected_over_limit", {{"remote", slot.peer.text()},
                                                   {"most", core_->options.limits.connections_per_address},
                                                   {"remedy", "if this is a proxy in front, trust it"}});
        }
        IoThread& io_thread = *io_threads_.front();
        Response response = Response::problem({ErrorCode::rate_limited,
                                               "this address has as many connections open as it may",
                                               {},
                                               std::nullopt});
        const std::string id = io_thread.new_request_id();
        core_->listeners[listener_].service->word(response, {core_->options.docs_base, id, {}});
        const auto* body = std::get_if<std::string>(&response.body);
        std::string out;
        append_head(
            out, response, {Coding::length, body ? body->size() : 0},
            {.request_id = id, .date = io_thread.date(), .extra = {}, .persistence = Persistence::close});
        if (body) out += *body;
        Code ignored;
        socket.non_blocking(true, ignored);
        // What was not read would end the connection with a reset, and the answer with it.
        socket.read_some(boost::asio::buffer(io_thread.scratch()), ignored);
        socket.write_some(boost::asio::buffer(out), ignored);
        socket.shutdown(tcp::socket::shutdown_send, ignored);
    }

    ListenerQuota& quota() { return core_->quotas[core_->quota_of[listener_]]; }

    void ask_for_room() {
        for (const auto& io_thread : io_threads_)
            io_thread->make_room(core_->quota_of[listener_]);
    }

    std::shared_ptr<ServerCore> core_;
    const std::vector<std::shared_ptr<IoThread>>& io_threads_;  ///< the Server's, which outlives its threads
    std::size_t listener_;
    tcp::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    std::size_t next_ = 0;
    bool waiting_ = false;  ///< for a connection to end, while a connection is pending
    bool failing_ = false;  ///< said once in the log
    SteadyTime next_complaint_ = SteadyTime::min();
};

}  // namespace

struct Server::State {
    std::shared_ptr<ServerCore> core = std::make_shared<ServerCore>();
    std::vector<std::shared_ptr<IoThread>> io_threads;
    std::vector<std::shared_ptr<Acceptor>>
        acceptors;  ///< after the I/O threads: their sockets need the I/O threads' contexts
    std::vector<std::uint16_t> ports;
    bool joined = false;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::start(std::vector<Listener> listeners, ServerOptions options) {
    if (listeners.empty() || options.threads == 0) {
        return fail(ErrorCode::invalid_configuration, "a server needs a listener and a thread");
    }
    auto state = std::make_unique<State>();
    state->core->options = std::move(options);
    state->core->listeners = std::move(listeners);
    state->core->quotas.emplace_back(state->core->options.limits.connections);
    for (const Listener& listener : state->core->listeners) {
        if (listener.connections > 0) state->core->quotas.emplace_back(listener.connections);
        state->core->quota_of.push_back(listener.connections > 0 ? state->core->quotas.size() - 1 : 0);
    }
    for (std::size_t i = 0; i < state->core->options.threads; ++i) {
        state->io_threads.push_back(std::make_shared<IoThread>(state->core, i));
    }
    for (std::size_t i = 0; i < state->core->listeners.size(); ++i) {
        auto acceptor = std::make_shared<Acceptor>(state->core, state->io_threads, i);
        Result<std::uint16_t> port = acceptor->open();
        if (!port) return fail(std::move(port.error()));
        state->ports.push_back(*port);
        state->acceptors.push_back(std::move(acceptor));
    }
    // Weak: the core outlives the Server while late Responders hold it.
    state->core->resume_accepting =
        [io_thread = std::weak_ptr(state->io_threads.front()),
         acceptors = std::vector<std::weak_ptr<Acceptor>>(state->acceptors.begin(), state->acceptors.end())] {
            std::shared_ptr<IoThread> first = io_thread.lock();
            if (!first) return;
            boost::asio::post(first->context(), [acceptors] {
                for (const auto& weak : acceptors) {
                    if (std::shared_ptr<Acceptor> acceptor = weak.lock()) acceptor->resume();
                }
            });
        };
    state->core->open_acceptors = state->acceptors.size();
    for (const auto& io_thread : state->io_threads)
        io_thread->start();
    for (const auto& acceptor : state->acceptors) {
        boost::asio::post(state->io_threads.front()->context(), [acceptor] { acceptor->accept(); });
    }
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
    drain(std::chrono::milliseconds{0});
}

const std::vector<std::uint16_t>& Server::ports() const {
    return state_->ports;
}

void Server::stop_accepting() {
    if (state_->core->draining.exchange(true)) return;
    boost::asio::post(state_->io_threads.front()->context(),
                      [core = state_->core, acceptors = state_->acceptors, io_threads = state_->io_threads] {
                          for (const auto& acceptor : acceptors)
                              acceptor->close();
                          for (const auto& io_thread : io_threads)
                              io_thread->begin_drain();
                          {
                              std::lock_guard lock(core->mutex);
                              core->open_acceptors = 0;
                          }
                          core->changed.notify_all();
                      });
}

std::size_t Server::drain(std::chrono::milliseconds patience) {
    if (state_->joined) return 0;
    stop_accepting();
    ServerCore& core = *state_->core;
    std::size_t left = 0;
    {
        std::unique_lock lock(core.mutex);
        core.changed.wait(lock, [&] { return core.open_acceptors == 0; });
        core.changed.wait_for(lock, patience, [&] { return core.connections == 0; });
        left = core.connections;
    }
    for (const auto& io_thread : state_->io_threads)
        io_thread->close();
    for (const auto& io_thread : state_->io_threads)
        io_thread->join();
    state_->joined = true;
    return left;
}

ServerStats Server::stats() const {
    const ServerCore& core = *state_->core;
    ServerStats stats{.connections = core.connections,
                      .accepted = core.accepted,
                      .accept_errors = core.accept_errors,
                      .accept_pauses = core.accept_pauses,
                      .evicted = core.evicted,
                      .evicted_waits = core.evicted_waits,
                      .abandoned = core.abandoned,
                      .rejected_over_limit = core.rejected_over_limit,
                      .requests = core.requests,
                      .malformed = core.malformed,
                      .timeouts = core.timeouts};
    for (const auto& io_thread : state_->io_threads)
        stats.loop_lag = std::max(stats.loop_lag, io_thread->lag());
    return stats;
}

}  // namespace photogate::gateway::http
