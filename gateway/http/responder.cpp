#include "gateway/http/responder.hpp"

#include <exception>
#include <utility>

#include "base/log.hpp"

namespace photogate::gateway::http {

namespace {

class FunctionSink final : public ResponseSink {
  public:
    FunctionSink(std::function<void(Response)> answered, std::shared_ptr<Abandonment> abandonment)
        : answered_(std::move(answered)), abandonment_(std::move(abandonment)) {}
    void deliver(Response response) override {
        if (abandonment_) abandonment_->settle();
        answered_(std::move(response));
    }
    void on_abandoned(Abandonment::Callback callback) override {
        if (abandonment_) abandonment_->watch(std::move(callback));
    }
    bool abandoned() const override { return abandonment_ && abandonment_->raised(); }

  private:
    std::function<void(Response)> answered_;
    std::shared_ptr<Abandonment> abandonment_;
};

}  // namespace

Responder Responder::to(std::function<void(Response)> answered, std::shared_ptr<Abandonment> abandonment) {
    return Responder{std::make_unique<FunctionSink>(std::move(answered), std::move(abandonment))};
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

void Responder::on_abandoned(Abandonment::Callback callback) {
    if (sink_) sink_->on_abandoned(std::move(callback));
}

void Responder::give_up() noexcept {
    if (!sink_) return;
    try {
        if (sink_->abandoned()) return sink_.reset();
        log::error("http.unanswered");
        fail(Error{ErrorCode::internal, "the request was dropped without an answer", {}, std::nullopt});
    } catch (const std::exception&) {
        // Out of memory in a destructor: the connection's own deadline remains.
        sink_.reset();
    }
}

Handler answer_with(std::function<Result<Response>(Request&)> make) {
    return [make = std::move(make)](Request request, Responder responder) { responder.reply(make(request)); };
}

}  // namespace photogate::gateway::http
