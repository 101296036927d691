// The one answer to a request, given by whoever has it, whenever it is there.
//
// Thread safety: move it to any thread and answer there, once. A Responder that goes away unanswered answers
// 500 by itself, so that no client waits for ever. Answering after the connection has gone, or after the
// server has, does nothing.
#pragma once

#include <functional>
#include <memory>

#include "gateway/http/message.hpp"

namespace photogate::gateway::http {

/// Where an answer goes: a connection, or a test.
class ResponseSink {
  public:
    virtual ~ResponseSink() = default;
    /// At most once; from any thread.
    virtual void deliver(Response response) = 0;
};

class Responder {
  public:
    explicit Responder(std::unique_ptr<ResponseSink> sink) : sink_(std::move(sink)) {}
    /// For tests of routes without a server.
    static Responder to(std::function<void(Response)> answered);

    Responder(Responder&&) noexcept = default;
    Responder& operator=(Responder&& other) noexcept;
    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;
    ~Responder();

    void respond(Response response);
    void fail(Error error) { respond(Response::problem(std::move(error))); }
    void reply(Result<Response> result);
    bool answered() const { return sink_ == nullptr; }

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
