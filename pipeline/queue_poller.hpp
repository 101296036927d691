// Asks a queue for store events, takes them in, and acknowledges what is durable.
//
// A batch is acknowledged after everything that it says is in the database, so a gateway that dies in between loses
// nothing: the messages come again, to any gateway, and count once. Where the store or the database is away nothing is
// acknowledged. A message that nobody can read is quarantined and acknowledged.
//
// Any number of gateways may ask one queue. Thread safety: run() on one thread; stop() and counters() from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/time.hpp"
#include "notifier/events/source.hpp"
#include "notifier/queues/event_queue.hpp"
#include "pipeline/event_metrics.hpp"
#include "pipeline/intake.hpp"
#include "pipeline/stop_signal.hpp"

namespace photogate::pipeline {

struct QueuePollerOptions {
    /// Between two looks at an empty queue; a full one is asked again at once.
    std::chrono::milliseconds every{2'000};
    /// After failures: twice as long each time, from `every` to this, or as long as the queue asks for.
    std::chrono::milliseconds longest_wait{60'000};
};

/// All of them outlive the poller.
struct QueuePollerDependencies {
    notifier::queues::EventQueue& queue;
    const notifier::events::Source& source;
    Intake& intake;
    const EventMetrics& metrics;
    const Clock& clock;
};

class QueuePoller {
  public:
    QueuePoller(QueuePollerOptions options, QueuePollerDependencies dependencies);

    void run();
    void stop() { stop_.stop(); }

    /// One look: how many messages there were. Errors: of the queue, the store and the database; nothing is
    /// acknowledged then but what was taken in.
    Result<std::size_t> poll();

    struct Counters {
        std::uint64_t pulled = 0;  ///< messages
        std::uint64_t acknowledged = 0;
        std::uint64_t failures = 0;  ///< looks
    };
    Counters counters() const;
    const std::string& source() const { return dependencies_.source.name; }

  private:
    Result<> take_in(const Intake::ParsedBody& batch, const std::string& body);
    std::chrono::milliseconds wait_after(const Error& error, std::chrono::milliseconds last) const;
    void count(std::uint64_t Counters::*counter, std::uint64_t by);

    QueuePollerOptions options_;
    QueuePollerDependencies dependencies_;
    StopSignal stop_;
    mutable std::mutex mutex_;
    Counters counters_;
};

}  // namespace photogate::pipeline
