// A stop token with an interruptible sleep, and a rate limiter for background loops.
//
// Thread safety: StopSignal any thread; a Pace belongs to one.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace photogate::pipeline {

class StopSignal {
  public:
    void stop() {
        {
            const std::lock_guard lock{mutex_};
            stopped_ = true;
        }
        changed_.notify_all();
    }
    bool stopped() const {
        const std::lock_guard lock{mutex_};
        return stopped_;
    }
    /// Until then, or until stop(). Answers whether it was stopped.
    bool wait_until(std::chrono::steady_clock::time_point time) const {
        std::unique_lock lock{mutex_};
        return changed_.wait_until(lock, time, [this] { return stopped_; });
    }
    bool wait_for(std::chrono::milliseconds time) const {
        return wait_until(std::chrono::steady_clock::now() + time);
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    bool stopped_ = false;
};

/// At most so many a second, evenly; who was slow gains nothing by it.
class Pace {
  public:
    Pace(std::uint32_t per_second, const StopSignal& stop)
        : gap_(std::chrono::microseconds{1'000'000 / std::max<std::uint32_t>(per_second, 1)}), stop_(stop) {}

    /// Waits for its turn. False: it was stopped meanwhile.
    bool next() {
        const auto now = std::chrono::steady_clock::now();
        const auto turn = std::max(now, free_at_);
        free_at_ = turn + gap_;
        return turn == now ? !stop_.stopped() : !stop_.wait_until(turn);
    }

  private:
    const std::chrono::microseconds gap_;
    const StopSignal& stop_;
    std::chrono::steady_clock::time_point free_at_{};
};

}  // namespace photogate::pipeline
