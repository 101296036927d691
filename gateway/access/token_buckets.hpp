// Token buckets by name: at most so many of something at once, and so many a second from then on.
//
// The table is bounded: names may be chosen by strangers. Where it is full, the one that was used the longest ago is
// forgotten, which at worst fills its bucket.
//
// Thread safety: any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace photogate::gateway::access {

struct Rate {
    double per_second = 0;    ///< more than 0
    std::uint64_t burst = 1;  ///< at once, at least 1
};

class TokenBuckets {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// What a bucket says of one request: also what RateLimit and RateLimit-Policy tell the client.
    struct Taken {
        bool admitted = false;
        std::uint64_t quota = 0;
        std::uint64_t remaining = 0;
        std::chrono::seconds window{};       ///< in which the quota comes back as a whole
        std::chrono::seconds until_full{};   ///< until `remaining` is `quota`, if nothing is taken
        std::chrono::seconds retry_after{};  ///< until the next is admitted; 0 where one would be now
    };

    explicit TokenBuckets(std::size_t most_names) : most_names_(most_names) {}

    Taken take(const std::string& name, const Rate& rate, Time now);
    /// The same, but nothing is taken.
    Taken look(const std::string& name, const Rate& rate, Time now) const;
    std::size_t size() const;

  private:
    struct Bucket {
        std::string name;
        double level = 0;
        Time at;
    };
    using Place = std::list<Bucket>::iterator;

    static double level_of(const Bucket& bucket, const Rate& rate, Time now);
    static Taken told(double level, const Rate& rate);

    const std::size_t most_names_;
    mutable std::mutex mutex_;
    std::list<Bucket> buckets_;  ///< the latest used first
    std::unordered_map<std::string, Place> places_;
};

}  // namespace photogate::gateway::access
