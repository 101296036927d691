// What the program's commands do once the configuration is known: run, migrate, doctor,
// sweep. The command line
// gives them their words.
//
// Thread safety: each on the main thread.
#pragma once

#include <iosfwd>

#include "base/result.hpp"
#include "gateway/config/config.hpp"
#include "gateway/system/system.hpp"
#include "pipeline/orphan_collector.hpp"
#include "storage/records/migrate.hpp"

namespace photogate::gateway::system {

/// Serves until TERM or INT, then drains. Errors: as System::start.
Result<> run_until_signal(const config::Config& config, ProcessRole role);

/// Applies the missing migrations, or says which they are.
Result<> migrate(const config::Config& config, storage::records::MigrateMode mode, std::ostream& out);

enum class PolicyOf { signer, worker };
/// The policy of a region's credential; an empty region is the default one. Errors: unknown_region.
Result<> print_policy(const config::Config& config, PolicyOf whose, const std::string& region,
                      std::ostream& out);

/// Goes through the buckets and prints what it finds, a line each. Errors: as OrphanCollector::sweep_now.
Result<> sweep(const config::Config& config, pipeline::SweepMode mode, std::ostream& out);

}  // namespace photogate::gateway::system
