// The one answer to a request, from any thread, at any time.
//
// Thread safety: move it to any thread and answer there, once. A Responder that goes away unanswered answers
// 500 by itself, so that no client waits for ever. Answering after the connection has gone, or after the
// server has, does nothing. Who answers later than at once may ask whether anybody still waits.
#pragma once

#include <functional>
#include <memory>

#include "gateway/http/abandonment.hpp"
#include "gateway/http/message.hpp"

namespace photogate::gateway::http {

/// Where an answer goes: a connection, or a test.
class ResponseSink {
  public:
    virtual ~ResponseSink() = default;
    /// At most once; from any thread.
    virtual void deliver(Response response) = 0;
    /// Without a connection, as in most tests, the callback is dropped.
    virtual void on_abandoned(Abandonment::Callback) {}
    virtual bool abandoned() const { return false; }
};

class Responder {
  public:
    explicit Responder(std::unique_ptr<ResponseSink> sink) : sink_(std::move(sink)) {}
    /// For tests of routes without a server. `abandonment`: the test raises it; null: the client stays.
    static Responder to(std::function<void(Response)> answered,
                        std::shared_ptr<Abandonment> abandonment = nullptr);

    Responder(Responder&&) noexcept = default;
    Responder& operator=(Responder&& other) noexcept;
    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;
    ~Responder();

    void respond(Response response);
    void fail(Error error) { respond(Response::problem(std::move(error))); }
    void reply(Result<Response> result);
    bool answered() const { return sink_ == nullptr; }

    /// Says that this request waits for something other than work that is under way, and what to do when its
    /// client goes first: `callback` is called at most once, on any thread, and never after an answer. Such a
    /// request ends as soon as its client has finished sending (a TCP FIN, as nginx does it), and ends
    /// before others where connections run short. Call it before the Responder moves to where it is answered.
    void on_abandoned(Abandonment::Callback callback);
    /// Nobody will read the answer: work that has not begun may be left undone.
    bool abandoned() const { return sink_ && sink_->abandoned(); }

  private:
    void give_up() noexcept;
    std::unique_ptr<ResponseSink> sink_;
};

/// Called on an I/O thread: it must not block, and may answer now or later. An exception it lets out becomes
/// a 500.
using Handler = std::function<void(Request, Responder)>;

/// A handler that has its answer at once, without waiting for anything.
Handler answer_with(std::function<Result<Response>(Request&)> make);

}  // namespace photogate::gateway::http
