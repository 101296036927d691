// The retry policy of store calls: full jitter, a deadline over all attempts, and a budget shared by all
// calls.
//
// Source: AWS "Exponential backoff and jitter" (full jitter) and the token bucket of AWS SDKs' standard retry
// mode: while most calls fail, the budget is empty and retries stop, so an outage costs about one request per
// call instead of four.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

#include "base/random.hpp"
#include "base/result.hpp"

namespace photogate::storage::objects {

struct RetryPolicy {
    std::uint32_t attempts = 4;
    std::chrono::milliseconds base{
        100};  ///< the first wait is uniform in [0, base], each next one's bound doubles
    std::chrono::milliseconds cap{3'000};
    /// From the first attempt to the end of the last one's wait for its first byte.
    std::chrono::milliseconds deadline{28'000};
};

/// The monotonic clock, and waiting on it.
class Pacer {
  public:
    virtual ~Pacer() = default;
    virtual std::chrono::steady_clock::time_point now() const = 0;
    virtual void pause(std::chrono::milliseconds time) = 0;
};

class SystemPacer final : public Pacer {
  public:
    std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
    void pause(std::chrono::milliseconds time) override;
};

/// Thread safe. A retry takes 5 tokens, its success returns them; a successful first attempt adds 1.
class RetryBudget {
  public:
    explicit RetryBudget(std::uint32_t capacity = 500) : capacity_(capacity), tokens_(capacity) {}
    bool take();
    void first_attempt_succeeded();
    void retry_succeeded();

  private:
    void give(std::uint32_t tokens);
    std::mutex mutex_;
    const std::uint32_t capacity_;
    std::uint32_t tokens_;
};

/// One call's attempts. Not thread safe; all references outlive it.
class RetryLoop {
  public:
    struct Dependencies {
        Pacer& pacer;
        Random& random;
        RetryBudget& budget;
    };
    RetryLoop(const RetryPolicy& policy, Dependencies dependencies);

    /// What is left of the deadline, at least 1 ms.
    std::chrono::milliseconds remaining() const;
    std::uint32_t attempts() const { return attempts_; }
    /// After a failed attempt: waits and returns true if another attempt is due. Returns false immediately if
    /// `error` is final, attempts, time or budget are exhausted, or the store asks for more time than is
    /// left.
    bool again(const Error& error);
    void succeeded();

  private:
    const RetryPolicy& policy_;
    Dependencies dependencies_;
    std::chrono::steady_clock::time_point started_;
    std::uint32_t attempts_ = 1;
};

}  // namespace photogate::storage::objects
