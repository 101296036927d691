#include "imaging/jail/landlock.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.hpp"
#include "imaging/jail/every_thread.hpp"

namespace photogate::imaging {
namespace {

/// By hand, because the headers of Debian 12 end at version 2 and the kernel it runs on need not. A kernel
/// takes a structure as long as it knows it.
struct Ruleset {
    std::uint64_t file_system = 0;
    std::uint64_t network = 0;
    std::uint64_t scoped = 0;
};

constexpr long kCreateRuleset = 444;
constexpr long kRestrictSelf = 446;
constexpr std::uint32_t kAskVersion = 1;

constexpr std::uint64_t first_bits(unsigned count) {
    return (std::uint64_t{1} << count) - 1;
}

struct Handled {
    Ruleset ruleset;
    std::size_t size = sizeof(std::uint64_t);
};

/// All that a version can forbid.
Handled all_of(std::uint32_t version) {
    Handled handled;
    // 13 rights in version 1; then REFER, TRUNCATE (3), IOCTL_DEV (5).
    handled.ruleset.file_system = first_bits(version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13);
    if (version >= 4) {
        handled.ruleset.network = first_bits(2);  // BIND_TCP, CONNECT_TCP
        handled.size = 2 * sizeof(std::uint64_t);
    }
    if (version >= 6) {
        handled.ruleset.scoped = first_bits(2);  // ABSTRACT_UNIX_SOCKET, SIGNAL
        handled.size = 3 * sizeof(std::uint64_t);
    }
    return handled;
}

/// Runs in a signal handler: nothing but system calls.
bool restrict_this_thread(int ruleset) {
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::syscall(kRestrictSelf, ruleset, 0) == 0;
}

}  // namespace

Result<std::uint32_t> shut_file_system() {
    const long version = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
    if (version <= 0) return 0U;
    const Handled handled = all_of(static_cast<std::uint32_t>(version));
    const Descriptor ruleset(static_cast<int>(::syscall(kCreateRuleset, &handled.ruleset, handled.size, 0)));
    if (!ruleset)
        return fail(ErrorCode::imager_unavailable,
                    std::string("Landlock takes no ruleset: ") + std::strerror(errno));
    if (!on_every_thread(restrict_this_thread, ruleset.get()))
        return fail(ErrorCode::imager_unavailable, "Landlock does not hold every thread");
    return static_cast<std::uint32_t>(version);
}

}  // namespace photogate::imaging
