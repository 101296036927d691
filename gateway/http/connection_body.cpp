// How a connection takes a request's body, whole or in pieces, and hands the request to its service.
#include <algorithm>
#include <exception>

#include <boost/asio/buffer.hpp>

#include "base/log.hpp"
#include "gateway/http/connection.hpp"

namespace photogate::gateway::http {

namespace {

class ConnectionBody final : public FlowingBody {
  public:
    ConnectionBody(std::shared_ptr<IoThread> io_thread, std::weak_ptr<Connection> of, std::uint64_t exchange)
        : io_thread_(std::move(io_thread)), of_(std::move(of)), exchange_(exchange) {}
    void next(Taken taken) override { io_thread_->deliver(of_, exchange_, std::move(taken)); }
    void allow(std::chrono::milliseconds time) override {
        io_thread_->deliver(of_, exchange_, BodyTime{time});
    }
    void flow() override { io_thread_->deliver(of_, exchange_, NowFlowing{}); }
    void inform(Response interim) override {
        io_thread_->deliver(of_, exchange_, Interim{std::move(interim)});
    }
    void interrupt(Error why) override { io_thread_->deliver(of_, exchange_, Interruption{std::move(why)}); }

  private:
    std::shared_ptr<IoThread> io_thread_;
    std::weak_ptr<Connection> of_;
    std::uint64_t exchange_;
};

class ConnectionSink final : public ResponseSink {
  public:
    ConnectionSink(std::shared_ptr<IoThread> io_thread, std::weak_ptr<Connection> to, std::uint64_t exchange,
                   std::shared_ptr<Abandonment> abandonment)
        : io_thread_(std::move(io_thread)),
          to_(std::move(to)),
          exchange_(exchange),
          abandonment_(std::move(abandonment)) {}
    void deliver(Response response) override {
        abandonment_->settle();
        io_thread_->deliver(std::move(to_), exchange_, std::move(response));
    }
    void on_abandoned(Abandonment::Callback callback) override {
        abandonment_->watch(std::move(callback));
        io_thread_->deliver(to_, exchange_, NowWaiting{});
    }
    bool abandoned() const override { return abandonment_->raised(); }

  private:
    std::shared_ptr<IoThread> io_thread_;
    std::weak_ptr<Connection> to_;
    std::uint64_t exchange_;
    std::shared_ptr<Abandonment> abandonment_;
};

}  // namespace

std::chrono::milliseconds Connection::body_time() const {
    return exchange_->admission.body_deadline.value_or(io_thread_.limits().body_deadline);
}

bool Connection::body_at_end() const {
    return exchange_->decoder ? exchange_->decoder->done() : exchange_->body_left == 0;
}

Result<bool> Connection::take_body(std::string& to) {
    Exchange& exchange = *exchange_;
    if (exchange.decoder) {
        Result<std::size_t> taken = exchange.decoder->feed(arrived_, to);
        if (!taken) {
            if (taken.error().code != ErrorCode::body_too_large) ++io_thread_.core().malformed;
            closing_ = true;
            return fail(std::move(taken.error()));
        }
        arrived_.erase(0, *taken);
    } else {
        std::size_t some =
            static_cast<std::size_t>(std::min<std::uint64_t>(exchange.body_left, arrived_.size()));
        to.append(arrived_, 0, some);
        arrived_.erase(0, some);
        exchange.body_left -= some;
    }
    return body_at_end();
}

bool Connection::step_body() {
    Exchange& exchange = *exchange_;
    std::string& body = exchange.request.body;
    Result<bool> at_end = take_body(body);
    if (!at_end) {
        refuse(std::move(at_end.error()));
        return true;
    }
    if (*at_end) {
        dispatch();
        return true;
    }
    if (exchange.wants_continue && body.empty() && arrived_.empty()) {
        exchange.wants_continue = false;
        out_ = "HTTP/1.1 100 Continue\r\n\r\n";
        after_writing_ = State::body;
        state_ = State::writing;
        return true;
    }
    want_read();
    return false;
}

bool Connection::step_receiving() {
    Exchange& exchange = *exchange_;
    if (exchange.answer) {
        if (exchange.asked) give_piece(fail(ErrorCode::http_broken, "the request has been answered"));
        // What is here already need not end the connection.
        std::string ignored;
        if (Result<bool> at_end = take_body(ignored); !at_end || !*at_end) {
            closing_ = true;
            // The client of one that was interrupted is likely gone.
            if (!exchange.interrupted)
                unread_ = exchange.decoder ? io_thread_.limits().linger_body : exchange.body_left;
        }
        state_ = State::handling;
        return true;
    }
    deadline_ = SteadyTime::max();
    if (!exchange.asked) {
        watch_peer();
        return false;
    }
    if (exchange.interrupted) {
        // One who keeps sending does not keep it from ending.
        if (std::exchange(exchange.drained, true)) {
            give_piece(fail(*exchange.interrupted));
            return true;
        }
        read_what_came();
    }
    const auto now = std::chrono::steady_clock::now();
    if (exchange.gathered.empty()) exchange.gathering_since = now;
    Result<bool> at_end = take_body(exchange.gathered);
    if (!at_end) {
        Error error = std::move(at_end.error());
        refuse(error);
        give_broken(std::move(error));
        return true;
    }
    // For an empty body too, where RFC 9110 10.1.1 lets a server omit it: after a final answer without it, botocore sends nothing more
    // on the connection.
    if (exchange.wants_continue && exchange.gathered.empty() && arrived_.empty() && !exchange.interrupted) {
        exchange.wants_continue = false;
        out_ = "HTTP/1.1 100 Continue\r\n\r\n";
        after_writing_ = State::receiving;
        state_ = State::writing;
        return true;
    }
    if (*at_end || exchange.gathered.size() >= piece_size() || piece_is_due(now)) {
        if (*at_end) state_ = State::handling;
        give_piece(RequestBody::Piece{std::exchange(exchange.gathered, {}), *at_end});
        return true;
    }
    if (exchange.interrupted) {
        give_broken(*exchange.interrupted);
        return true;
    }
    if (exchange.flow) {
        deadline_ = in(io_thread_.core().flow.idle);
        // Thousands may be as slow as they like.
        if (arrived_.empty()) std::string{}.swap(arrived_);
    } else {
        deadline_ = exchange.body_started + body_time();
    }
    want_read();
    return false;
}

std::size_t Connection::piece_size() const {
    if (!exchange_->flow) return io_thread_.limits().body_piece;
    const FlowLimits& flow = io_thread_.core().flow;
    const std::size_t share = flow.buffers / std::max<std::size_t>(io_thread_.core().flowing, 1);
    return std::clamp(share, flow.least, flow.most);
}

bool Connection::piece_is_due(SteadyTime now) const {
    if (!exchange_->flow) return false;
    const FlowLimits& flow = io_thread_.core().flow;
    const auto age = now - exchange_->gathering_since;
    const std::size_t size = exchange_->gathered.size();
    return (size >= flow.some && age >= flow.soon) || (size >= flow.least && age >= flow.late);
}

void Connection::give_what_is_due(SteadyTime now) {
    if (piece_is_due(now)) give_piece(RequestBody::Piece{std::exchange(exchange_->gathered, {}), false});
}

void Connection::give_broken(Error why) {
    // What has come is given first; who asks again then gets the reason.
    if (!exchange_->flow || exchange_->gathered.empty()) return give_piece(fail(std::move(why)));
    exchange_->interrupted = std::move(why);
    exchange_->drained = true;
    give_piece(RequestBody::Piece{std::exchange(exchange_->gathered, {}), false});
}

void Connection::interrupt(Error why) {
    if (!exchange_->flow || exchange_->interrupted) return;
    exchange_->interrupted = std::move(why);
    closing_ = true;
    advance();
}

void Connection::read_what_came() {
    auto& scratch = io_thread_.scratch();
    const std::size_t most = piece_size();
    while (arrived_.size() < most) {
        boost::system::error_code error;
        const std::size_t size = socket_.read_some(boost::asio::buffer(scratch), error);
        if (error) return;
        arrived_.append(scratch.data(), size);
    }
}

void Connection::send_interim(const Response& response) {
    const bool receiving =
        state_ == State::receiving || (state_ == State::writing && after_writing_ == State::receiving);
    if (!receiving || exchange_->answer || exchange_->version != Version::http_1_1) return;
    append_interim_head(out_, response);
    if (state_ == State::writing) return;
    out_done_ = 0;
    after_writing_ = State::receiving;
    state_ = State::writing;
    advance();
}

void Connection::give_piece(Result<RequestBody::Piece> piece) {
    RequestBody::Taken taken = std::exchange(exchange_->asked, nullptr);
    try {
        taken(std::move(piece));
    } catch (const std::exception& error) {
        // The route has lost its Responder with it, which has answered 500.
        log::error("http.handler_exception", {{"what", error.what()}});
    }
}

void Connection::dispatch() {
    Exchange& exchange = *exchange_;
    deadline_ = SteadyTime::max();
    state_ = State::handling;
    if (exchange.admission.body_mode == BodyMode::pieces) {
        state_ = State::receiving;
        exchange.request.stream =
            std::make_shared<ConnectionBody>(io_thread_.shared_from_this(), weak_from_this(), number_);
    }
    exchange.request.parameters = std::move(exchange.admission.parameters);
    exchange.request.principal = std::move(exchange.admission.principal);
    exchange.request.route = exchange.admission.route_name;
    exchange.request.remote = exchange.client.text();
    exchange.request.request_id = exchange.request_id;
    if (exchange.trace.valid()) exchange.request.traceparent = tracing::format_traceparent(exchange.trace);
    exchange.request.tracestate = exchange.tracestate;
    exchange.abandonment = std::make_shared<Abandonment>();
    Responder responder{std::make_unique<ConnectionSink>(io_thread_.shared_from_this(), weak_from_this(),
                                                         number_, exchange.abandonment)};
    try {
        exchange.admission.handler(std::move(exchange.request), std::move(responder));
    } catch (const std::exception& error) {
        // The Responder has answered 500 as it went.
        log::error("http.handler_exception",
                   {{"what", error.what()}, {"route", exchange.admission.route_name}});
    }
}

}  // namespace photogate::gateway::http
