// PostgreSQL's own programs on this machine, and which of them a cluster needs: only those of its version read its data.
//
// Thread safety: pure, but for installed_programs(), which reads the environment.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace photogate::gateway::local {

/// The folder of initdb, postgres and the rest, and their major version.
struct PostgresPrograms {
    int version = 0;
    std::filesystem::path folder;
};

/// In the order of preference: $PG_BINDIR, then what Debian keeps in /usr/lib/postgresql, the newest first.
std::vector<PostgresPrograms> installed_programs();

/// The major version in a PG_VERSION file, or in what `postgres --version` says; 0 where there is none.
int postgres_version(std::string_view text);

/// `of_cluster`: the version of the cluster in `folder`; nothing where it is yet to be made.
/// Errors: database_unavailable, with what to install or do.
Result<PostgresPrograms> choose_programs(const std::vector<PostgresPrograms>& installed,
                                         std::optional<int> of_cluster, const std::filesystem::path& folder);

}  // namespace photogate::gateway::local
