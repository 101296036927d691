#include "storage/database/process_identity.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <unistd.h>

namespace photogate::storage::database {
namespace {

std::string first_line(const std::string& path) {
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    return line;
}

/// A sandbox may hide /proc/sys (systemd's ProcSubset=pid); then the machine and its name stand in for its boot.
std::string boot() {
    if (auto id = first_line("/proc/sys/kernel/random/boot_id"); !id.empty()) return id;
    const auto machine = first_line("/etc/machine-id");
    char host[256] = "";
    if (machine.empty() || ::gethostname(host, sizeof host - 1) != 0) return {};
    return machine + "/" + host;
}

std::string process_namespace() {
    char target[64] = "";
    const auto length = ::readlink("/proc/self/ns/pid", target, sizeof target - 1);
    return length > 0 ? std::string{target, static_cast<std::size_t>(length)} : std::string{};
}

ProcessStat stat_of(pid_t pid) {
    std::ifstream file{fmt::format("/proc/{}/stat", pid)};
    return parse_process_stat(std::string{std::istreambuf_iterator<char>{file}, {}});
}

}  // namespace

ProcessStat parse_process_stat(std::string_view text) {
    // `pid (name) state ppid …`: the name may hold anything, so the last parenthesis ends it; the start is the 22nd.
    const auto name_end = text.rfind(") ");
    if (name_end == std::string_view::npos || name_end + 2 >= text.size()) return {};
    text.remove_prefix(name_end + 2);
    ProcessStat stat;
    stat.state = text.front();
    constexpr int kFieldsToTheStart = 22 - 3;
    for (int field = 0; field < kFieldsToTheStart; ++field) {
        const auto space = text.find(' ');
        if (space == std::string_view::npos) return {};
        text.remove_prefix(space + 1);
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), stat.started);
    if (error != std::errc{}) return {};
    return stat;
}

ProcessIdentity identify(pid_t pid) {
    const auto boot_id = boot(), space = process_namespace();
    const auto known = boot_id.empty() || space.empty() ? std::string{} : boot_id + " " + space;
    return {known, pid, stat_of(pid).started};
}

ProcessIdentity this_process() {
    auto identity = identify(::getpid());
    if (identity.started == 0) identity.machine.clear();
    return identity;
}

bool has_ended(pid_t pid, std::int64_t started) {
    if (pid <= 0) return false;
    // Signal 0 finds a process that /proc hides from us, too.
    if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
    const auto stat = stat_of(pid);
    if (stat.state == 'Z' || stat.state == 'X') return true;
    return stat.started != 0 && stat.started != started;
}

}  // namespace photogate::storage::database
