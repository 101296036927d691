// Where the cluster of a data folder is: in the folder, or in /var/tmp where PostgreSQL's user can't pass to it.
//
// A cluster in /var/tmp and its folder name each other, in the files `place` of the folder and `of` beside the
// cluster. So a folder that was moved finds its cluster, and a copy of it does not take the original's.
//
// Thread safety: one caller at a time for one folder.
#pragma once

#include <filesystem>
#include <optional>

#include <sys/types.h>

#include "base/privileges.hpp"
#include "base/result.hpp"

namespace photogate::gateway::local {

/// Of folders that are ours, and that PostgreSQL's user passes through to what is given to that user.
inline constexpr mode_t kPassable = 0711;

/// For a cluster that is started; `folder` is absolute. Makes the folders and files that record it.
/// Errors: file_error, store_full; store_in_use if `folder` is a copy and the cluster is the original's.
Result<std::filesystem::path> cluster_place(const std::filesystem::path& folder,
                                            const std::optional<Identity>& identity);
/// For who only looks: makes nothing.
std::filesystem::path find_cluster(const std::filesystem::path& folder);

}  // namespace photogate::gateway::local
