// Internal: who is served next by a worker process that is free. Pure bookkeeping without threads or clocks, so
// that its fairness can be tested; ImagerPool holds it under its mutex.
//
// Thread safety: one thread at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "imaging/image_processor.hpp"

namespace photogate::imaging {

inline constexpr std::size_t kLanes = 2;

struct LaneOptions {
    std::size_t share = 1;          ///< of the processes, against the other lane's, while both have tasks
    std::size_t most_waiting = 64;  ///< further tasks are refused
};

class TaskQueue {
  public:
    using Ticket = std::uint64_t;
    using Duration = std::chrono::microseconds;

    TaskQueue(std::size_t processes, std::array<LaneOptions, kLanes> lanes)
        : processes_(processes), options_(lanes) {}

    /// nullopt where the lane is full.
    std::optional<Ticket> put(Lane lane, Priority priority);
    /// The next to be processed, which is under way from now on; nullopt where nobody waits.
    std::optional<Ticket> take();
    /// False where it is not waiting (any more).
    bool remove(Ticket ticket);
    /// One that was taken has ended, after that time.
    void ended(Lane lane, Duration took);

    std::size_t waiting(Lane lane) const { return lanes_[index(lane)].waiting.size(); }
    std::size_t running(Lane lane) const { return lanes_[index(lane)].running; }

    /// How long a task that is put now is likely to take from now on, with those before it: from what tasks of
    /// the lane took lately. Zero while nothing is known.
    Duration expected(Lane lane, Priority priority) const;

  private:
    struct Waiting {
        Ticket ticket;
        Priority priority;
    };
    struct LaneState {
        std::deque<Waiting> waiting;  ///< the next first
        std::size_t running = 0;
        Duration typical{0};  ///< a moving average
    };
    static std::size_t index(Lane lane) { return lane == Lane::uploads ? 0 : 1; }

    std::size_t processes_;
    std::array<LaneOptions, kLanes> options_;
    std::array<LaneState, kLanes> lanes_;
    std::size_t last_ = 1;  ///< the lane that was served last
    Ticket next_ticket_ = 1;
};

}  // namespace photogate::imaging
