// What a worker process found out about its own jail, by trying to get out of it before its first task.
//
// The worker process reports it before it has read any picture, so it is still trustworthy. Thread safety: values.
#pragma once

#include <cstdint>
#include <string>

namespace photogate::imaging {

/// Whether an attempt at what is forbidden failed, as it must.
enum class Attempt : std::uint8_t { succeeded, failed };

struct JailReport {
    Attempt opening_files = Attempt::succeeded;
    Attempt making_sockets = Attempt::succeeded;
    Attempt starting_programs = Attempt::succeeded;
    /// Version of the kernel's Landlock that holds; 0 for none: the system calls alone keep files shut then.
    std::uint32_t landlock = 0;
    /// Why a layer could not be put up, in words; mostly empty.
    std::string missing;

    bool is_tight() const {
        return opening_files == Attempt::failed && making_sockets == Attempt::failed &&
               starting_programs == Attempt::failed;
    }
};

/// What happens to a worker process whose jail is not tight.
enum class Sandbox { required, best_effort };

/// `tight: no file, socket or program can be had (system calls filtered, Landlock 7)`, or what is open.
std::string describe(const JailReport& report);

}  // namespace photogate::imaging
