// Which process holds a lease, told so that another process of the same machine can see whether it is still there.
//
// A process id says nothing on another machine, in another namespace of process ids, or after the id was given to
// somebody else: so the machine's boot, the namespace and the process's start are told with it. Where one of them
// can't be read, nothing is claimed of the process: its leases run out as those of a process elsewhere do.
//
// Source: proc(5), pid_namespaces(7). Thread safety: pure functions over /proc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace photogate::storage::database {

struct ProcessIdentity {
    /// The boot of the machine and the namespace of process ids; empty where it is not known.
    std::string machine;
    pid_t pid = 0;
    std::int64_t started = 0;  ///< clock ticks from the machine's boot
};

ProcessIdentity this_process();
/// `pid` as it is now, of this machine and namespace; `started` is 0 where it can't be read.
ProcessIdentity identify(pid_t pid);
/// Whether a process of this machine and namespace has ended for certain: there is none of this id, it is a zombie, or
/// one that started later has its id.
bool has_ended(pid_t pid, std::int64_t started);

/// The state and the start of a process out of /proc/PID/stat; `started` is 0 where the text is no such.
struct ProcessStat {
    char state = '?';
    std::int64_t started = 0;
};
ProcessStat parse_process_stat(std::string_view text);

}  // namespace photogate::storage::database
