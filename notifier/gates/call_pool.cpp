#include "notifier/gates/call_pool.hpp"

#include <exception>
#include <system_error>
#include <utility>

#include <pthread.h>

#include "base/log.hpp"

namespace photogate::notifier::gates {
namespace {

Error no_turn() {
    return {
        ErrorCode::overloaded,
        "more uploads wait for the app's hook than the gateway lets wait; send the request again in a moment",
        {},
        std::chrono::seconds{2}};
}

void call(CallPool::Work& work, Result<> turn) {
    try {
        work(std::move(turn));
    } catch (const std::exception& error) {
        log::error("pool.exception", {{"pool", "hooks"}, {"what", error.what()}});
    }
    work = nullptr;
}

}  // namespace

bool CallPool::make_room(const std::string& key, const std::string& asker, Work& displaced) {
    const auto& of_key = keys_[key];
    const bool key_is_full = of_key.waiting >= options_.waiting_of_key;
    if (!key_is_full && waiting_ < options_.waiting) return true;
    const auto mine = of_key.askers.find(asker);
    // With fewer than two more than this asker has, it would have fewer after the exchange.
    std::size_t most = (mine == of_key.askers.end() ? 0 : mine->second.size()) + 1;
    Key* richest_key = nullptr;
    std::deque<Waiting>* richest = nullptr;
    for (auto& [name, each] : keys_) {
        if (key_is_full && name != key) continue;
        for (auto& [of, waiting] : each.askers) {
            if (waiting.size() <= most) continue;
            most = waiting.size();
            richest_key = &each;
            richest = &waiting;
        }
    }
    if (richest == nullptr) return false;
    displaced = std::move(richest->back().work);
    richest->pop_back();
    --richest_key->waiting;
    --waiting_;
    return true;
}

void CallPool::forget_if_idle(const std::string& key) {
    const auto found = keys_.find(key);
    if (found != keys_.end() && found->second.waiting == 0 && found->second.active == 0) keys_.erase(found);
}

Result<> CallPool::submit(const std::string& key, const std::string& asker, Work work) {
    Work displaced;
    {
        const std::lock_guard lock{mutex_};
        if (closing_ || !make_room(key, asker, displaced)) {
            forget_if_idle(key);
            ++refused_;
            return fail(no_turn());
        }
        if (displaced) ++refused_;
        auto& of_key = keys_[key];
        auto& of_asker = of_key.askers[asker];
        of_asker.push_back({std::move(work), Steady::now()});
        ++of_key.waiting;
        ++waiting_;
        if (threads_.size() - active_ < waiting_ && threads_.size() < options_.threads) start_thread();
        if (threads_.empty()) {
            of_asker.pop_back();
            if (of_asker.empty()) of_key.askers.erase(asker);
            --of_key.waiting;
            --waiting_;
            forget_if_idle(key);
            ++refused_;
            return fail(no_turn());
        }
        wake_.notify_one();
    }
    if (displaced) call(displaced, fail(no_turn()));
    return {};
}

void CallPool::start_thread() {
    try {
        threads_.emplace_back([this] { loop(); });
        (void)pthread_setname_np(threads_.back().native_handle(), "hooks");
    } catch (const std::system_error& error) {
        log::error("pool.no_thread", {{"pool", "hooks"}, {"what", error.what()}});
    }
}

CallPool::Keys::iterator CallPool::next() {
    const auto may_run = [this](const auto& entry) {
        // Whoever is told that it ends needs no thread of its own for long.
        return entry.second.waiting > 0 && (closing_ || entry.second.active < options_.threads_of_key);
    };
    for (auto at = keys_.upper_bound(last_); at != keys_.end(); ++at) {
        if (may_run(*at)) return at;
    }
    for (auto at = keys_.begin(); at != keys_.end(); ++at) {
        if (may_run(*at)) return at;
    }
    return keys_.end();
}

CallPool::Waiting CallPool::take_next(Key& key) {
    auto asker = key.askers.upper_bound(key.last);
    if (asker == key.askers.end()) asker = key.askers.begin();
    key.last = asker->first;
    auto taken = std::move(asker->second.front());
    asker->second.pop_front();
    if (asker->second.empty()) key.askers.erase(asker);
    --key.waiting;
    return taken;
}

void CallPool::run(std::unique_lock<std::mutex>& lock, Keys::iterator key) {
    last_ = key->first;
    const bool ending = closing_;
    auto taken = take_next(key->second);
    --waiting_;
    ++key->second.active;
    ++active_;
    lock.unlock();
    const bool in_time = !ending && Steady::now() - taken.since <= options_.patience;
    call(taken.work, in_time ? Result<>{} : Result<>{fail(no_turn())});
    lock.lock();
    if (!in_time) ++refused_;
    --active_;
    --key->second.active;
    if (key->second.active == 0 && key->second.waiting == 0) keys_.erase(key);
    wake_.notify_all();
}

void CallPool::loop() {
    std::unique_lock lock{mutex_};
    for (;;) {
        auto key = keys_.end();
        wake_.wait(lock, [&] {
            key = next();
            return key != keys_.end() || (closing_ && waiting_ == 0);
        });
        if (key == keys_.end()) return;
        run(lock, key);
    }
}

void CallPool::join() {
    {
        const std::lock_guard lock{mutex_};
        closing_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

CallPool::Counts CallPool::counts() const {
    const std::lock_guard lock{mutex_};
    return {waiting_, active_, refused_};
}

}  // namespace photogate::notifier::gates
