#include "gateway/waiting/event_stream.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace photogate::gateway::waiting {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kSilence = 15s;
constexpr auto kLongest = 10min;
constexpr std::size_t kLongestEventId = 64;

}  // namespace

std::string last_event_id(const http::RequestHead& head) {
    const auto last = head.headers.find("last-event-id");
    return last && last->size() <= kLongestEventId ? std::string{*last} : std::string{};
}

template <class Subject>
struct EventStream<Subject>::State : std::enable_shared_from_this<State> {
    State(Means given, std::shared_ptr<Waiter> its_place, NextEvents first)
        : means(std::move(given)), place(std::move(its_place)), known(std::move(first)) {}

    /// What is known and was not told yet; nullopt where that is nothing.
    std::optional<std::string> say() {
        std::string text = std::exchange(greeted, true) ? "" : "retry: 3000\n\n";
        for (const auto& event : known.events)
            text += fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.id, event.name, event.data);
        if (!known.events.empty()) means.last_event_id = known.events.back().id;
        known.events.clear();
        if (text.empty()) return std::nullopt;
        return text;
    }

    /// Behind it there is nothing.
    void end(const Answer& answer) {
        {
            const std::lock_guard lock(mutex);
            over = true;
        }
        answer(std::string{});
    }

    void go_on(Answer answer) {
        if (known.over || Steady::now() - began_at > kLongest || means.waiters.releasing())
            return end(answer);
        if (known.more) return read(std::move(answer));
        means.waiters.follow(
            place, {means.id, known.mark, kSilence},
            [self = this->shared_from_this(), answer = std::move(answer)](Followed what) mutable {
                if (what == Followed::changed) return self->read(std::move(answer));
                if (self->means.waiters.releasing()) return self->end(answer);
                answer(std::string{":\n\n"});
            });
    }

    /// Not on the thread that calls: it must not wait.
    void read(Answer answer) {
        auto waiting = std::make_shared<Answer>(std::move(answer));
        const auto taken = means.pool.submit([self = this->shared_from_this(), waiting] {
            {
                const std::lock_guard lock(self->mutex);
                if (self->over) return (*waiting)(std::string{});
            }
            auto next = self->means.read(self->means.last_event_id);
            if (!next) return self->end(*waiting);
            self->known = std::move(*next);
            if (auto text = self->say()) return (*waiting)(std::move(*text));
            self->go_on(std::move(*waiting));
        });
        if (taken) return;
        if (known.more) return end(*waiting);
        // Many are told at once: the next round finds that it still lacks the change.
        (*waiting)(std::string{":\n\n"});
    }

    Means means;
    const std::shared_ptr<Waiter> place;
    const Steady::time_point began_at = Steady::now();

    // Of whoever makes the next piece, one at a time.
    NextEvents known;
    bool greeted = false;

    std::mutex mutex;
    bool over = false;  ///< all is told, or nobody listens any more
};

template <class Subject>
EventStream<Subject>::EventStream(Means means, std::shared_ptr<Waiter> place, NextEvents first)
    : state_(std::make_shared<State>(std::move(means), std::move(place), std::move(first))) {}

template <class Subject>
EventStream<Subject>::~EventStream() {
    {
        const std::lock_guard lock(state_->mutex);
        if (std::exchange(state_->over, true)) return;
    }
    state_->means.waiters.abandon(state_->place, http::Abandoned::by_client);
}

template <class Subject>
void EventStream<Subject>::next(Answer answer) {
    if (auto text = state_->say()) return answer(std::move(*text));
    state_->go_on(std::move(answer));
}

template <class Subject>
Result<http::Response> answer_with_events(typename EventStream<Subject>::Means means,
                                          access::PlaceClient client) {
    auto first = means.read(means.last_event_id);
    if (!first) return fail(std::move(first.error()));
    if (first->over && first->events.empty()) return http::Response::empty(204);
    auto place = means.waiters.enter(std::move(client));
    if (!place) return fail(std::move(place.error()));
    http::Response response;
    response.set("Content-Type", "text/event-stream");
    response.set("Cache-Control", "no-store");
    response.set("X-Accel-Buffering", "no");
    response.body = http::StreamBody{
        std::make_unique<EventStream<Subject>>(std::move(means), std::move(*place), std::move(*first)),
        std::nullopt};
    return response;
}

template class EventStream<UploadSubject>;
template class EventStream<PackageSubject>;
template Result<http::Response> answer_with_events<UploadSubject>(UploadEvents::Means, access::PlaceClient);
template Result<http::Response> answer_with_events<PackageSubject>(PackageEvents::Means, access::PlaceClient);

}  // namespace photogate::gateway::waiting
