// Inside the server: one connection, as a machine of few states that is driven by readiness.
//
// The I/O thread alone touches it. It waits until the socket can be read or written, does what can be done
// without waiting, and waits again; so an idle connection holds no buffer. One request is under way at a
// time: while a route has it, nothing is read, but the client's end is seen (connection_peer.cpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/asio/ip/tcp.hpp>

#include "base/time.hpp"
#include "base/tracing/trace_context.hpp"
#include "gateway/http/chunked_decoder.hpp"
#include "gateway/http/io_thread.hpp"
#include "gateway/http/response_head.hpp"

namespace photogate::gateway::http {

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(IoThread& io_thread, boost::asio::ip::tcp::socket socket, const ConnectionSlot& slot);

    void start();
    /// An answer, or a piece of a streamed one, for the request numbered `exchange`.
    void take(std::uint64_t exchange, Delivered what);
    void on_tick(SteadyTime now);
    void begin_drain(SteadyTime now);
    /// Of one that is not busy: false where a request has come that was not read yet.
    bool gives_way() const;
    /// Ends it for others. A request that waits is answered 503, as far as that goes at once.
    void evict();
    /// Ends it at once.
    void cut();
    const ConnectionSlot& slot() const { return slot_; }

    // The I/O thread's.
    std::size_t place = 0;             ///< among its connections
    IoThread::Line::iterator in_line;  ///< among those of its standing
    Standing standing = Standing::busy;
    SteadyTime stands_since = SteadyTime::max();

  private:
    /// `receiving`: the route has the request and takes the body in pieces. `sending`: a file goes out.
    enum class State { head, body, receiving, handling, writing, streaming, sending, lingering, closed };

    /// One body among those that flow.
    class FlowCount {
      public:
        explicit FlowCount(std::shared_ptr<ServerCore> core) : core_(std::move(core)) { ++core_->flowing; }
        FlowCount(FlowCount&&) = default;
        FlowCount& operator=(FlowCount&&) = delete;
        ~FlowCount() {
            if (core_) --core_->flowing;
        }

      private:
        std::shared_ptr<ServerCore> core_;
    };

    /// One request and its answer. What the access log needs outlives the Request, which goes to the route.
    struct Exchange {
        explicit Exchange(SteadyTime at) : started(at) {}
        SteadyTime started;
        Request request;
        Admission admission;
        std::shared_ptr<Abandonment> abandonment;  ///< once a route has the request
        bool waits = false;                        ///< NowWaiting has come
        std::string_view method = "_OTHER";
        std::string path;
        std::string request_id;
        tracing::Context trace;       ///< of this request's span; invalid: none
        tracing::SpanId caller_span;  ///< the caller's, where it sent one
        std::string tracestate;
        std::string host;      ///< of a request whose trace is recorded
        Timestamp started_at;  ///< likewise; otherwise the epoch
        IpAddress client;
        Version version = Version::http_1_1;
        bool is_head = false;
        bool wants_continue = false;
        std::uint64_t body_left = 0;              ///< of a body with a length
        std::unique_ptr<ChunkedDecoder> decoder;  ///< of a chunked one
        RequestBody::Taken asked;                 ///< who waits for a piece of the body
        std::string gathered;                     ///< of that piece
        SteadyTime body_started;
        SteadyTime window_started;
        std::uint64_t window_bytes = 0;
        std::optional<FlowCount> flow;  ///< where the body flows
        SteadyTime gathering_since;     ///< of the first byte of `gathered`
        std::optional<Error> interrupted;
        bool drained = false;            ///< what had come before that was given
        std::optional<Response> answer;  ///< given, not yet begun
        int status = 0;                  ///< of the answer begun
        std::optional<ErrorCode> code;   ///< of the problem answered
        std::uint64_t sent = 0;
        std::unique_ptr<BodyReader> reader;  ///< streaming
        Coding coding = Coding::none;
        std::uint64_t stream_left = 0;
        FileBody file;  ///< sending: what is left of it
        FileSource::Extent extent;
        bool piece_asked = false;
        bool rests = false;  ///< the reader has been told to rest
        std::optional<BodyPiece> piece;
    };

    void advance();
    bool step();
    bool step_head();
    bool step_body();
    bool step_receiving();
    bool step_handling();
    bool step_writing();
    bool step_streaming();
    bool step_sending();

    void begin_exchange(Result<RequestHead> head);
    void admit(RequestHead head);
    bool host_is_served(const RequestHead& head) const;
    void begin_trace(const RequestHead& head);
    void end_trace();
    void dispatch();
    /// Moves what has arrived of the body behind `to`; true at the body's end. After an Error all is said.
    Result<bool> take_body(std::string& to);
    bool body_at_end() const;
    void give_piece(Result<RequestBody::Piece> piece);
    /// The end of a body that broke: of one that flows with what has come.
    void give_broken(Error why);
    void interrupt(Error why);
    std::size_t piece_size() const;
    /// Whether what was gathered of a flowing body has waited long enough.
    bool piece_is_due(SteadyTime now) const;
    void give_what_is_due(SteadyTime now);
    /// What lies in the socket of a body that ends here.
    void read_what_came();
    void send_interim(const Response& response);
    std::chrono::milliseconds body_time() const;
    void refuse(Error error);
    void begin_answer(Response response);
    void finish_exchange();
    void report(std::string_view outcome);
    void start_linger();

    void want_read();
    void want_write();
    void on_readable();
    bool is_reading() const;
    bool awaits_others() const;
    void watch_peer();
    void look_at_peer();
    void leave();
    void abandon(Abandoned why);
    std::chrono::milliseconds idle_time() const;
    SteadyTime in(std::chrono::milliseconds time) const { return std::chrono::steady_clock::now() + time; }

    IoThread& io_thread_;
    boost::asio::ip::tcp::socket socket_;
    const ConnectionSlot slot_;
    const Listener& listener_;
    const HeadLimits head_limits_;
    State state_ = State::head;
    State after_writing_ = State::head;
    bool advancing_ = false;
    bool read_armed_ = false;
    bool write_armed_ = false;
    bool peer_finished_ = false;  ///< it has sent its last byte (FIN)
    bool bytes_pending_ = false;  ///< in the socket, of what follows the request under way
    bool closing_ = false;        ///< after this answer
    std::uint64_t unread_ = 0;    ///< of a body that was answered before its end
    bool empty_line_skipped_ = false;
    SteadyTime deadline_ = SteadyTime::max();
    std::string arrived_;  ///< not yet consumed
    std::size_t scanned_ = 0;
    std::uint64_t number_ = 0;    ///< of the exchange under way
    std::uint32_t in_a_row_ = 0;  ///< requests that were there before the one before was answered
    std::optional<Exchange> exchange_;
    std::string out_;
    std::variant<std::monostate, std::string, SharedBody> out_body_;
    std::size_t out_done_ = 0;
};

}  // namespace photogate::gateway::http
