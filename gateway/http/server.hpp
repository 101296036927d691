// The HTTP/1.1 server: sockets, framing, deadlines, keep-alive, drain. It knows no route; a Service does
// (router.hpp).
//
// A connection lives on one I/O thread. Its requests are answered one after the other, in the order sent,
// however many came at once. Every rule of parse_head.hpp holds before the Service is asked; after any of
// them is broken, and whenever a body was left unread, the connection ends. Clean text only: TLS and HTTP/2
// end at a proxy in front.
//
// On every answer: X-Request-Id, Date, `Server: photogate`, `X-Content-Type-Options: nosniff`, and, unless
// the route says otherwise, `Cache-Control: no-store` and `Content-Security-Policy: default-src 'none'`.
//
// Thread safety: one thread owns the Server; stats() and stop_accepting() may be called from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"
#include "gateway/http/parse_head.hpp"
#include "gateway/http/service.hpp"

namespace photogate::gateway::http {

struct ServerLimits {
    HeadLimits head;
    /// Of a body that is gathered whole, in place of a route's own larger limit.
    std::size_t body = 64U << 20;
    std::chrono::milliseconds head_deadline{10'000};  ///< from a request's first byte to its empty line
    std::chrono::milliseconds body_deadline{30'000};  ///< for the whole body
    std::chrono::milliseconds body_window{10'000};    ///< in each of these, body_bytes_per_second on average
    std::uint32_t body_bytes_per_second = 1'024;
    std::size_t body_piece = 262'144;               ///< of a body that is taken in pieces
    std::chrono::milliseconds idle{30'000};         ///< between requests
    std::chrono::milliseconds write_stall{10'000};  ///< without a byte taken by the peer
    std::chrono::milliseconds rests_after{1'000};   ///< without a byte taken: BodyReader::rest
    std::chrono::milliseconds linger{
        2'000};  ///< reading on after the last answer, so that it is not lost to a reset
    /// An answer before the end of a body that has at most this left: the rest is read, and thrown away, for
    /// as long as a body may take. Many clients read no answer before they have sent all.
    std::uint64_t linger_body = 33'554'432;
    /// For the answer to a client that has finished sending (FIN) and may still read: few do, most have gone.
    std::chrono::milliseconds half_closed{1'000};
    std::chrono::milliseconds drain_idle{500};  ///< for a connection between requests, once draining
    std::uint32_t requests_per_connection = 1'000;
    std::uint32_t pipelined = 16;  ///< answered in a row; then the connection ends
    /// Of all listeners together that have no number of their own. Where as many are open, one gives way to
    /// the next: one whose client has finished sending, else the longest of those whose requests wait for
    /// something to happen (Responder::on_abandoned), else the longest of those that have asked nothing for
    /// `yields_after`. Otherwise the next stays in the kernel's queue.
    std::size_t connections = 4'096;
    std::chrono::milliseconds yields_after{1'000};
    /// From one IPv4 address or one IPv6 /64; one more is answered 429. Trusted proxies may have any number.
    std::size_t connections_per_address = 0;  ///< 0: any number
};

struct Listener {
    std::string address = "127.0.0.1";  ///< a literal, IPv4 or IPv6
    std::uint16_t port = 0;             ///< 0: the kernel chooses; Server::ports() tells
    Service* service = nullptr;         ///< outlives the Server
    std::vector<std::string> hosts;     ///< accepted in Host, with or without a port; empty: any
    std::size_t connections = 0;        ///< its own, beside ServerLimits::connections; 0: out of those
    /// Addresses that are accepted in Host too, where `hosts` has any. A page that was led here by a rebound
    /// name (DNS rebinding) has that name in Host, never an address.
    enum class Addresses { none, loopback, all } addresses = Addresses::none;
};

/// One finished exchange, for metrics. The views are valid during the call.
struct RequestSummary {
    std::string_view method;  ///< `_OTHER` where the head could not be read
    std::string_view route;   ///< the route's name, `_none` or `_malformed`
    int status = 0;
    std::chrono::duration<double> duration{};
    std::uint64_t response_bytes = 0;
    std::string_view trace_id = {};  ///< hex, of a request whose trace is recorded
};

/// Called on the I/O threads, at once from several.
class RequestObserver {
  public:
    virtual ~RequestObserver() = default;
    virtual void on_request(const RequestSummary& summary) noexcept = 0;
};

enum class AccessLog { every_request, failures, none };

struct ServerOptions {
    std::size_t threads = 2;
    ServerLimits limits;
    std::string docs_base = "/docs/errors#";  ///< in front of the code in a problem's `type`
    AccessLog access_log = AccessLog::every_request;
    RequestObserver* observer = nullptr;  ///< outlives the Server
    /// Whether this caller's `traceparent` decides on its own that a trace is recorded; none: nobody's does.
    std::function<bool(const PrincipalPtr&)> trusts_trace;
    /// Trusted proxies: peers whose X-Forwarded-For is used (client_address.hpp).
    std::vector<IpBlock> trusted_proxies;
};

struct ServerStats {
    std::size_t connections = 0;
    std::uint64_t accepted = 0;
    std::uint64_t accept_errors = 0;
    std::uint64_t accept_pauses = 0;        ///< out of descriptors, or at the connection limit
    std::uint64_t evicted = 0;              ///< connections that ended for others at the limit
    std::uint64_t evicted_waits = 0;        ///< of these, those whose requests were waiting
    std::uint64_t abandoned = 0;            ///< requests whose clients went before the answer
    std::uint64_t rejected_over_limit = 0;  ///< connections over what one address may have
    std::uint64_t requests = 0;
    std::uint64_t malformed = 0;
    std::uint64_t timeouts = 0;
    std::chrono::microseconds loop_lag{0};  ///< how late the slowest I/O thread last came to its timer
};

class Server {
  public:
    /// Binds and serves. cannot_bind, with the address in the detail.
    static Result<std::unique_ptr<Server>> start(std::vector<Listener> listeners, ServerOptions options = {});
    /// Drains with no patience, where drain() was not called.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// The real port of each listener, in order.
    const std::vector<std::uint16_t>& ports() const;

    /// Takes what already waits in the backlog, then closes the listening sockets. Answers say `Connection:
    /// close` from here on.
    void stop_accepting();
    /// stop_accepting, then lets requests under way finish, then cuts what is left. Gives the number of
    /// connections cut; the I/O threads have ended when it returns. Responders answered later do nothing.
    std::size_t drain(std::chrono::milliseconds patience);
    ServerStats stats() const;

  private:
    struct State;
    explicit Server(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace photogate::gateway::http
