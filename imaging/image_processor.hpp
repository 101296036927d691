// What the rest of the program asks of imaging: a task, and its outcome. ImagerPool is the real one; a test may
// have another.
//
// Tasks of two kinds share the worker processes: uploads, which wait in a durable queue of their own, and
// pictures that somebody waits for. Each lane has a share; while both wait, a process that becomes free goes to
// the lane that uses less of its share, so neither starves the other. Within a lane a higher priority goes
// first, then who came first.
//
// Thread safety: any number of threads.
#pragma once

#include <chrono>
#include <functional>

#include "base/result.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging {

enum class Lane {
    uploads,
    on_demand,  ///< a request waits for the answer
};

enum class Priority { low, normal, high };

struct Terms {
    Lane lane = Lane::on_demand;
    Priority priority = Priority::normal;
    /// By when the answer is wanted. A task that is under way is not cut short by it.
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    /// Asked once, on any thread, when its turn comes; where it says no the task is not begun (`overloaded`).
    std::function<bool()> wanted;
};

class ImageProcessor {
  public:
    virtual ~ImageProcessor() = default;

    /// Errors: imager_crashed, imager_timeout, imager_unavailable, invalid_configuration (a version that can't
    /// be made), overloaded. A picture that is at fault is a Rejection, not an error.
    ///
    /// `overloaded`: the lane's queue is full, or the deadline can't be met: at once where the tasks ahead
    /// need longer, as tasks took lately, and otherwise when the time has passed while it waited.
    virtual Result<Outcome> try_run(const Task& task, const Terms& terms) = 0;

    /// In the lane of uploads, for as long as it takes.
    Result<Outcome> run(const Task& task) { return try_run(task, {.lane = Lane::uploads}); }
};

}  // namespace photogate::imaging
