// How a connection sees that its client has gone while a route has the request, and what becomes of it.
//
// A reset (RST) is the client's end, always. A FIN says that it sends no more; a client may still read then
// (shutdown(SHUT_WR)), but what arrives looks the same where the client, or a proxy for it, has closed the
// socket. A request that is worked on is answered all the same, if that is soon (ServerLimits::half_closed);
// a request that waits for something to happen ends at once, as nginx ends it with `proxy_ignore_client_abort
// off`, and Node without `allowHalfOpen`.
//
// Bytes that follow the request stay in the socket until it is answered. The kernel tells the FIN behind
// them (POLLRDHUP), but does not wake us for it, so IoThread's tick looks.
#include <array>

#include <boost/asio/buffer.hpp>
#include <poll.h>

#include "base/log.hpp"
#include "gateway/http/connection.hpp"

namespace photogate::gateway::http {

using Code = boost::system::error_code;

bool Connection::is_reading() const {
    switch (state_) {
        case State::head:
        case State::body:
        case State::lingering:
            return true;
        case State::receiving:
            return exchange_->asked != nullptr;
        case State::handling:
        case State::writing:
        case State::streaming:
        case State::sending:
        case State::closed:
            return false;
    }
    return false;
}

/// Nothing to do here until the handler answers, asks for a piece or brings the next one.
bool Connection::awaits_others() const {
    return (state_ == State::handling && !exchange_->answer) ||
           (state_ == State::receiving && !exchange_->asked) ||
           (state_ == State::streaming && !exchange_->piece);
}

void Connection::watch_peer() {
    if (!peer_finished_ && !bytes_pending_) want_read();
}

void Connection::look_at_peer() {
    pollfd peer{socket_.native_handle(), POLLRDHUP, 0};
    if (::poll(&peer, 1, 0) < 0) return;  // EINTR: the next tick looks again
    if ((peer.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return cut();
    if ((peer.revents & POLLRDHUP) == 0) {
        bytes_pending_ = true;
        return;
    }
    if (peer_finished_) return;
    // Of a body that is still to be taken, the rest may lie in the socket: reading will tell.
    peer_finished_ = true;
    if (state_ == State::handling) advance();
}

void Connection::leave() {
    if (exchange_->waits) return cut();
    if (standing == Standing::leaving) return;
    io_thread_.stands(*this, Standing::leaving);
    deadline_ = in(io_thread_.limits().half_closed);
}

void Connection::abandon(Abandoned why) {
    try {
        exchange_->abandonment->raise(why);
    } catch (const std::exception& error) {
        log::error("http.abandonment_exception", {{"what", error.what()}});
    }
}

void Connection::evict() {
    if (standing != Standing::waiting) return cut();
    ++io_thread_.core().evicted_waits;
    abandon(Abandoned::evicted);
    closing_ = true;
    refuse({ErrorCode::overloaded,
            "the gateway needs this connection for other requests; ask again, or without 'wait'",
            {},
            std::chrono::seconds{2}});
    // What was not read would end the connection with a reset, and the answer with it.
    Code ignored;
    (void)socket_.read_some(boost::asio::buffer(io_thread_.scratch()), ignored);
    advance();
    cut();
}

}  // namespace photogate::gateway::http
