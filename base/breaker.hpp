// Whether a service that failed is called again: not until some time has passed, then by one caller, and by all once
// that one has succeeded.
//
// The time between two tries doubles with each failure up to a limit, so that a service that is away costs little, and
// one that is back is found within that limit.
//
// Thread safety: any thread. Time is handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace photogate {

class Breaker {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;
    struct Options {
        std::uint32_t failures = 3;               ///< in a row, before it opens
        std::chrono::milliseconds first{1'000};   ///< how long it stays open
        std::chrono::milliseconds most{30'000};   ///< at most
        std::chrono::milliseconds trial{15'000};  ///< how long whoever tries is waited for
    };
    explicit Breaker(Options options) : options_(options) {}

    /// nullopt: call it, and tell how that ended. Otherwise how long it is left alone at least.
    std::optional<std::chrono::milliseconds> enter(TimePoint now);
    void succeeded();
    void failed(TimePoint now);
    enum class State {
        closed,  ///< everybody calls
        due,     ///< the next caller is let through, to try
        open,    ///< nobody is
    };
    State state(TimePoint now) const;
    /// Whether enter() would say no.
    bool holds_back(TimePoint now) const { return state(now) == State::open; }

  private:
    const Options options_;
    mutable std::mutex mutex_;
    std::uint32_t failures_ = 0;  ///< in a row
    bool trying_ = false;         ///< while it is open: somebody was let through
    TimePoint next_{};            ///< when the next caller may try; used while it is open
};

}  // namespace photogate
