// A queue from which store events are fetched.
//
// A message that was pulled is hidden from other consumers for a while. One that is not acknowledged until then comes
// again, to anybody: a consumer that dies loses nothing.
//
// Thread safety: of the implementation; R2Queue: any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace photogate::notifier::queues {

struct QueuedMessage {
    std::string lease;  ///< what acknowledges it
    std::string body;   ///< decoded
};

class EventQueue {
  public:
    virtual ~EventQueue() = default;
    /// What is there now, empty where that is nothing. Blocking. Errors: unavailable (with retry_after where the
    /// queue asked to wait), forbidden (the token), the http_* codes, store_protocol.
    virtual Result<std::vector<QueuedMessage>> pull() = 0;
    /// Blocking. Errors: as pull().
    virtual Result<> acknowledge(const std::vector<std::string>& leases) = 0;
};

}  // namespace photogate::notifier::queues
