// How a connection answers: head, body, stream, and what is said of it afterwards.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <sys/sendfile.h>

#include "base/log.hpp"
#include "gateway/http/connection.hpp"
#include "gateway/http/response_head.hpp"

namespace photogate::gateway::http {

namespace {

using boost::asio::ip::tcp;
using Code = boost::system::error_code;

/// Bodies up to here go out in one piece of memory with their head.
constexpr std::size_t joined_body = 16'384;
constexpr std::uint64_t sent_in_a_turn = 4U << 20;

}  // namespace

void Connection::take(std::uint64_t exchange, Delivered what) {
    const bool there = exchange == number_ && exchange_;
    if (auto* taken = std::get_if<RequestBody::Taken>(&what)) {
        const bool open =
            there && !exchange_->asked && !exchange_->answer &&
            (state_ == State::receiving || (state_ == State::writing && after_writing_ == State::receiving));
        if (!open) return (*taken)(fail(ErrorCode::http_broken, "the request has been answered"));
        exchange_->asked = std::move(*taken);
        exchange_->window_started = std::chrono::steady_clock::now();
        exchange_->window_bytes = arrived_.size();
        return advance();
    }
    if (!there) return;
    if (std::holds_alternative<NowWaiting>(what)) {
        exchange_->waits = true;
        return advance();
    }
    if (const auto* allowed = std::get_if<BodyTime>(&what)) {
        exchange_->admission.body_deadline = allowed->time;
        return;
    }
    if (std::holds_alternative<NowFlowing>(what)) {
        if (!exchange_->flow) exchange_->flow.emplace(io_thread_.shared_core());
        return;
    }
    if (auto* interruption = std::get_if<Interruption>(&what)) return interrupt(std::move(interruption->why));
    if (auto* interim = std::get_if<Interim>(&what)) return send_interim(interim->response);
    if (Response* response = std::get_if<Response>(&what)) {
        const bool open = state_ == State::handling || state_ == State::receiving ||
                          (state_ == State::writing && after_writing_ == State::receiving);
        if (!open || exchange_->answer) return;
        exchange_->answer = std::move(*response);
    } else {
        if (!exchange_->piece_asked || exchange_->piece) return;
        exchange_->piece = std::move(std::get<BodyPiece>(what));
    }
    advance();
}

void Connection::refuse(Error error) {
    exchange_->answer = Response::problem(std::move(error));
    state_ = State::handling;
}

bool Connection::step_handling() {
    if (!exchange_->answer) {
        if (peer_finished_) {
            leave();
        } else {
            if (exchange_->waits && standing != Standing::waiting)
                io_thread_.stands(*this, Standing::waiting);
            watch_peer();
        }
        return false;
    }
    io_thread_.stands(*this, Standing::busy);
    Response response = std::move(*exchange_->answer);
    exchange_->answer.reset();
    begin_answer(std::move(response));
    return true;
}

void Connection::begin_answer(Response response) {
    Exchange& exchange = *exchange_;
    if (const Error* error = std::get_if<Error>(&response.body)) {
        exchange.code = error->code;
        listener_.service->word(response,
                                {io_thread_.core().options.docs_base, exchange.request_id, exchange.path});
    }
    exchange.status = response.status;
    if (response.persistence == Persistence::close || io_thread_.core().draining) closing_ = true;

    BodyFraming framing;
    if (may_have_body(response.status)) {
        if (const auto* text = std::get_if<std::string>(&response.body)) {
            framing = {Coding::length, text->size()};
        } else if (const auto* shared = std::get_if<SharedBody>(&response.body)) {
            framing = {Coding::length, *shared ? (*shared)->size() : 0};
        } else if (const auto* file = std::get_if<FileBody>(&response.body)) {
            framing = {Coding::length, file->length};
        } else if (const auto* stream = std::get_if<StreamBody>(&response.body)) {
            if (stream->length) {
                framing = {Coding::length, *stream->length};
            } else if (exchange.version == Version::http_1_1) {
                framing.coding = Coding::chunked;
            } else {
                framing.coding = Coding::until_close;
                closing_ = true;
            }
        }
    }
    out_.clear();
    out_done_ = 0;
    append_head(out_, response, framing,
                {.request_id = exchange.request_id,
                 .date = io_thread_.date(),
                 .extra = exchange.admission.headers,
                 .version = exchange.version,
                 .persistence = closing_ ? Persistence::close : Persistence::keep_alive});
    exchange.coding = framing.coding;
    after_writing_ = State::head;
    state_ = State::writing;
    deadline_ = in(io_thread_.limits().write_stall);
    if (exchange.is_head || framing.coding == Coding::none) return;
    if (auto* stream = std::get_if<StreamBody>(&response.body)) {
        exchange.reader = std::move(stream->reader);
        exchange.stream_left = framing.length;
        after_writing_ = State::streaming;
    } else if (auto* file = std::get_if<FileBody>(&response.body)) {
        exchange.file = std::move(*file);
        after_writing_ = State::sending;
    } else if (framing.length <= joined_body) {
        const auto* text = std::get_if<std::string>(&response.body);
        if (framing.length > 0) out_.append(text ? *text : *std::get<SharedBody>(response.body));
    } else if (auto* text = std::get_if<std::string>(&response.body)) {
        out_body_ = std::move(*text);
    } else {
        out_body_ = std::move(std::get<SharedBody>(response.body));
    }
}

bool Connection::step_writing() {
    std::string_view body;
    if (const auto* text = std::get_if<std::string>(&out_body_)) body = *text;
    if (const auto* shared = std::get_if<SharedBody>(&out_body_)) body = **shared;
    const std::size_t all = out_.size() + body.size();
    while (out_done_ < all) {
        std::string_view head_left = std::string_view{out_}.substr(std::min(out_done_, out_.size()));
        std::string_view body_left = body.substr(out_done_ > out_.size() ? out_done_ - out_.size() : 0);
        std::array<boost::asio::const_buffer, 2> buffers{boost::asio::buffer(head_left),
                                                         boost::asio::buffer(body_left)};
        Code error;
        std::size_t size =
            body.empty() ? socket_.write_some(buffers[0], error) : socket_.write_some(buffers, error);
        if (error == boost::asio::error::would_block) {
            want_write();
            return false;
        }
        if (error) {
            cut();
            return false;
        }
        out_done_ += size;
        exchange_->sent += size;
        deadline_ = in(io_thread_.limits().write_stall);
    }
    out_.clear();
    if (out_.capacity() > joined_body * 2) std::string{}.swap(out_);
    out_body_ = std::monostate{};
    out_done_ = 0;
    switch (after_writing_) {
        case State::head:
            finish_exchange();
            return true;
        case State::body:
            deadline_ = exchange_->body_started + body_time();
            state_ = State::body;
            return true;
        case State::receiving:
        case State::streaming:
        case State::sending:
            state_ = after_writing_;
            return true;
        case State::handling:
        case State::writing:
        case State::lingering:
        case State::closed:
            return false;
    }
    return false;
}

bool Connection::step_streaming() {
    Exchange& exchange = *exchange_;
    if (!exchange.piece) {
        deadline_ = SteadyTime::max();
        if (exchange.piece_asked) {
            watch_peer();
            return false;
        }
        exchange.piece_asked = true;
        exchange.reader->next(
            [io_thread = io_thread_.shared_from_this(), to = weak_from_this(),
             number = number_](BodyPiece piece) { io_thread->deliver(to, number, std::move(piece)); });
        if (!exchange.piece) watch_peer();
        return exchange.piece.has_value();
    }
    BodyPiece piece = std::move(*exchange.piece);
    exchange.piece.reset();
    exchange.piece_asked = false;
    exchange.rests = false;
    bool whole =
        exchange.coding != Coding::length ||
        (piece && (piece->empty() ? exchange.stream_left == 0 : piece->size() <= exchange.stream_left));
    if (!piece || !whole) {
        // The head has promised another answer than this: only a broken connection tells the truth now.
        log::warn("http.stream_broken", {{"route", exchange.admission.route_name},
                                         {"request_id", exchange.request_id},
                                         {"code", piece ? "length" : to_string(piece.error().code)}});
        cut();
        return false;
    }
    bool end = piece->empty();
    if (exchange.coding == Coding::chunked) {
        std::array<char, 16> size{};
        char* size_end = std::to_chars(size.data(), size.data() + size.size(), piece->size(), 16).ptr;
        out_.append(size.data(), size_end).append("\r\n").append(*piece).append("\r\n");
    } else {
        exchange.stream_left -= exchange.coding == Coding::length ? piece->size() : 0;
        out_ = std::move(*piece);
    }
    if (end) exchange.reader.reset();
    after_writing_ = end ? State::head : State::streaming;
    state_ = State::writing;
    deadline_ = in(io_thread_.limits().write_stall);
    return true;
}

bool Connection::step_sending() {
    FileBody& file = exchange_->file;
    FileSource::Extent& extent = exchange_->extent;
    const auto broken = [&](std::string_view why) {
        log::warn("http.stream_broken", {{"route", exchange_->admission.route_name},
                                         {"request_id", exchange_->request_id},
                                         {"code", why}});
        cut();
        return false;
    };
    // A peer that takes as fast as we give must not keep the I/O thread to itself.
    std::uint64_t turn = sent_in_a_turn;
    while (file.length > 0) {
        if (turn == 0) {
            want_write();
            return false;
        }
        if (extent.length == 0) {
            Result<FileSource::Extent> next = file.source->at(file.offset);
            if (!next) return broken(to_string(next.error().code));
            if (next->length == 0) return broken("length");
            extent = *next;
        }
        off_t offset = static_cast<off_t>(extent.offset);
        const ssize_t size =
            ::sendfile(socket_.native_handle(), extent.descriptor, &offset,
                       static_cast<std::size_t>(std::min({turn, extent.length, file.length})));
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) {
            want_write();
            return false;
        }
        if (size < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            cut();
            return false;
        }
        if (size <= 0) return broken(size == 0 ? "length" : "file_error");
        const auto sent = static_cast<std::uint64_t>(size);
        extent.offset += sent;
        extent.length -= sent;
        file.offset += sent;
        file.length -= sent;
        turn -= sent;
        exchange_->sent += sent;
        deadline_ = in(io_thread_.limits().write_stall);
    }
    finish_exchange();
    return true;
}

void Connection::want_write() {
    if (write_armed_) return;
    write_armed_ = true;
    socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](Code error) {
        self->write_armed_ = false;
        if (self->state_ == State::closed) return;
        if (error) return self->cut();
        self->advance();
    });
}

void Connection::finish_exchange() {
    report("");
    exchange_.reset();
    if (closing_) return start_linger();
    if (arrived_.empty()) in_a_row_ = 0;
    io_thread_.stands(*this, Standing::silent);
    deadline_ = in(idle_time());
    state_ = State::head;
}

/// The last answer could be lost to a reset if the socket were closed with something unread in it (RFC
/// 9112 9.6).
void Connection::start_linger() {
    Code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    if (error) return cut();
    std::string{}.swap(arrived_);
    state_ = State::lingering;
    io_thread_.stands(*this, Standing::silent);
    const bool whole_body = unread_ > 0 && unread_ <= io_thread_.limits().linger_body;
    deadline_ = in(whole_body ? io_thread_.limits().body_deadline : io_thread_.limits().linger);
    want_read();
}

void Connection::report(std::string_view outcome) {
    const Exchange& exchange = *exchange_;
    const ServerOptions& options = io_thread_.core().options;
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - exchange.started;
    const std::string trace_id = exchange.trace.valid() ? tracing::hex(exchange.trace.trace) : std::string{};
    if (options.observer) {
        options.observer->on_request({.method = exchange.method,
                                      .route = exchange.admission.route_name,
                                      .status = exchange.status,
                                      .duration = took,
                                      .response_bytes = exchange.sent,
                                      .trace_id = exchange.started_at != Timestamp{}
                                                      ? std::string_view{trace_id}
                                                      : std::string_view{}});
    }
    end_trace();
    // A client that leaves is no failure of ours, and it would be the one to fill the log.
    bool failure = exchange.status >= 500 || outcome == "cut";
    if (options.access_log == AccessLog::none || (options.access_log == AccessLog::failures && !failure))
        return;
    log::write(exchange.status >= 500 ? log::Level::warn : log::Level::info, "http.request",
               {{"method", exchange.method},
                {"route", exchange.admission.route_name},
                {"path", exchange.path},
                {"status", exchange.status},
                {"code", exchange.code ? to_string(*exchange.code) : std::string_view{}},
                {"ms", took.count() * 1'000},
                {"bytes", exchange.sent},
                {"remote", exchange.client.text()},
                {"request_id", exchange.request_id},
                {"trace_id", trace_id},
                {"outcome", outcome}});
}

}  // namespace photogate::gateway::http
