// Another user for a process that runs as root: no capability, no group and no new privileges stay with it.
//
// Thread safety: find_user() on one thread (getpwnam); drop_capabilities() and become() are
// async-signal-safe, for between fork and exec, or the first thread of a program before there are others.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include <sys/types.h>

namespace photogate {

struct Identity {
    uid_t user = 0;
    gid_t group = 0;
};

/// Whether files of other users are within this process's reach: its effective user is root.
bool runs_as_root() noexcept;

/// The first of these accounts that the machine has.
std::optional<Identity> find_user(std::initializer_list<const char*> names);

/// `alice (1000)`, or the number alone where the machine has no name for it.
std::string user_name(uid_t user);

/// Empties every set of capabilities: effective, permitted, inheritable, ambient and, where CAP_SETPCAP is
/// there, bounding. Sets no_new_privs, so that no program can bring any back. False with errno on failure.
bool drop_capabilities() noexcept;

/// Changes real, effective and saved user and group, leaves all supplementary groups and drops all
/// capabilities. False with errno if that failed or root could be regained: the process must end.
/// Clears PR_SET_PDEATHSIG (the kernel does): set it afterwards.
bool become(const Identity& who) noexcept;

}  // namespace photogate
