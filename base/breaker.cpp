#include "base/breaker.hpp"

#include <algorithm>

namespace photogate {

std::optional<std::chrono::milliseconds> Breaker::enter(TimePoint now) {
    const std::lock_guard lock{mutex_};
    if (failures_ < options_.failures) return std::nullopt;
    if (now < next_) return std::chrono::ceil<std::chrono::milliseconds>(next_ - now);
    next_ = now + options_.trial;
    trying_ = true;
    return std::nullopt;
}

void Breaker::succeeded() {
    const std::lock_guard lock{mutex_};
    failures_ = 0;
    trying_ = false;
}

void Breaker::failed(TimePoint now) {
    const std::lock_guard lock{mutex_};
    // Of calls that began before it opened, nothing new is learnt.
    if (failures_ >= options_.failures && !trying_) return;
    trying_ = false;
    ++failures_;
    if (failures_ < options_.failures) return;
    const auto doublings = std::min<std::uint32_t>(failures_ - options_.failures, 16);
    next_ = now + std::min(options_.most, options_.first * (std::int64_t{1} << doublings));
}

Breaker::State Breaker::state(TimePoint now) const {
    const std::lock_guard lock{mutex_};
    if (failures_ < options_.failures) return State::closed;
    return now < next_ ? State::open : State::due;
}

}  // namespace photogate
