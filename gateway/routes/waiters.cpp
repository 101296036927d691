#include "gateway/routes/waiters.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace photogate::gateway::routes {

using model::Upload;
using Steady = std::chrono::steady_clock;

Waiters::Waiters(storage::records::Records& records, std::chrono::milliseconds look_every)
    : records_(records), look_every_(look_every), thread_([this] { look(); }) {}

Waiters::~Waiters() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = releasing_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Waiters::wait(Wait what, Answer answer) {
    {
        std::lock_guard lock(mutex_);
        waiters_.emplace(what.id, Waiter{what.until, Steady::now() + what.at_most, std::move(answer)});
        arrived_ = true;
    }
    changed_.notify_all();
}

void Waiters::finished(const Upload& upload) {
    if (!is_final(upload.state)) return;
    std::vector<Answer> answers;
    {
        std::lock_guard lock(mutex_);
        const auto [first, last] = waiters_.equal_range(upload.id);
        for (auto each = first; each != last;) {
            if (each->second.until == Until::ended) {
                answers.push_back(std::move(each->second.answer));
                each = waiters_.erase(each);
            } else {
                ++each;
            }
        }
    }
    for (auto& answer : answers)
        answer(upload, Waited::fulfilled);
}

void Waiters::settled(const UploadId& id) {
    {
        std::lock_guard lock(mutex_);
        if (!waiters_.contains(id)) return;
    }
    look_at(id);
}

void Waiters::look_at(const UploadId& id) {
    const auto upload = records_.find(std::nullopt, id);
    const bool ended = upload && is_final(upload->state);
    const bool gone = ended && !records_.has_jobs(id).value_or(true);
    const auto now = Steady::now();
    std::vector<std::pair<Answer, Waited>> answers;
    {
        std::lock_guard lock(mutex_);
        const auto [first, last] = waiters_.equal_range(id);
        for (auto each = first; each != last;) {
            const auto& waiter = each->second;
            const bool fulfilled = waiter.until == Until::ended ? ended : gone;
            if (fulfilled || !upload || waiter.deadline <= now || releasing_) {
                answers.emplace_back(waiter.answer, fulfilled ? Waited::fulfilled : Waited::timed_out);
                each = waiters_.erase(each);
            } else {
                ++each;
            }
        }
    }
    for (auto& [answer, waited] : answers)
        answer(upload, waited);
}

void Waiters::look() {
    std::unique_lock lock(mutex_);
    auto next_round = Steady::now();
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !waiters_.empty(); });
        if (waiters_.empty()) return;
        const auto now = Steady::now();
        const bool everyone = releasing_ || now >= next_round;
        if (now >= next_round) next_round = now + look_every_;
        arrived_ = false;
        auto next = next_round;
        std::set<UploadId> ids;
        for (auto& [id, waiter] : waiters_) {
            // Who has just come is looked at by itself: it may have become so between request and waiting.
            if (everyone || !waiter.looked_at || waiter.deadline <= now) {
                ids.insert(id);
            } else {
                next = std::min(next, waiter.deadline);
            }
            waiter.looked_at = true;
        }
        if (ids.empty()) {
            changed_.wait_until(lock, next, [this] { return releasing_ || arrived_; });
            continue;
        }
        lock.unlock();
        for (const auto& id : ids)
            look_at(id);
        lock.lock();
    }
}

void Waiters::release_all() {
    std::set<UploadId> ids;
    {
        std::lock_guard lock(mutex_);
        releasing_ = true;
        for (const auto& [id, waiter] : waiters_)
            ids.insert(id);
    }
    for (const auto& id : ids)
        look_at(id);
}

std::size_t Waiters::waiting() const {
    std::lock_guard lock(mutex_);
    return waiters_.size();
}

}  // namespace photogate::gateway::routes
