// Takes over a configuration that was changed, without losing a request.
//
// The new one is read and judged as a whole first: a mistake in it, a watermark that can't be drawn, or credentials that
// a store refuses or that may do too much, leave everything as it is. What can't be changed while running is
// named in the log and waits for a restart; the rest is taken over by the requests and jobs that begin from then on.
//
// Thread safety: reload() on one thread at a time.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/telemetry/metrics.hpp"
#include "gateway/config/load.hpp"
#include "gateway/system/foundation.hpp"
#include "gateway/system/serve_module.hpp"

namespace photogate::gateway::system {

class Reloader {
  public:
    /// Both outlive this.
    Reloader(Foundation& foundation, ServeModule& serve, config::Reload reload);

    /// Says in the log what was taken over, what needs a restart, or why nothing was. Errors: invalid_configuration,
    /// unsafe_configuration, store_*.
    Result<> reload();

  private:
    Result<config::Loaded> read() const;
    Result<> adopt(const config::Loaded& loaded);
    Result<> prove_stores(const config::Config& next,
                          const std::map<std::string, pipeline::StoreKeys>& changed,
                          bool becomes_private) const;

    Foundation& base_;
    ServeModule& serve_;
    config::Reload reload_;
    telemetry::Counter applied_, refused_;
    telemetry::Gauge applied_at_, succeeded_;
};

}  // namespace photogate::gateway::system
