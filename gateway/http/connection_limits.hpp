// Inside the server: how many connections there may be at once, in all and from one address.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

#include "base/ip_address.hpp"

namespace photogate::gateway::http {

/// The connections of one listener, or of several together.
struct ListenerQuota {
    explicit ListenerQuota(std::size_t most) : limit(most) {}
    const std::size_t limit;
    std::atomic<std::size_t> connections{0};
    std::atomic<bool> wanted{false};  ///< a new connection is pending

    bool full() const { return connections >= limit; }
};

/// Connections by subscriber. Thread safety: any thread.
class AddressCounts {
  public:
    /// One more, or nothing where that would be more than `most`.
    bool enter(const IpAddress& subscriber, std::size_t most);
    void leave(const IpAddress& subscriber);

  private:
    std::mutex mutex_;
    std::map<IpAddress, std::size_t> counts_;  ///< of those who have any
};

/// What an accepted connection takes up, until ServerCore::connection_gone.
struct ConnectionSlot {
    std::size_t listener = 0;
    IpAddress peer;
    std::optional<IpAddress> counted;  ///< its key in AddressCounts
};

}  // namespace photogate::gateway::http
