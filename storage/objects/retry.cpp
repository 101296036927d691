#include "storage/objects/retry.hpp"

#include <algorithm>
#include <thread>

namespace photogate::storage::objects {

namespace {

constexpr std::uint32_t kRetryCost = 5;

}  // namespace

void SystemPacer::pause(std::chrono::milliseconds time) {
    std::this_thread::sleep_for(time);
}

bool RetryBudget::take() {
    const std::lock_guard lock{mutex_};
    if (tokens_ < kRetryCost) return false;
    tokens_ -= kRetryCost;
    return true;
}

void RetryBudget::give(std::uint32_t tokens) {
    const std::lock_guard lock{mutex_};
    tokens_ = std::min(capacity_, tokens_ + tokens);
}

void RetryBudget::first_attempt_succeeded() {
    give(1);
}
void RetryBudget::retry_succeeded() {
    give(kRetryCost);
}

RetryLoop::RetryLoop(const RetryPolicy& policy, Dependencies dependencies)
    : policy_(policy), dependencies_(dependencies), started_(dependencies.pacer.now()) {}

std::chrono::milliseconds RetryLoop::remaining() const {
    const auto left = policy_.deadline - std::chrono::duration_cast<std::chrono::milliseconds>(
                                             dependencies_.pacer.now() - started_);
    return std::max(left, std::chrono::milliseconds{1});
}

bool RetryLoop::again(const Error& error) {
    if (!is_retryable(error.code) || attempts_ >= policy_.attempts) return false;
    auto bound = policy_.base;
    for (std::uint32_t i = 1; i < attempts_ && bound < policy_.cap; ++i)
        bound *= 2;
    bound = std::min(bound, policy_.cap);
    std::chrono::milliseconds wait{dependencies_.random.below(static_cast<std::uint64_t>(bound.count()) + 1)};
    if (error.retry_after) wait = std::max<std::chrono::milliseconds>(wait, *error.retry_after);
    if (wait >= remaining() || !dependencies_.budget.take()) return false;
    dependencies_.pacer.pause(wait);
    ++attempts_;
    return true;
}

void RetryLoop::succeeded() {
    if (attempts_ == 1) {
        dependencies_.budget.first_attempt_succeeded();
    } else {
        dependencies_.budget.retry_succeeded();
    }
}

}  // namespace photogate::storage::objects
