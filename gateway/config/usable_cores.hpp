// How many cores this process may use, for defaults: the machine's, less what the affinity mask and the cgroup's
// CPU quota take away. A container on a large machine otherwise starts a worker process for each of the machine's
// cores. Thread safety: pure functions of the system's state.
#pragma once

#include <cstddef>
#include <filesystem>

namespace photogate::gateway::config {

/// At least 1. Of the affinity mask (sched_getaffinity(2), as `nproc` counts) and the smallest quota of the
/// process's cgroup and its ancestors, the lesser; a fraction of a core is left out.
std::size_t usable_cores();

/// The quota alone, read below `root`: `cpu.max` (cgroup v2), `cpu.cfs_quota_us` (v1). `otherwise` without one.
std::size_t cgroup_cores(const std::filesystem::path& root, std::size_t otherwise);

}  // namespace photogate::gateway::config
