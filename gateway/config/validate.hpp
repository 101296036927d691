// What one option alone can't tell: what is required, what contradicts, what is dangerous.
//
// Thread safety: pure functions.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/config/report.hpp"

namespace photogate::gateway::config {

/// Fills in what follows from other values (public endpoints, key encodings, the key ring, the default
/// region) and reports every mistake and warning at the line, variable or flag that it came from.
void complete_and_validate(Config& config, Report& report);

/// `localhost`, 127.0.0.0/8 or ::1.
bool is_loopback(const Endpoint& endpoint);
bool listens_beyond_loopback(const Server& server);

/// Its part for `[server]`.
void check_server(const Server& server, Report& report);
/// Its part for what says which region is near whom: completes `placement`, and the default region.
void check_placement(Config& config, Report& report);

/// Its part for `[events.NAME]`: fills in what follows from the dialect, and the regions.
void check_events(Config& config, Report& report);
/// Its part for one profile; `table`: `apps.shop.profiles.photos`.
void check_profile(const model::Profile& profile, const std::string& table, Report& report);
/// Its part for hooks and `[scanner]`: profiles without hooks of their own get their app's.
void check_gates(Config& config, Report& report);
/// Its part for `[purges.NAME]`.
void check_purges(Config& config, Report& report);

}  // namespace photogate::gateway::config
