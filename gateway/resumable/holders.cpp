#include "gateway/resumable/holders.hpp"

#include <algorithm>
#include <utility>

namespace photogate::gateway::resumable {

Holders::Holders(std::chrono::milliseconds patience) : patience_(patience), watch_([this] { pass_over(); }) {}

Holders::~Holders() {
    std::list<Waiting> left;
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        left.swap(waiting_);
    }
    changed_.notify_all();
    watch_.join();
    for (auto& each : left)
        each.then(nullptr);
}

bool Holders::awaited(const UploadId& upload) const {
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [&](const Waiting& each) { return each.upload == upload; });
}

std::unique_ptr<Holders::Holding> Holders::give(const UploadId& upload) {
    holders_[upload] = {++numbers_, awaited(upload), nullptr};
    return std::make_unique<Holding>(*this, upload, numbers_);
}

void Holders::ask(const UploadId& upload, Then then) {
    std::unique_ptr<Holding> given;
    std::function<void()> interrupt;
    {
        const std::lock_guard lock{mutex_};
        const auto held = holders_.find(upload);
        if (held == holders_.end()) {
            given = give(upload);
        } else {
            held->second.wanted = true;
            interrupt = std::exchange(held->second.interrupt, nullptr);
            waiting_.push_back({upload, Steady::now() + patience_, std::move(then)});
        }
    }
    if (given) return then(std::move(given));
    changed_.notify_all();
    if (interrupt) interrupt();
}

void Holders::interrupt_with(const UploadId& upload, std::uint64_t number, std::function<void()> interrupt) {
    {
        const std::lock_guard lock{mutex_};
        const auto held = holders_.find(upload);
        const bool holds = held != holders_.end() && held->second.number == number;
        if (holds && !held->second.wanted) {
            held->second.interrupt = std::move(interrupt);
            return;
        }
    }
    interrupt();
}

void Holders::let_go(const UploadId& upload, std::uint64_t number) {
    Then then;
    std::unique_ptr<Holding> given;
    {
        const std::lock_guard lock{mutex_};
        const auto held = holders_.find(upload);
        if (held == holders_.end() || held->second.number != number) return;
        holders_.erase(held);
        const auto next = std::find_if(waiting_.begin(), waiting_.end(),
                                       [&](const Waiting& each) { return each.upload == upload; });
        if (next == waiting_.end()) return;
        then = std::move(next->then);
        waiting_.erase(next);
        given = give(upload);
    }
    then(std::move(given));
}

void Holders::pass_over() {
    std::unique_lock lock{mutex_};
    while (!stopping_) {
        if (waiting_.empty()) {
            changed_.wait(lock);
            continue;
        }
        const auto until = waiting_.front().until;
        if (Steady::now() < until) {
            changed_.wait_until(lock, until);
            continue;
        }
        auto first = std::move(waiting_.front());
        waiting_.pop_front();
        auto given = give(first.upload);
        lock.unlock();
        first.then(std::move(given));
        lock.lock();
    }
}

bool Holders::holds(const UploadId& upload) const {
    const std::lock_guard lock{mutex_};
    return holders_.count(upload) != 0;
}

std::size_t Holders::held() const {
    const std::lock_guard lock{mutex_};
    return holders_.size();
}

}  // namespace photogate::gateway::resumable
