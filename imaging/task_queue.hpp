// Internal: who is served next by a worker process that is free. Pure bookkeeping without threads or clocks, so
// that its fairness can be tested; ImagerPool holds it under its mutex.
//
// A task can't be interrupted, so whoever holds every process with slow tasks keeps the others waiting. Therefore the
// last process is given to a party (a client token) only where its tasks have proved to be quick: the one that ended
// before, and after a slow one many in a row. With one process there is nothing to keep free.
//
// Thread safety: one thread at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

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

    static constexpr Duration kQuick = std::chrono::seconds{1};
    static constexpr std::size_t kProofAfterSlow = 16;  ///< quick tasks in a row
    static constexpr std::size_t kMostParties = 1'024;  ///< remembered for a slow task

    TaskQueue(std::size_t processes, std::array<LaneOptions, kLanes> lanes)
        : processes_(processes), options_(lanes) {}

    /// nullopt where the lane is full.
    std::optional<Ticket> put(Lane lane, Priority priority, const std::string& party = {});
    /// The next to be processed, which is under way from now on; nullopt if no task waits that may begin.
    std::optional<Ticket> take();
    /// Whether take() has something to give.
    bool is_ready() const;
    /// False where it is not waiting (any more).
    bool remove(Ticket ticket);
    /// One that was taken has ended, after that time.
    void ended(Lane lane, Duration took, const std::string& party = {});

    /// One that was taken was not begun: it says nothing of how long tasks take.
    void not_begun(Lane lane, const std::string& party = {});

    std::size_t waiting(Lane lane) const { return lanes_[index(lane)].waiting.size(); }
    std::size_t parties() const { return parties_.size(); }  ///< known, with or without tasks
    std::size_t running(Lane lane) const { return lanes_[index(lane)].running; }

    /// How long a task that is put now is likely to take from now on, with those before it: from what tasks of
    /// the lane took lately. Zero while nothing is known.
    Duration expected(Lane lane, Priority priority) const;

  private:
    struct Waiting {
        Ticket ticket;
        Priority priority;
        std::string party;
    };
    struct Party {
        std::size_t waiting = 0;
        std::size_t running = 0;
        std::size_t quick = 0;  ///< ended in a row
        bool was_slow = false;
    };
    struct LaneState {
        std::deque<Waiting> waiting;  ///< the next first
        std::size_t running = 0;
        Duration typical{0};  ///< a moving average
    };
    using Place = std::deque<Waiting>::const_iterator;
    bool may_begin(const Waiting& waiting) const;
    Place first_ready(std::size_t lane) const;
    void forget_idle(const std::string& party);
    static std::size_t index(Lane lane) { return lane == Lane::uploads ? 0 : 1; }

    std::size_t processes_;
    std::array<LaneOptions, kLanes> options_;
    std::array<LaneState, kLanes> lanes_;
    std::map<std::string, Party, std::less<>> parties_;
    std::size_t last_ = 1;  ///< the lane that was served last
    Ticket next_ticket_ = 1;
};

}  // namespace photogate::imaging
