#include "gateway/http/responder.hpp"

#include <exception>
#include <utility>

#include "base/log.hpp"

namespace photogate::gateway::http {

namespace {

class FunctionSink final : public ResponseSink {
  public:
    explicit FunctionSink(std::function<void(Response)> answered) : answered_(std::move(answered)) {}
    void deliver(Response response) override { answered_(std::move(response)); }

  private:
    std::function<void(Response)> answered_;
};

}  // namespace

Responder Responder::to(std::function<void(Response)> answered) {
    return Responder{std::make_unique<FunctionSink>(std::move(answered))};
}

Responder& Responder::operator=(Responder&& other) noexcept {
    if (this != &other) {
        give_up();
        sink_ = std::move(other.sink_);
    }
    return *this;
}

Responder::~Responder() {
    give_up();
}

void Responder::respond(Response response) {
    if (std::unique_ptr<ResponseSink> sink = std::exchange(sink_, nullptr))
        sink->deliver(std::move(response));
}

void Responder::reply(Result<Response> result) {
    respond(result ? std::move(*result) : Response::problem(std::move(result.error())));
}

void Responder::give_up() noexcept {
    if (!sink_) return;
    try {
        log::error("http.unanswered");
        fail(Error{ErrorCode::internal, "The request was dropped without an answer.", {}, std::nullopt});
    } catch (const std::exception&) {
        // Out of memory in a destructor: the connection's own deadline remains.
        sink_.reset();
    }
}

Handler answer_with(std::function<Result<Response>(Request&)> make) {
    return [make = std::move(make)](Request request, Responder responder) { responder.reply(make(request)); };
}

}  // namespace photogate::gateway::http
