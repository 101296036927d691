// What differs between two readings of the configuration, and what of it holds at once.
//
// A running gateway takes over the apps with their profiles, keys and secrets, the stores' credentials, the secrets of
// client tokens, and the log. Everything else is a size, an address or a thread, and needs a restart.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "gateway/config/load.hpp"

namespace photogate::gateway::config {

/// Whether a running gateway takes over this option. `table` is as in Setting.
bool holds_at_once(std::string_view table, std::string_view key);

/// The names of options, as `apps.shop.keys`, in the order of the configuration; of tables that came or went, the
/// table's name alone. Never a value.
struct Changes {
    std::vector<std::string> at_once;
    std::vector<std::string> need_restart;
};
Changes changes_between(const std::vector<Setting>& before, const std::vector<Setting>& after);

}  // namespace photogate::gateway::config
