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

}  // namespace

Result<> CallPool::submit(const std::string& key, Work work) {
    const std::lock_guard lock{mutex_};
    auto& of_key = keys_[key];
    if (closing_ || waiting_ >= options_.waiting || of_key.waiting.size() >= options_.waiting_of_key) {
        if (of_key.waiting.empty() && of_key.active == 0) keys_.erase(key);
        ++refused_;
        return fail(no_turn());
    }
    of_key.waiting.push_back({std::move(work), Steady::now()});
    ++waiting_;
    if (threads_.size() - active_ < waiting_ && threads_.size() < options_.threads) {
        try {
            threads_.emplace_back([this] { loop(); });
            (void)pthread_setname_np(threads_.back().native_handle(), "hooks");
        } catch (const std::system_error& error) {
            log::error("pool.no_thread", {{"pool", "hooks"}, {"what", error.what()}});
            if (threads_.empty()) {
                of_key.waiting.pop_back();
                --waiting_;
                ++refused_;
                return fail(no_turn());
            }
        }
    }
    wake_.notify_one();
    return {};
}

std::map<std::string, CallPool::Key>::iterator CallPool::next() {
    const auto may_run = [this](const auto& entry) {
        // Whoever is told that it ends needs no thread of its own for long.
        return !entry.second.waiting.empty() && (closing_ || entry.second.active < options_.threads_of_key);
    };
    for (auto at = keys_.upper_bound(last_); at != keys_.end(); ++at) {
        if (may_run(*at)) return at;
    }
    for (auto at = keys_.begin(); at != keys_.end(); ++at) {
        if (may_run(*at)) return at;
    }
    return keys_.end();
}

void CallPool::run(std::unique_lock<std::mutex>& lock, std::map<std::string, Key>::iterator key) {
    last_ = key->first;
    const bool ending = closing_;
    auto taken = std::move(key->second.waiting.front());
    key->second.waiting.pop_front();
    --waiting_;
    ++key->second.active;
    ++active_;
    lock.unlock();
    const bool in_time = !ending && Steady::now() - taken.since <= options_.patience;
    try {
        taken.work(in_time ? Result<>{} : Result<>{fail(no_turn())});
    } catch (const std::exception& error) {
        log::error("pool.exception", {{"pool", "hooks"}, {"what", error.what()}});
    }
    taken.work = nullptr;
    lock.lock();
    if (!in_time) ++refused_;
    --active_;
    --key->second.active;
    if (key->second.active == 0 && key->second.waiting.empty()) keys_.erase(key);
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
