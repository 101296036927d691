// The time that several machines share: that of one machine's clock.
//
// It starts as this machine's time and advances steadily: a step of the wall clock does not affect it. The
// owner measures the offset of the reference clock from time to time and sets it.
//
// Thread safety: any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/time.hpp"

namespace photogate {

/// The error that the network adds to reading a correct clock.
inline constexpr std::chrono::seconds kClockNoise{2};

class AgreedClock final : public Clock {
  public:
    AgreedClock();
    Timestamp now() const override;
    /// Sets the offset of the reference clock. Offsets smaller than kClockNoise are ignored.
    void correct(std::chrono::microseconds ahead);

  private:
    std::atomic<std::int64_t> ahead_of_steady_;
};

}  // namespace photogate
