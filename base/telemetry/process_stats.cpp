#include "base/telemetry/process_stats.hpp"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

namespace photogate::telemetry {

namespace {

double boot_time_seconds() {
    // Not /proc/stat's btime: a service may be given a /proc that holds processes alone.
    timespec now{};
    timespec since_boot{};
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0) return 0;
    return static_cast<double>(now.tv_sec - since_boot.tv_sec) +
           static_cast<double>(now.tv_nsec - since_boot.tv_nsec) / 1e9;
}

double count_open_fds() {
    std::error_code error;
    double count = 0;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
         entry.increment(error)) {
        ++count;
    }
    return count;
}

}  // namespace

ProcessStats read_process_stats() {
    ProcessStats stats;
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return stats;
    // After the name: field 3 (state) first; utime is field 14, stime 15, threads 20, start 22, vsize 23,
    // rss 24.
    std::istringstream fields(line.substr(name_end + 1));
    const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
    std::string field;
    for (int number = 3; fields >> field && number <= 24; ++number) {
        if (number == 14 || number == 15) stats.cpu_seconds += std::stod(field) / ticks;
        if (number == 20) stats.threads = std::stod(field);
        if (number == 22) stats.start_time_seconds = boot_time_seconds() + std::stod(field) / ticks;
        if (number == 23) stats.virtual_bytes = std::stod(field);
        if (number == 24) stats.resident_bytes = std::stod(field) * page;
    }
    stats.open_fds = count_open_fds();
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = static_cast<double>(limit.rlim_cur);
    return stats;
}

}  // namespace photogate::telemetry
