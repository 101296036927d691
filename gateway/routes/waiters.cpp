#include "gateway/routes/waiters.hpp"

#include <set>
#include <utility>

namespace photogate::gateway::routes {

using storage::records::Upload;
using Steady = std::chrono::steady_clock;

Waiters::Waiters(storage::records::Records& records, std::chrono::milliseconds look_every)
    : records_(records), look_every_(look_every), thread_([this] { look(); }) {}

Waiters::~Waiters() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Waiters::wait(const UploadId& id, std::chrono::seconds at_most, Answer answer) {
    {
        std::lock_guard lock(mutex_);
        waiters_.emplace(id, Waiter{Steady::now() + at_most, std::move(answer)});
    }
    changed_.notify_all();
}

void Waiters::finished(const Upload& upload) {
    if (!is_final(upload.state)) return;
    std::vector<Answer> answers;
    {
        std::lock_guard lock(mutex_);
        const auto [first, last] = waiters_.equal_range(upload.id);
        for (auto each = first; each != last; ++each)
            answers.push_back(std::move(each->second.answer));
        waiters_.erase(first, last);
    }
    for (auto& answer : answers)
        answer(upload);
}

void Waiters::look_at(const UploadId& id) {
    const auto upload = records_.find(std::nullopt, id);
    const bool ended = !upload || is_final(upload->state);
    const auto now = Steady::now();
    std::vector<Answer> answers;
    {
        std::lock_guard lock(mutex_);
        const auto [first, last] = waiters_.equal_range(id);
        for (auto each = first; each != last;) {
            if (ended || each->second.until <= now || stopping_) {
                answers.push_back(std::move(each->second.answer));
                each = waiters_.erase(each);
            } else {
                ++each;
            }
        }
    }
    for (auto& answer : answers)
        answer(upload);
}

void Waiters::look() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !waiters_.empty(); });
        auto next = Steady::now() + look_every_;
        std::set<UploadId> ids;
        for (const auto& [id, waiter] : waiters_) {
            ids.insert(id);
            next = std::min(next, waiter.until);
        }
        lock.unlock();
        // The first look comes at once: the end may have come between the request and its waiting.
        for (const auto& id : ids)
            look_at(id);
        lock.lock();
        if (stopping_ && waiters_.empty()) return;
        changed_.wait_until(lock, next, [this] { return stopping_; });
    }
}

void Waiters::release_all() {
    std::set<UploadId> ids;
    {
        std::lock_guard lock(mutex_);
        for (auto& [id, waiter] : waiters_) {
            waiter.until = Steady::now();
            ids.insert(id);
        }
    }
    for (const auto& id : ids)
        look_at(id);
}

std::size_t Waiters::waiting() const {
    std::lock_guard lock(mutex_);
    return waiters_.size();
}

}  // namespace photogate::gateway::routes
