// Randomness is injected, so that tests are repeatable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace photogate {

class Random {
  public:
    virtual ~Random() = default;
    /// Fills `out` with bytes fit for keys and ids.
    virtual void fill(std::span<std::byte> out) = 0;
    /// Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound);
};

/// getrandom(2), buffered. Thread safe.
class SystemRandom final : public Random {
  public:
    void fill(std::span<std::byte> out) override;
};

/// SplitMix64 from a seed: repeatable, for tests only. Not thread safe.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(std::span<std::byte> out) override;

  private:
    std::uint64_t state_;
};

}  // namespace photogate
