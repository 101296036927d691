#include "pipeline/worker.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/failpoint.hpp"
#include "base/log.hpp"

namespace photogate::pipeline {

using model::Job;
using model::Lease;
using storage::records::JobQueue;

struct Worker::State {
    WorkerOptions options;
    JobQueue& jobs;
    const std::function<void(const Job&)> run_job;

    mutable std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> waiting;
    std::vector<Lease> held;  // of jobs waiting here or running
    bool stopping = false;
    std::vector<std::thread> threads;  // last: joined before the rest goes

    State(WorkerOptions chosen, JobQueue& queue, std::function<void(const Job&)> runner)
        : options(std::move(chosen)), jobs(queue), run_job(std::move(runner)) {}

    void work() {
        for (;;) {
            std::unique_lock lock(mutex);
            changed.wait(lock, [this] { return stopping || !waiting.empty(); });
            if (waiting.empty()) return;
            Job job = std::move(waiting.front());
            waiting.pop_front();
            lock.unlock();
            run_job(job);
            lock.lock();
            std::erase(held, job.lease);
            changed.notify_all();
        }
    }

    void keep_leases() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            changed.wait_for(lock, options.heartbeat, [this] { return stopping; });
            if (stopping || held.empty()) continue;
            const auto leases = held;
            lock.unlock();
            const auto lost = jobs.extend_leases(leases, options.lease);
            if (!lost) {
                log::warn("worker.heartbeat_failed", {{"code", to_string(lost.error().code)}});
            } else {
                for (const auto& lease : *lost)
                    log::debug("worker.lease_gone", {{"job", lease.job}});
            }
            lock.lock();
        }
    }

    /// A quarter, one at least, is kept free of any one client token, so that another's photo finds a place
    /// at once and not when a task ends.
    std::size_t most_of_one_party() const {
        const std::size_t spare = std::max<std::size_t>(1, options.hands / 4);
        return std::max<std::size_t>(1, options.hands - std::min(options.hands, spare));
    }
    std::size_t free_hands() const { return options.hands - std::min(options.hands, held.size()); }
};

Worker::Worker(WorkerOptions options, JobQueue& jobs, std::function<void(const Job&)> run_job)
    : state_(std::make_unique<State>(std::move(options), jobs, std::move(run_job))) {
    for (std::size_t i = 0; i < state_->options.hands; ++i)
        state_->threads.emplace_back([this] { state_->work(); });
    state_->threads.emplace_back([this] { state_->keep_leases(); });
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
        const auto free = state.free_hands();
        if (free == 0) {
            state.changed.wait(lock, [&] { return state.stopping || state.free_hands() > 0; });
            continue;
        }
        lock.unlock();
        auto jobs = state.jobs.claim({.worker = state.options.name,
                                      .most = free,
                                      .lease = state.options.lease,
                                      .most_of_one_party = state.most_of_one_party()});
        if (!jobs) {
            log::warn("worker.claim_failed",
                      {{"code", to_string(jobs.error().code)}, {"detail", jobs.error().detail}});
            state.jobs.wait_for_jobs(state.options.poll);
            lock.lock();
            continue;
        }
        const bool found = !jobs->empty();
        if (found) failpoint::pass(failpoint::Point::after_claim);
        lock.lock();
        for (auto& job : *jobs) {
            state.held.push_back(job.lease);
            state.waiting.push_back(std::move(job));
        }
        state.changed.notify_all();
        if (found) continue;
        lock.unlock();
        state.jobs.wait_for_jobs(state.options.poll);
        lock.lock();
    }
    // What nobody has begun goes back at once; what is under way may finish.
    std::vector<Lease> unbegun;
    for (const auto& job : state.waiting) {
        unbegun.push_back(job.lease);
        std::erase(state.held, job.lease);
    }
    state.waiting.clear();
    state.changed.notify_all();
    lock.unlock();
    if (!unbegun.empty()) (void)state.jobs.release(unbegun);
    lock.lock();
    state.changed.wait_for(lock, state.options.drain, [&] { return state.held.empty(); });
    const auto unfinished = state.held;
    lock.unlock();
    if (!unfinished.empty()) {
        log::warn("worker.released", {{"jobs", unfinished.size()}});
        (void)state.jobs.release(unfinished);
    }
}

void Worker::stop() {
    {
        std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->changed.notify_all();
    state_->jobs.stop_waiting();
}

std::size_t Worker::busy() const {
    std::lock_guard lock(state_->mutex);
    return state_->held.size();
}

}  // namespace photogate::pipeline
