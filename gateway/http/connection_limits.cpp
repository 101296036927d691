#include "gateway/http/connection_limits.hpp"

namespace photogate::gateway::http {

bool AddressCounts::enter(const IpAddress& subscriber, std::size_t most) {
    std::lock_guard lock(mutex_);
    std::size_t& count = counts_[subscriber];
    if (count >= most) return false;
    ++count;
    return true;
}

void AddressCounts::leave(const IpAddress& subscriber) {
    std::lock_guard lock(mutex_);
    const auto found = counts_.find(subscriber);
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

}  // namespace photogate::gateway::http
