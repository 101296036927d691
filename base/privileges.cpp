#include "base/privileges.hpp"

#include <array>
#include <cerrno>

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace photogate {
namespace {

constexpr unsigned long kMostCapabilities = 64;  // the kernel's interface has no room for more

void drop_bounding_set() noexcept {
    for (unsigned long capability = 0; capability < kMostCapabilities; ++capability) {
        // EINVAL: the kernel has no further one. EPERM: no CAP_SETPCAP; no_new_privs keeps the set from use.
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return;
    }
}

}  // namespace

bool runs_as_root() noexcept {
    return ::geteuid() == 0;
}

std::optional<Identity> find_user(std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (const auto* user = ::getpwnam(name)) return Identity{user->pw_uid, user->pw_gid};
    }
    return std::nullopt;
}

std::string user_name(uid_t user) {
    const auto number = std::to_string(user);
    const auto* account = ::getpwuid(user);
    return account != nullptr ? std::string{account->pw_name} + " (" + number + ")" : "user " + number;
}

bool drop_capabilities() noexcept {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    drop_bounding_set();
    // Kernels before 4.3 have no ambient set.
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return false;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    return ::syscall(SYS_capset, &header, none.data()) == 0;
}

bool become(const Identity& who) noexcept {
    drop_bounding_set();  // needs a capability that setuid takes away
    if (::setgroups(0, nullptr) != 0) return false;
    if (::setresgid(who.group, who.group, who.group) != 0) return false;
    if (::setresuid(who.user, who.user, who.user) != 0) return false;
    if (!drop_capabilities()) return false;
    if (who.user != 0 && (::setuid(0) == 0 || ::geteuid() == 0)) {
        errno = EPERM;
        return false;
    }
    return true;
}

}  // namespace photogate
