// Group commit: what arrives while one transaction is under way shares the next, each with its own answer.
//
// A transaction's price is its flush to disk, and one flush carries 256 rows as well as one. submit() never
// blocks: it queues, or answers `overloaded` at once when the queue is full. The committer's own thread takes
// all that wait (at most `group_limit`), hands them to `commit`, and then calls each one's completion. Where
// a group is refused because of what is in it, each of its items is done again alone, so that a bad row fails
// without its neighbours.
//
// Thread safety: submit() from any thread. Completions run on a committer's thread: quick, and no call back
// into submit() of the same committer that waits for its answer. The destructor commits what waits, for at
// most `drain`, and then answers `unavailable` to the rest.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"

namespace photogate::storage::database {

struct GroupOptions {
    std::size_t group_limit = 256;
    std::size_t queue_limit = 10'000;
    std::size_t lanes = 1;  ///< transactions under way at once
    /// So many items are worth a transaction beside one that is under way: its rows are written while that one is flushed. Fewer
    /// wait for it to end, since a flush costs the same for one.
    std::size_t worth_another = 16;
    std::chrono::milliseconds drain{5'000};
};

template <class Item, class Outcome>
class GroupCommitter {
  public:
    using Done = std::function<void(Result<Outcome>)>;
    /// One transaction: an outcome for each item in their order, or the error that rolled all of them back. Once it has committed it may
    /// move from the items.
    using Commit = std::function<Result<std::vector<Result<Outcome>>>(std::span<Item>)>;

    GroupCommitter(GroupOptions options, Commit commit) : options_(options), commit_(std::move(commit)) {
        for (std::size_t lane = 0; lane < options_.lanes; ++lane)
            threads_.emplace_back([this] { work(); });
    }

    ~GroupCommitter() { stop(); }
    GroupCommitter(const GroupCommitter&) = delete;
    GroupCommitter& operator=(const GroupCommitter&) = delete;

    void submit(Item item, Done done) {
        bool wake = false;
        {
            const std::lock_guard lock{mutex_};
            if (!stopping_ && waiting_ < options_.queue_limit) {
                if (groups_.empty() || groups_.back().items.size() >= options_.group_limit)
                    groups_.emplace_back();
                groups_.back().items.push_back(std::move(item));
                groups_.back().dones.push_back(std::move(done));
                ++waiting_;
                wake = under_way_ < options_.lanes && is_time();
                done = nullptr;
            }
        }
        if (wake) arrived_.notify_one();
        if (!done) return;
        done(fail(stopping_ ? ErrorCode::unavailable : ErrorCode::overloaded,
                  stopping_ ? "the gateway is stopping" : "too many rows wait for the database"));
    }

    /// As the destructor does; idempotent.
    void stop() {
        {
            const std::lock_guard lock{mutex_};
            if (!stopping_) drain_until_ = std::chrono::steady_clock::now() + options_.drain;
            stopping_ = true;
        }
        arrived_.notify_all();
        for (auto& thread : threads_)
            thread.join();
        threads_.clear();
    }

  private:
    struct Group {
        std::vector<Item> items;
        std::vector<Done> dones;
    };

    /// Whether a transaction is to begin now. Under the lock.
    bool is_time() const {
        return !groups_.empty() && (under_way_ == 0 || waiting_ >= options_.worth_another || stopping_);
    }

    void work() {
        std::unique_lock lock{mutex_};
        for (;;) {
            arrived_.wait(lock, [this] { return stopping_ || is_time(); });
            if (groups_.empty()) return;
            auto group = std::move(groups_.front());
            groups_.pop_front();
            waiting_ -= group.items.size();
            ++under_way_;
            const bool too_late = stopping_ && std::chrono::steady_clock::now() > drain_until_;
            lock.unlock();
            if (too_late) {
                answer_all(group.dones, Error{ErrorCode::unavailable, "the gateway is stopping"});
            } else {
                commit_group(group.items, group.dones);
            }
            lock.lock();
            --under_way_;
        }
    }

    void commit_group(std::span<Item> items, std::span<Done> dones) {
        auto outcomes = try_commit(items);
        if (outcomes) {
            for (std::size_t i = 0; i < dones.size(); ++i)
                answer(dones[i], std::move((*outcomes)[i]));
        } else if (items.size() > 1 && is_about_the_rows(outcomes.error().code)) {
            for (std::size_t i = 0; i < items.size(); ++i)
                commit_group(items.subspan(i, 1), dones.subspan(i, 1));
        } else {
            answer_all(dones, outcomes.error());
        }
    }

    Result<std::vector<Result<Outcome>>> try_commit(std::span<Item> items) {
        try {
            auto outcomes = commit_(items);
            if (outcomes && outcomes->size() != items.size())
                return fail(ErrorCode::internal, "outcomes are missing");
            return outcomes;
        } catch (const std::exception& error) {
            log::error("group_commit.threw", {{"error", error.what()}});
            return fail(ErrorCode::internal, "saving failed");
        }
    }

    /// False if a retry can't succeed.
    static bool is_about_the_rows(ErrorCode code) {
        return code != ErrorCode::database_unavailable && code != ErrorCode::overloaded &&
               code != ErrorCode::commit_in_doubt;
    }

    static void answer(Done& done, Result<Outcome> outcome) {
        try {
            done(std::move(outcome));
        } catch (const std::exception& error) {
            log::error("group_commit.completion_threw", {{"error", error.what()}});
        }
    }
    static void answer_all(std::span<Done> dones, const Error& error) {
        for (auto& done : dones)
            answer(done, fail(error));
    }

    const GroupOptions options_;
    const Commit commit_;
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Group> groups_;  ///< all but the last are full
    std::size_t waiting_ = 0;   ///< items in them
    std::size_t under_way_ = 0;
    std::atomic<bool> stopping_{false};
    std::chrono::steady_clock::time_point drain_until_{};
    std::vector<std::thread> threads_;
};

}  // namespace photogate::storage::database
