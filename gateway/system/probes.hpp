// What /readyz answers: whether this process may be sent requests, and with `?verbose` why not.
//
// Thread safety: any thread.
#pragma once

#include <atomic>

#include "gateway/routes/api.hpp"
#include "gateway/system/foundation.hpp"

namespace photogate::gateway::system {

class Probes {
  public:
    /// `foundation` outlives this.
    explicit Probes(const Foundation& foundation) : base_(foundation) {}

    /// From now on: not ready.
    void stopping() { stopping_ = true; }
    /// Asks the database; takes as long as that does.
    routes::Readiness readiness() const;

  private:
    const Foundation& base_;
    std::atomic<bool> stopping_{false};
};

}  // namespace photogate::gateway::system
