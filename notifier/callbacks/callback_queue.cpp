#include "notifier/callbacks/callback_queue.hpp"

#include <algorithm>
#include <utility>

namespace photogate::notifier::callbacks {
namespace {

using namespace std::chrono_literals;

/// So far ahead of its rate a URL may be: what waited a moment goes out together.
constexpr auto kRateSlack = 100ms;

}  // namespace

using model::Callback;

void CallbackQueue::add(std::vector<Callback> claimed, TimePoint claimed_at) {
    for (auto& callback : claimed) {
        const auto [at, fresh] = endpoints_.try_emplace(callback.endpoint());
        auto& endpoint = at->second;
        if (fresh) endpoint.share = limits_.per_url;
        // Claimed a second time, its first lease is over: only the newer token counts.
        std::erase_if(endpoint.waiting,
                      [&](const Waiting& other) { return other.callback.id == callback.id; });
        if (endpoint.waiting.size() < limits_.waiting)
            endpoint.waiting.push_back({std::move(callback), claimed_at});
    }
    forget_idle();
}

void CallbackQueue::drop_late(Endpoint& endpoint, TimePoint now) const {
    auto& waiting = endpoint.waiting;
    while (!waiting.empty() && now - waiting.front().claimed_at > limits_.startable_for)
        waiting.pop_front();
}

Callback CallbackQueue::take(Endpoint& endpoint) {
    auto callback = std::move(endpoint.waiting.front().callback);
    endpoint.waiting.pop_front();
    ++endpoint.under_way;
    ++under_way_;
    if (endpoint.slow) ++slow_under_way_;
    return callback;
}

CallbackQueue::Endpoints::iterator CallbackQueue::next(TimePoint now) {
    auto best = endpoints_.end();
    for (auto at = endpoints_.begin(); at != endpoints_.end(); ++at) {
        auto& endpoint = at->second;
        drop_late(endpoint, now);
        if (endpoint.waiting.empty() || !has_room(endpoint) || endpoint.ready_at > now + kRateSlack) continue;
        if (best == endpoints_.end()) {
            best = at;
            continue;
        }
        // Among the equally old, the URL with the fewest under way.
        const auto& other = best->second;
        const auto mine = endpoint.waiting.front().claimed_at, theirs = other.waiting.front().claimed_at;
        if (mine < theirs || (mine == theirs && endpoint.under_way < other.under_way)) best = at;
    }
    return best;
}

bool CallbackQueue::has_room(const Endpoint& endpoint) const {
    return endpoint.under_way < endpoint.share && (!endpoint.slow || slow_under_way_ < limits_.slow_at_once);
}

std::optional<CallbackQueue::TimePoint> CallbackQueue::next_start(TimePoint now) const {
    std::optional<TimePoint> earliest;
    for (const auto& [key, endpoint] : endpoints_) {
        if (endpoint.waiting.empty() || !has_room(endpoint) || endpoint.ready_at <= now + kRateSlack)
            continue;
        const auto at = endpoint.ready_at - kRateSlack;
        earliest = earliest ? std::min(*earliest, at) : at;
    }
    return earliest;
}

std::optional<Callback> CallbackQueue::start(TimePoint now) {
    const auto at = next(now);
    if (at == endpoints_.end()) return std::nullopt;
    auto& endpoint = at->second;
    auto callback = take(endpoint);
    if (limits_.per_second > 0) {
        const auto apart = std::chrono::nanoseconds{1s} / static_cast<std::int64_t>(limits_.per_second);
        endpoint.ready_at = std::max(endpoint.ready_at, now) + apart;
    }
    return callback;
}

std::optional<Callback> CallbackQueue::start_with(const model::EndpointKey& key, TimePoint now) {
    const auto at = endpoints_.find(key);
    if (at == endpoints_.end()) return std::nullopt;
    drop_late(at->second, now);
    if (at->second.waiting.empty()) return std::nullopt;
    return take(at->second);
}

bool CallbackQueue::can_start(TimePoint now) {
    return next(now) != endpoints_.end();
}

void CallbackQueue::finished(const model::EndpointKey& key, Outcome outcome, std::chrono::milliseconds took) {
    const auto at = endpoints_.find(key);
    if (at == endpoints_.end()) return;
    auto& endpoint = at->second;
    if (endpoint.slow) --slow_under_way_;
    --endpoint.under_way;
    --under_way_;
    const bool slow = took >= limits_.slow;
    if (slow != endpoint.slow) {  // its others under way count with it
        endpoint.slow = slow;
        slow ? slow_under_way_ += endpoint.under_way : slow_under_way_ -= endpoint.under_way;
    }
    switch (outcome) {
        case Outcome::success:
            endpoint.share = std::min(limits_.per_url, endpoint.share * 2);
            break;
        case Outcome::failure:
            endpoint.share = 1;
            break;
    }
    if (endpoint.share == limits_.per_url && !endpoint.slow && limits_.per_second == 0 &&
        endpoint.under_way == 0 && endpoint.waiting.empty())
        endpoints_.erase(at);
}

std::size_t CallbackQueue::share(const model::EndpointKey& key) const {
    const auto at = endpoints_.find(key);
    return at == endpoints_.end() ? limits_.per_url : at->second.share;
}

void CallbackQueue::forget_idle() {
    if (endpoints_.size() <= limits_.urls) return;
    std::erase_if(endpoints_, [](const auto& entry) {
        return entry.second.under_way == 0 && entry.second.waiting.empty();
    });
}

}  // namespace photogate::notifier::callbacks
