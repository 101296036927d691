#include "gateway/http/connection.hpp"

#include <algorithm>
#include <exception>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include "base/log.hpp"
#include "gateway/http/client_address.hpp"
#include "gateway/http/served_host.hpp"

namespace photogate::gateway::http {

namespace {

using boost::asio::ip::tcp;
using Code = boost::system::error_code;

/// What an idle connection may keep allocated.
constexpr std::size_t kept_capacity = 4'096;

bool is_sane_request_id(std::string_view id) {
    return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
    });
}

}  // namespace

Connection::Connection(IoThread& io_thread, tcp::socket socket, const ConnectionSlot& slot)
    : io_thread_(io_thread),
      socket_(std::move(socket)),
      slot_(slot),
      listener_(io_thread.core().listeners[slot.listener]),
      head_limits_(listener_.service->head_limits(io_thread.limits().head)) {}

void Connection::start() {
    Code error;
    socket_.non_blocking(true, error);
    if (error) return cut();
    // Answers are whole; waiting for more only delays them. A refusal here is no reason to end the
    // connection.
    socket_.set_option(tcp::no_delay(true), error);
    deadline_ = in(idle_time());
    io_thread_.stands(*this, Standing::silent);
    want_read();
}

bool Connection::gives_way() const {
    if (state_ != State::head || exchange_) return true;
    Code error;
    return socket_.available(error) == 0;
}

std::chrono::milliseconds Connection::idle_time() const {
    return io_thread_.core().draining ? io_thread_.limits().drain_idle : io_thread_.limits().idle;
}

void Connection::advance() {
    if (advancing_) return;
    advancing_ = true;
    try {
        while (step()) {
        }
    } catch (const std::exception& error) {
        log::error("http.connection_exception", {{"what", error.what()}});
        cut();
    }
    advancing_ = false;
}

bool Connection::step() {
    switch (state_) {
        case State::head:
            return step_head();
        case State::body:
            return step_body();
        case State::receiving:
            return step_receiving();
        case State::handling:
            return step_handling();
        case State::writing:
            return step_writing();
        case State::streaming:
            return step_streaming();
        case State::sending:
            return step_sending();
        case State::lingering:
        case State::closed:
            return false;
    }
    return false;
}

// ---- reading ----

void Connection::want_read() {
    if (read_armed_) return;
    read_armed_ = true;
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](Code error) {
        self->read_armed_ = false;
        if (self->state_ == State::closed) return;
        if (error) return self->cut();
        self->on_readable();
    });
}

void Connection::on_readable() {
    if (!is_reading()) return look_at_peer();
    bytes_pending_ = false;
    auto& scratch = io_thread_.scratch();
    // A body that comes as fast as it is taken is read on without asking the kernel's poll each time, for a
    // while: others are on this I/O thread too.
    for (int turn = 0; turn < 8; ++turn) {
        Code error;
        std::size_t size = socket_.read_some(boost::asio::buffer(scratch), error);
        if (error == boost::asio::error::would_block) return want_read();
        // The peer closed, maybe in the middle of a request: close silently. Probes that send nothing are not
        // logged.
        if (error) return cut();
        if (state_ == State::lingering) return want_read();
        arrived_.append(scratch.data(), size);
        if (exchange_) exchange_->window_bytes += size;
        advance();
        const bool more = size == scratch.size() && state_ == State::receiving && exchange_->asked;
        if (!more) return;
    }
}

bool Connection::step_head() {
    if (!empty_line_skipped_ && arrived_.starts_with("\r\n")) {
        // RFC 9112 2.2: an old client may send one empty line after a body.
        arrived_.erase(0, 2);
        empty_line_skipped_ = true;
    }
    if (arrived_.empty()) {
        if (arrived_.capacity() > kept_capacity) std::string{}.swap(arrived_);
        want_read();
        return false;
    }
    if (arrived_ == "\r" && !empty_line_skipped_) {
        want_read();
        return false;
    }
    if (!exchange_) {
        exchange_.emplace(std::chrono::steady_clock::now());
        deadline_ = exchange_->started + io_thread_.limits().head_deadline;
    }
    Result<std::optional<std::size_t>> end = find_head_end(arrived_, scanned_, head_limits_);
    if (end && !*end) {
        want_read();
        return false;
    }
    scanned_ = 0;
    empty_line_skipped_ = false;
    // Also where nothing else of the head can be read: no answer to HEAD has a body.
    exchange_->is_head = arrived_.starts_with("HEAD ");
    deadline_ = SteadyTime::max();
    if (!end) {
        begin_exchange(fail(std::move(end.error())));
        return true;
    }
    Result<RequestHead> head = parse_head(std::string_view{arrived_}.substr(0, **end), head_limits_);
    arrived_.erase(0, **end);
    begin_exchange(std::move(head));
    return true;
}

void Connection::begin_exchange(Result<RequestHead> head) {
    ++number_;
    ++io_thread_.core().requests;
    io_thread_.stands(*this, Standing::busy);
    exchange_->client = slot_.peer;
    const ServerLimits& limits = io_thread_.limits();
    ++in_a_row_;
    closing_ = closing_ || number_ >= limits.requests_per_connection || in_a_row_ >= limits.pipelined;
    if (head && !host_is_served(*head))
        head = fail(ErrorCode::misdirected, "this gateway does not serve that host");
    if (!head) {
        ++io_thread_.core().malformed;
        exchange_->admission.route_name = "_malformed";
        exchange_->request_id = io_thread_.new_request_id();
        closing_ = true;
        return refuse(std::move(head.error()));
    }
    admit(std::move(*head));
}

bool Connection::host_is_served(const RequestHead& head) const {
    return serves_host(listener_, head.headers.find("Host").value_or(std::string_view{}));
}

void Connection::admit(RequestHead head) {
    Exchange& exchange = *exchange_;
    exchange.method = to_string(head.method);
    exchange.version = head.version;
    exchange.is_head = head.method == Method::head;
    exchange.path = head.raw_path();
    std::string_view id = head.headers.find("X-Request-Id").value_or(std::string_view{});
    exchange.request_id = is_sane_request_id(id) ? std::string{id} : io_thread_.new_request_id();
    exchange.client = client_address(slot_.peer, head.headers, io_thread_.core().options.trusted_proxies);
    head.client = exchange.client;
    head.peer = slot_.peer;
    if (head.persistence == Persistence::close) closing_ = true;
    try {
        exchange.admission = listener_.service->admit(head);
    } catch (const std::exception& error) {
        log::error("http.admission_exception", {{"what", error.what()}, {"request_id", exchange.request_id}});
        exchange.admission.refusal =
            Error{ErrorCode::internal, "the request could not be looked at", {}, std::nullopt};
    }
    begin_trace(head);
    bool has_body = !std::holds_alternative<NoBody>(head.framing);
    if (Error* error = std::get_if<Error>(&exchange.admission.refusal)) {
        closing_ = closing_ || has_body;
        return refuse(std::move(*error));
    }
    if (Response* response = std::get_if<Response>(&exchange.admission.refusal)) {
        closing_ = closing_ || has_body;
        exchange.answer = std::move(*response);
        state_ = State::handling;
        return;
    }
    const bool in_pieces = exchange.admission.body_mode == BodyMode::pieces;
    const bool own_limit = in_pieces || exchange.admission.body_bound == BodyBound::route;
    const std::size_t limit = own_limit ? exchange.admission.body_limit
                                        : std::min(exchange.admission.body_limit, io_thread_.limits().body);
    if (const auto* length = std::get_if<LengthBody>(&head.framing)) {
        if (length->size > limit) {
            closing_ = true;
            return refuse({ErrorCode::body_too_large,
                           "the body may have " + std::to_string(limit) + " bytes",
                           {},
                           std::nullopt});
        }
        exchange.body_left = length->size;
    } else if (has_body) {
        exchange.decoder = std::make_unique<ChunkedDecoder>(limit);
    }
    exchange.wants_continue = head.expects_continue;
    static_cast<RequestHead&>(exchange.request) = std::move(head);
    if (!has_body && !in_pieces) return dispatch();
    exchange.body_started = exchange.window_started = std::chrono::steady_clock::now();
    exchange.window_bytes = arrived_.size();
    if (in_pieces) return dispatch();
    deadline_ = exchange.body_started + body_time();
    state_ = State::body;
}

// ---- time and the end ----

void Connection::on_tick(SteadyTime now) {
    const bool awaiting_body = state_ == State::body || (state_ == State::receiving && exchange_->asked);
    if (awaiting_body && exchange_->flow) {
        give_what_is_due(now);
        if (state_ != State::receiving || !exchange_->asked) return;
    } else if (awaiting_body && now - exchange_->window_started >= io_thread_.limits().body_window) {
        auto window =
            std::chrono::duration_cast<std::chrono::duration<double>>(now - exchange_->window_started);
        if (static_cast<double>(exchange_->window_bytes) <
            window.count() * io_thread_.limits().body_bytes_per_second)
            deadline_ = now;
        exchange_->window_started = now;
        exchange_->window_bytes = 0;
    }
    // What is not read is looked at now and then: the client's end may be behind it.
    if (awaits_others() && !read_armed_) {
        look_at_peer();
        if (state_ == State::closed) return;
    }
    if (state_ == State::writing && exchange_->reader && !exchange_->rests &&
        now >= deadline_ - io_thread_.limits().write_stall + io_thread_.limits().rests_after) {
        exchange_->rests = true;
        exchange_->reader->rest();
    }
    if (now < deadline_) return;
    bool mid_head = state_ == State::head && exchange_;
    if (!mid_head && !awaiting_body) {
        if (state_ == State::writing) ++io_thread_.core().timeouts;
        return cut();
    }
    ++io_thread_.core().timeouts;
    if (mid_head) {
        ++number_;
        io_thread_.stands(*this, Standing::busy);
        exchange_->client = slot_.peer;
        exchange_->is_head = arrived_.starts_with("HEAD ");
        exchange_->admission.route_name = "_malformed";
        exchange_->request_id = io_thread_.new_request_id();
    }
    closing_ = true;
    const Error error{ErrorCode::request_timeout,
                      "the request did not arrive in time; the connection ends",
                      {},
                      std::nullopt};
    refuse(error);
    if (exchange_->asked) give_broken(error);
    advance();
}

void Connection::begin_drain(SteadyTime now) {
    if (state_ == State::head && !exchange_)
        deadline_ = std::min(deadline_, now + io_thread_.limits().drain_idle);
    if (exchange_ && exchange_->flow)
        interrupt({ErrorCode::unavailable, "the gateway stops: continue the upload", {}, std::nullopt});
}

void Connection::cut() {
    if (state_ == State::closed) return;
    bool under_way =
        exchange_ && (state_ == State::receiving || state_ == State::handling || state_ == State::writing ||
                      state_ == State::streaming || state_ == State::sending);
    state_ = State::closed;
    if (exchange_ && exchange_->abandonment) abandon(Abandoned::by_client);
    if (exchange_ && exchange_->asked)
        give_broken({ErrorCode::http_broken, "the connection ended before the body did", {}, std::nullopt});
    if (under_way) {
        const bool abandoned = exchange_->status == 0 && !io_thread_.core().draining;
        if (abandoned) ++io_thread_.core().abandoned;
        if (exchange_->status == 0) exchange_->status = 499;
        report(abandoned ? "abandoned" : "cut");
    }
    Code error;
    // A socket that is refused its close is closed all the same (Linux).
    socket_.close(error);
    io_thread_.remove(*this);
}

}  // namespace photogate::gateway::http
