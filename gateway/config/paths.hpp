// Paths of a configuration: whole ones, and whether one is inside a folder.
//
// Thread safety: pure functions, over the current folder and the file system.
#pragma once

#include <filesystem>

namespace photogate::gateway::config {

/// Without `.` and `..`; symbolic links stay.
std::filesystem::path absolute_path(const std::filesystem::path& path);
/// absolute_path() with symbolic links resolved, as far as the path exists.
std::filesystem::path real_path(const std::filesystem::path& path);
/// The folder itself is inside too. Symbolic links are resolved.
bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder);

}  // namespace photogate::gateway::config
