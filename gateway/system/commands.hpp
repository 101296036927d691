// What the program's commands do once the configuration is known: run, migrate, doctor,
// sweep. The command line
// gives them their words.
//
// Thread safety: each on the main thread.
#pragma once

#include <iosfwd>

#include "base/result.hpp"
#include "base/run_mode.hpp"
#include "gateway/config/config.hpp"
#include "gateway/system/system.hpp"

namespace photogate::gateway::system {

/// Serves until TERM or INT, then drains; HUP has the configuration read again. Errors: as System::start.
Result<> run_until_signal(const config::Config& config, ProcessRole role, const config::Reload& reload);

/// Applies the missing migrations, or says which they are.
Result<> migrate(const config::Config& config, RunMode mode, std::ostream& out);

/// The policy of a region's credential; an empty region is the default one. Errors: unknown_region.
Result<> print_policy(const config::Config& config, model::StoreCredential whose, const std::string& region,
                      std::ostream& out);

/// Goes through the buckets and prints what it finds, a line each. Errors: as OrphanCollector::sweep_now.
Result<> sweep(const config::Config& config, RunMode mode, std::ostream& out);

}  // namespace photogate::gateway::system
