// How many bytes of memory images on their way to readers may hold, over all of them.
//
// Thread safety: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

namespace photogate::delivery {

class ByteBudget {
    struct State;

  public:
    /// Bytes taken, until its destruction. May outlive the ByteBudget.
    class Reservation {
      public:
        Reservation(std::shared_ptr<State> state, std::uint64_t bytes);
        ~Reservation();
        Reservation(Reservation&&) noexcept = default;
        Reservation& operator=(Reservation&& other) noexcept;

      private:
        std::shared_ptr<State> state_;  ///< null: moved from
        std::uint64_t bytes_;
    };

    struct Counts {
        std::uint64_t taken = 0;
        std::uint64_t refused = 0;  ///< calls of take() that found no room
    };

    /// Of `limit` in all, `spare` at most while something is taken that can be done without.
    ByteBudget(std::uint64_t limit, std::uint64_t spare);
    /// nullopt: there is no room. One reservation larger than the limit is given where nothing else is taken.
    std::optional<Reservation> take(std::uint64_t bytes);
    /// For what is of use and can be done without: nullopt where more than `spare` would be taken.
    std::optional<Reservation> take_spare(std::uint64_t bytes);
    Counts counts() const;

  private:
    std::shared_ptr<State> state_;
};

}  // namespace photogate::delivery
