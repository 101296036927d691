#include "gateway/config/usable_cores.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include <sched.h>

namespace photogate::gateway::config {
namespace {

namespace fs = std::filesystem;

/// Where a hierarchy is mounted, and which of its groups is seen there.
struct Mount {
    fs::path point;
    std::string group;
};

bool has_item(const std::string& list, const std::string& wanted) {
    std::istringstream items(list);
    for (std::string item; std::getline(items, item, ',');)
        if (item == wanted) return true;
    return false;
}

/// proc_pid_mountinfo(5): `36 35 98:0 /group /mount/point options … - type source super-options`. `controller`
/// is empty for v2.
std::optional<Mount> find_mount(const fs::path& root, const std::string& type,
                                const std::string& controller) {
    std::ifstream file(root / "proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        const auto dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        std::istringstream head(line.substr(0, dash)), tail(line.substr(dash + 3));
        std::string skipped, group, point, found, source, super;
        head >> skipped >> skipped >> skipped >> group >> point;
        tail >> found >> source >> super;
        if (found == type && (controller.empty() || has_item(super, controller))) return Mount{point, group};
    }
    return std::nullopt;
}

/// proc(5), cgroups(7): `0::/group` for v2, `4:cpu,cpuacct:/group` for v1.
std::optional<std::string> group_of(const fs::path& root, const std::string& controller) {
    std::ifstream file(root / "proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find(':');
        const auto second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const auto controllers = line.substr(first + 1, second - first - 1);
        if (controller.empty() ? controllers.empty() : has_item(controllers, controller))
            return line.substr(second + 1);
    }
    return std::nullopt;
}

std::optional<double> number_in(const fs::path& path) {
    std::ifstream file(path);
    double number = 0;
    if (!(file >> number)) return std::nullopt;
    return number;
}

/// Cores that one group's quota allows; nullopt for none.
std::optional<double> quota_of(const fs::path& group, bool unified) {
    if (unified) {
        std::ifstream file(group / "cpu.max");
        std::string quota;
        double period = 0;
        if (!(file >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
        std::istringstream text(quota);
        double microseconds = 0;
        if (!(text >> microseconds)) return std::nullopt;
        return microseconds / period;
    }
    const auto quota = number_in(group / "cpu.cfs_quota_us");
    const auto period = number_in(group / "cpu.cfs_period_us");
    if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
    return *quota / *period;
}

/// The smallest quota from the process's group up to the top of what is mounted.
std::optional<double> smallest_quota(const fs::path& root, const std::string& type,
                                     const std::string& controller) {
    const auto mount = find_mount(root, type, controller);
    const auto group = group_of(root, controller);
    if (!mount || !group) return std::nullopt;
    // In a container the mount may show a group below the top, and the process's own as seen from outside.
    std::string below = *group;
    if (mount->group != "/" && below.starts_with(mount->group)) below = below.substr(mount->group.size());
    const fs::path top = root / mount->point.relative_path();
    fs::path at = top / fs::path(below).relative_path().lexically_normal();
    std::optional<double> smallest;
    const auto consider = [&](const fs::path& folder) {
        if (const auto quota = quota_of(folder, controller.empty()))
            smallest = std::min(smallest.value_or(*quota), *quota);
    };
    for (int depth = 0; at != top && at.has_relative_path() && depth < 64; ++depth, at = at.parent_path())
        consider(at);
    consider(top);
    return smallest;
}

}  // namespace

std::size_t cgroup_cores(const fs::path& root, std::size_t otherwise) {
    auto quota = smallest_quota(root, "cgroup2", "");
    if (const auto former = smallest_quota(root, "cgroup", "cpu"))
        quota = std::min(quota.value_or(*former), *former);
    if (!quota) return otherwise;
    return std::clamp<std::size_t>(static_cast<std::size_t>(*quota), 1, std::max<std::size_t>(otherwise, 1));
}

std::size_t usable_cores() {
    std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (::sched_getaffinity(0, sizeof mask, &mask) == 0)
        cores = std::clamp<std::size_t>(static_cast<std::size_t>(CPU_COUNT(&mask)), 1, cores);
    return cgroup_cores("/", cores);
}

}  // namespace photogate::gateway::config
