// Claimed callbacks that wait for a sender, each endpoint (a URL of an app) within its share of them.
//
// An endpoint's share starts at the cap, falls to one with a failure and doubles with each success. What waits over
// its share blocks no other: the next callback of another URL goes first. What can't be started while its lease
// still covers the delivery is dropped here, and is claimed again when the lease is over.
//
// URLs whose last delivery was slow have a part of the senders between them, so that however many they are,
// the quick ones are served. A URL may also have a rate.
//
// Thread safety: none; its owner holds a lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/callback.hpp"

namespace photogate::notifier::callbacks {

class CallbackQueue {
  public:
    struct Limits {
        std::size_t per_url = 8;                          ///< the cap of a URL's share
        std::size_t waiting = 256;                        ///< callbacks of one URL that wait here
        std::size_t urls = 10'000;                        ///< whose share is remembered
        std::chrono::milliseconds startable_for{40'000};  ///< lease minus the longest delivery
        std::size_t per_second = 0;                       ///< deliveries begun to one URL; 0: any number
        std::size_t slow_at_once = 1'000'000;             ///< under way to slow URLs together
        std::chrono::milliseconds slow{2'000};            ///< who takes longer is slow
    };
    using TimePoint = std::chrono::steady_clock::time_point;

    explicit CallbackQueue(Limits limits) : limits_(limits) {}

    void add(std::vector<model::Callback> claimed, TimePoint claimed_at);
    /// The next one that may start, oldest claim first; it counts as under way until finished().
    std::optional<model::Callback> start(TimePoint now);
    /// The next of this endpoint, whatever its share: it goes out in the request of one that start() gave.
    std::optional<model::Callback> start_with(const model::EndpointKey& endpoint, TimePoint now);
    bool can_start(TimePoint now);
    /// When a URL that waits for its rate alone may start; nullopt: no such URL.
    std::optional<TimePoint> next_start(TimePoint now) const;

    enum class Outcome { success, failure };
    void finished(const model::EndpointKey& endpoint, Outcome outcome, std::chrono::milliseconds took = {});

    std::size_t under_way() const { return under_way_; }
    std::size_t share(const model::EndpointKey& endpoint) const;

  private:
    struct Waiting {
        model::Callback callback;
        TimePoint claimed_at;
    };
    struct Endpoint {
        std::deque<Waiting> waiting;
        std::size_t under_way = 0;
        std::size_t share = 0;
        TimePoint ready_at{};  ///< by its rate
        bool slow = false;
    };
    using Endpoints = std::map<model::EndpointKey, Endpoint>;

    Endpoints::iterator next(TimePoint now);
    void drop_late(Endpoint& endpoint, TimePoint now) const;
    model::Callback take(Endpoint& endpoint);
    bool has_room(const Endpoint& endpoint) const;
    void forget_idle();

    Limits limits_;
    Endpoints endpoints_;
    std::size_t under_way_ = 0;
    std::size_t slow_under_way_ = 0;
};

}  // namespace photogate::notifier::callbacks
