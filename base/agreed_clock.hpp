// The time that several machines go by: read off the clock of one of them.
//
// It begins as the machine's own and goes on evenly from there: a step of the machine's wall clock does not
// reach it. Somebody measures now and then how far the clock to agree with is ahead, and says so.
//
// Thread safety: any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/time.hpp"

namespace photogate {

/// What a network makes of the reading of a clock that is right.
inline constexpr std::chrono::seconds kClockNoise{2};

class AgreedClock final : public Clock {
  public:
    AgreedClock();
    Timestamp now() const override;
    /// The clock to agree with is so far ahead of this one; less than kClockNoise is no news.
    void correct(std::chrono::microseconds ahead);

  private:
    std::atomic<std::int64_t> ahead_of_steady_;
};

}  // namespace photogate
