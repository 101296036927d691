// What the kernel says of this process (proc(5)), in base units. A figure that can't be read is 0.
//
// Thread safety: pure reads of /proc/self.
#pragma once

namespace photogate::telemetry {

struct ProcessStats {
    double cpu_seconds = 0;
    double resident_bytes = 0;
    double virtual_bytes = 0;
    double open_fds = 0;
    double max_fds = 0;
    double threads = 0;
    double start_time_seconds = 0;
};

ProcessStats read_process_stats();

}  // namespace photogate::telemetry
