#include "pipeline/jobs/worker.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "pipeline/jobs/job_runner.hpp"

namespace photogate::pipeline::jobs {
namespace {

using model::Job;
using model::Lease;
using storage::records::JobQueue;

/// The jobs of one lane; guarded by the worker's mutex but for what is const.
struct LaneJobs {
    std::vector<model::JobKind> kinds;
    std::size_t limit = 0;
    std::deque<Job> waiting;
    std::vector<Lease> held;  // of jobs waiting here or running
    bool due = true;          // there may be jobs to claim

    std::size_t room() const { return limit - std::min(limit, held.size()); }
    /// A quarter, one at least, is kept free of any one client token, so that another's photo finds a place
    /// at once and not when a task ends.
    std::size_t most_of_one_party() const {
        const std::size_t spare = std::max<std::size_t>(1, limit / 4);
        return std::max<std::size_t>(1, limit - std::min(limit, spare));
    }
};

}  // namespace

std::size_t WorkerOptions::Concurrency::of(Lane lane) const {
    switch (lane) {
        case Lane::cpu:
            return cpu;
        case Lane::store:
            return store;
        case Lane::network:
            return network;
    }
    return 0;
}

struct Worker::State {
    const WorkerOptions options;
    JobQueue& queue;
    const Handlers handlers;
    StopSignal stop;
    JobRunner runner;

    mutable std::mutex mutex;
    std::condition_variable changed;
    std::array<LaneJobs, kLanes.size()> lanes;
    std::vector<Lease> unrecorded;  // of jobs that ended while stopping and may still be ours
    bool stopping = false;
    std::vector<std::thread> threads;  // last: joined before the rest goes

    State(WorkerOptions chosen, JobQueue& jobs, Handlers registry, Random& random)
        : options(std::move(chosen)),
          queue(jobs),
          handlers(std::move(registry)),
          runner(handlers, queue, random, stop) {
        for (const auto lane : kLanes) {
            auto& jobs_of = at(lane);
            jobs_of.kinds = handlers.kinds(lane);
            if (!jobs_of.kinds.empty())
                jobs_of.limit = std::max<std::size_t>(1, options.concurrency.of(lane));
        }
    }

    LaneJobs& at(Lane lane) { return lanes[static_cast<std::size_t>(lane)]; }

    void start() {
        for (auto& lane : lanes) {
            for (std::size_t i = 0; i < lane.limit; ++i)
                threads.emplace_back([this, &lane] { work(lane); });
        }
        threads.emplace_back([this] { keep_leases(); });
        threads.emplace_back([this] { listen(); });
    }

    void work(LaneJobs& lane) {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [&] { return stopping || !lane.waiting.empty(); });
            if (lane.waiting.empty()) return;
            const Job job = std::move(lane.waiting.front());
            lane.waiting.pop_front();
            lock.unlock();
            const auto ending = runner.run(job);
            lock.lock();
            std::erase(lane.held, job.lease);
            if (stopping && ending == JobRunner::Ending::unrecorded) unrecorded.push_back(job.lease);
            changed.notify_all();
        }
    }

    void keep_leases() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            changed.wait_for(lock, options.heartbeat, [this] { return stopping; });
            const auto leases = all_held();
            if (stopping || leases.empty()) continue;
            lock.unlock();
            const auto lost = queue.extend_leases(leases, options.lease);
            if (!lost) {
                log::warn("worker.heartbeat_failed", {{"code", to_string(lost.error().code)}});
            } else {
                for (const auto& lease : *lost)
                    log::debug("worker.lease_gone", {{"job", lease.job}});
            }
            lock.lock();
        }
    }

    /// One thread waits for all lanes: a wake-up that came while no thread waited is kept for one waiter only.
    void listen() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            lock.unlock();
            queue.wait_for_jobs(options.poll);
            lock.lock();
            for (auto& lane : lanes)
                lane.due = true;
            changed.notify_all();
        }
    }

    LaneJobs* next_to_claim() {
        const auto lane = std::find_if(lanes.begin(), lanes.end(),
                                       [](const LaneJobs& each) { return each.due && each.room() > 0; });
        return lane == lanes.end() ? nullptr : &*lane;
    }

    /// With the mutex locked, but not while the database is asked.
    void claim(std::unique_lock<std::mutex>& lock) {
        for (auto& lane : lanes) {
            const auto room = lane.room();
            if (stopping || !lane.due || room == 0) continue;
            lane.due = false;
            lock.unlock();
            auto jobs = queue.claim({.worker = options.name,
                                     .most = room,
                                     .lease = options.lease,
                                     .most_of_one_party = lane.most_of_one_party(),
                                     .kinds = lane.kinds,
                                     .away = options.away ? options.away() : std::vector<std::string>{},
                                     .near = options.near,
                                     .far_after = options.far_after});
            if (!jobs) {
                log::warn("worker.claim_failed",
                          {{"code", to_string(jobs.error().code)}, {"detail", jobs.error().detail}});
            } else if (!jobs->empty()) {
                failpoint::pass(failpoint::Point::after_claim);
            }
            lock.lock();
            if (!jobs || jobs->empty()) continue;  // until the next wake-up
            lane.due = true;
            for (auto& job : *jobs) {
                lane.held.push_back(job.lease);
                lane.waiting.push_back(std::move(job));
            }
            changed.notify_all();
        }
    }

    std::vector<Lease> all_held() const {
        std::vector<Lease> leases;
        for (const auto& lane : lanes)
            leases.insert(leases.end(), lane.held.begin(), lane.held.end());
        return leases;
    }

    /// What no thread has begun goes back at once; what is under way may finish.
    std::vector<Lease> take_unbegun() {
        std::vector<Lease> unbegun;
        for (auto& lane : lanes) {
            for (const auto& job : lane.waiting) {
                unbegun.push_back(job.lease);
                std::erase(lane.held, job.lease);
            }
            lane.waiting.clear();
        }
        return unbegun;
    }
};

Worker::Worker(WorkerOptions options, JobQueue& queue, Handlers handlers, Random& random)
    : state_(std::make_unique<State>(std::move(options), queue, std::move(handlers), random)) {
    state_->start();
}

Worker::~Worker() {
    stop();
    for (auto& thread : state_->threads)
        thread.join();
}

void Worker::run() {
    auto& state = *state_;
    std::unique_lock lock(state.mutex);
    while (!state.stopping) {
        state.changed.wait(lock, [&] { return state.stopping || state.next_to_claim() != nullptr; });
        state.claim(lock);
    }
    const auto unbegun = state.take_unbegun();
    state.changed.notify_all();
    lock.unlock();
    if (!unbegun.empty()) (void)state.queue.release(unbegun);
    lock.lock();
    state.changed.wait_for(lock, state.options.drain, [&] { return state.all_held().empty(); });
    auto unfinished = state.all_held();
    unfinished.insert(unfinished.end(), state.unrecorded.begin(), state.unrecorded.end());
    lock.unlock();
    if (!unfinished.empty()) {
        log::warn("worker.released", {{"jobs", unfinished.size()}});
        (void)state.queue.release(unfinished);
    }
}

void Worker::stop() {
    {
        const std::lock_guard lock{state_->mutex};
        state_->stopping = true;
    }
    state_->stop.stop();
    state_->changed.notify_all();
    state_->queue.stop_waiting();
}

Worker::Load Worker::load(Lane lane) const {
    const std::lock_guard lock{state_->mutex};
    const auto& jobs = state_->at(lane);
    return {jobs.held.size(), jobs.limit};
}

}  // namespace photogate::pipeline::jobs
