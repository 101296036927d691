#include "delivery/byte_budget.hpp"

#include <mutex>
#include <utility>

namespace photogate::delivery {

struct ByteBudget::State {
    State(std::uint64_t most, std::uint64_t spared) : limit(most), spare(spared) {}
    const std::uint64_t limit;
    const std::uint64_t spare;
    mutable std::mutex mutex;
    Counts counts;
};

ByteBudget::ByteBudget(std::uint64_t limit, std::uint64_t spare)
    : state_(std::make_shared<State>(limit, spare)) {}

std::optional<ByteBudget::Reservation> ByteBudget::take(std::uint64_t bytes) {
    std::lock_guard lock(state_->mutex);
    const std::uint64_t taken = state_->counts.taken;
    if (taken > 0 && (taken > state_->limit || bytes > state_->limit - taken)) {
        ++state_->counts.refused;
        return std::nullopt;
    }
    state_->counts.taken += bytes;
    return std::make_optional<Reservation>(state_, bytes);
}

std::optional<ByteBudget::Reservation> ByteBudget::take_spare(std::uint64_t bytes) {
    std::lock_guard lock(state_->mutex);
    if (state_->counts.taken + bytes > state_->spare) return std::nullopt;
    state_->counts.taken += bytes;
    return std::make_optional<Reservation>(state_, bytes);
}

ByteBudget::Counts ByteBudget::counts() const {
    std::lock_guard lock(state_->mutex);
    return state_->counts;
}

ByteBudget::Reservation::Reservation(std::shared_ptr<State> state, std::uint64_t bytes)
    : state_(std::move(state)), bytes_(bytes) {}

ByteBudget::Reservation& ByteBudget::Reservation::operator=(Reservation&& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

ByteBudget::Reservation::~Reservation() {
    if (!state_) return;
    std::lock_guard lock(state_->mutex);
    state_->counts.taken -= bytes_;
}

}  // namespace photogate::delivery
