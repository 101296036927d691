#include "pipeline/queue_poller.hpp"

#include <algorithm>
#include <future>
#include <iterator>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "notifier/events/dialect.hpp"

namespace photogate::pipeline {

using notifier::events::EventBatch;

QueuePoller::QueuePoller(QueuePollerOptions options, QueuePollerDependencies dependencies)
    : options_(options), dependencies_(dependencies) {}

void QueuePoller::run() {
    std::chrono::milliseconds failed_wait{0};
    while (!stop_.stopped()) {
        const auto polled = poll();
        auto wait = options_.every;
        if (!polled) {
            count(&Counters::failures, 1);
            log::warn("event.queue_failed", {{"source", source()},
                                             {"code", to_string(polled.error().code)},
                                             {"detail", polled.error().detail}});
            wait = failed_wait = wait_after(polled.error(), failed_wait);
        } else {
            failed_wait = std::chrono::milliseconds{0};
            if (*polled > 0) continue;
        }
        if (stop_.wait_for(wait)) return;
    }
}

std::chrono::milliseconds QueuePoller::wait_after(const Error& error, std::chrono::milliseconds last) const {
    const auto doubled = std::clamp(2 * last, options_.every, options_.longest_wait);
    return error.retry_after ? std::max<std::chrono::milliseconds>(doubled, *error.retry_after) : doubled;
}

Result<> QueuePoller::take_in(const Intake::ParsedBody& batch, const std::string& body) {
    std::promise<Result<IntakeSummary>> promise;
    auto future = promise.get_future();
    dependencies_.intake.take_in(
        dependencies_.source, batch, body,
        [&promise](Result<IntakeSummary> summary) { promise.set_value(std::move(summary)); });
    const auto summary = future.get();
    if (!summary) return fail(summary.error());
    dependencies_.metrics.taken_in(dependencies_.source, *summary, batch, dependencies_.clock.now());
    return {};
}

Result<std::size_t> QueuePoller::poll() {
    const auto& source = dependencies_.source;
    auto messages = dependencies_.queue.pull();
    if (!messages) return fail(messages.error());
    if (messages->empty()) return 0;
    count(&Counters::pulled, messages->size());
    // What can be read is taken in together, so that the store is asked for several objects at once.
    EventBatch readable;
    std::vector<std::string> of_readable, done;
    std::optional<Error> failure;
    for (const auto& message : *messages) {
        auto batch = notifier::events::parse(source.dialect, source.keys, message.body);
        if (batch && batch->unreadable.empty()) {
            std::move(batch->events.begin(), batch->events.end(), std::back_inserter(readable.events));
            of_readable.push_back(message.lease);
        } else if (auto taken = take_in(batch, message.body); taken) {
            done.push_back(message.lease);
        } else {
            failure = taken.error();
        }
    }
    if (auto taken = take_in(std::move(readable), {}); taken) {
        done.insert(done.end(), of_readable.begin(), of_readable.end());
    } else {
        failure = taken.error();
    }
    failpoint::pass(failpoint::Point::before_queue_ack);
    if (!done.empty()) {
        if (auto acknowledged = dependencies_.queue.acknowledge(done); !acknowledged)
            return fail(acknowledged.error());
        count(&Counters::acknowledged, done.size());
    }
    if (failure) return fail(*failure);
    return messages->size();
}

QueuePoller::Counters QueuePoller::counters() const {
    const std::lock_guard lock{mutex_};
    return counters_;
}

void QueuePoller::count(std::uint64_t Counters::*counter, std::uint64_t by) {
    const std::lock_guard lock{mutex_};
    counters_.*counter += by;
}

}  // namespace photogate::pipeline
