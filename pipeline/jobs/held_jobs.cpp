#include "pipeline/jobs/held_jobs.hpp"

#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"

namespace photogate::pipeline::jobs {

HeldJobs::HeldJobs(Options options, storage::records::JobQueue& queue,
                   std::function<storage::records::HeldJobs()> states)
    : options_(options), queue_(queue), states_(std::move(states)) {}

void HeldJobs::run() {
    while (!stop_.wait_for(options_.every))
        look();
}

void HeldJobs::look() {
    auto states = states_();
    states.most = options_.most;
    const auto released = queue_.release_held(states);
    if (!released) {
        log::warn("worker.release_failed",
                  {{"code", to_string(released.error().code)}, {"detail", released.error().detail}});
        return;
    }
    if (*released == 0) return;
    failpoint::pass(failpoint::Point::after_held_released);
    released_ += *released;
    log::debug("worker.held_released", {{"jobs", *released}});
}

}  // namespace photogate::pipeline::jobs
