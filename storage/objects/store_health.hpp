// Whether a store answers: what its calls met, and what probes of it met.
//
// A store is down once a few attempts in a row got no answer: no connection, a timeout, a connection that broke, or a
// 5xx that is not about load. Any answer in between, a refusal too, begins the count anew.
//
// Where the store is watched by probes, one that succeeds brings it back and nothing else does (a store that is starting
// refuses what it will permit), and meanwhile calls to it are refused at once: whoever
// waits for a store that is down holds up work for the others. Where it is not watched, calls are made all the same, and
// the first that is answered brings it back.
//
// Thread safety: any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/result.hpp"

namespace photogate::storage::objects {

/// Whether the error says that the store did not answer.
bool is_no_answer(ErrorCode code);

class StoreHealth {
  public:
    /// Attempts in a row without an answer after which it is down.
    static constexpr std::uint32_t kMostUnanswered = 3;

    /// `name` is for the log.
    explicit StoreHealth(std::string name = "default") : name_(std::move(name)) {}

    /// It answers, and nothing is left to be proved of it.
    bool is_up() const { return answers_ && proved_; }
    bool answers() const { return answers_; }

    /// From now on probes decide whether it is back.
    void watch() { watched_ = true; }
    /// Whether calls are to be refused without being made.
    bool refuses_calls() const { return watched_ && !answers_; }
    /// What refused calls end with: store_unavailable, with a time after which to come again.
    Error refusal() const;

    /// What an attempt of a call came to.
    void answered();
    void went_unanswered(const Error& error);
    /// What a probe came to: a 503 counts as no answer, whatever it says. Answers whether the store answers now.
    bool probed(const Result<>& outcome);

    /// Its credentials and buckets are not known to be safe: not up before proved().
    void suspend() { proved_ = false; }
    void proved() { proved_ = true; }
    bool is_proved() const { return proved_; }

  private:
    void end(const Error& error);
    void come_back();

    const std::string name_;
    std::atomic<bool> answers_{true};
    std::atomic<bool> proved_{true};
    std::atomic<bool> watched_{false};
    std::atomic<std::uint32_t> unanswered_{0};
    std::mutex mutex_;  ///< of changes of answers_, each of which is logged once
};

}  // namespace photogate::storage::objects
