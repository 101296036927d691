#include "imaging/jail/confine.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/privileges.hpp"
#include "imaging/jail/break_out.hpp"
#include "imaging/jail/landlock.hpp"
#include "imaging/jail/system_calls.hpp"

namespace photogate::imaging {
namespace {

#ifdef PHOTOGATE_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// The three of its life and one for the task's file; the rest is slack for what a library may still hold.
constexpr rlim_t kMaxDescriptors = 16;
/// The kernel's overflow user, where the machine has no account of the name.
constexpr uid_t kNobody = 65'534;

Result<> refuse(const char* what) {
    return fail(ErrorCode::imager_unavailable, std::string(what) + ": " + std::strerror(errno));
}

bool limit(__rlimit_resource resource, rlim_t most) {
    const rlimit both{most, most};
    return ::setrlimit(resource, &both) == 0;
}

Result<> limit_resources(std::uint64_t address_space) {
    if (!limit(RLIMIT_CORE, 0)) return refuse("core dumps can't be switched off");
    // Standard error may be a plain file one day; a write to it must fail then, not kill (trap 18).
    if (::signal(SIGXFSZ, SIG_IGN) == SIG_ERR) return refuse("SIGXFSZ can't be ignored");
    if (!limit(RLIMIT_FSIZE, 0)) return refuse("writing files can't be switched off");
    if (!limit(RLIMIT_NOFILE, kMaxDescriptors)) return refuse("descriptors can't be limited");
    if (kSanitized) return {};
    if (address_space != 0 && !limit(RLIMIT_AS, address_space)) return refuse("memory can't be limited");
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return refuse("tracing can't be switched off");
    return {};
}

}  // namespace

Result<> give_up_privileges() {
    if (!runs_as_root()) return drop_capabilities() ? Result<>{} : refuse("capabilities can't be dropped");
    const Identity nobody{kNobody, kNobody};
    if (become(find_user({"photogate-imager", "nobody"}).value_or(nobody))) return {};
    // Root without CAP_SETUID, as some containers have it, keeps its user; the report says so.
    if (errno == EPERM && drop_capabilities()) return {};
    return refuse("root's privileges can't be given up");
}

Result<> follow_parent(pid_t parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return refuse("the parent's death can't be followed");
    if (::getppid() != parent) return fail(ErrorCode::imager_unavailable, "the parent is gone");
    if (::close_range(3, ~0U, 0) != 0) return refuse("inherited descriptors can't be closed");
    // Here, and not later: each thread has this for itself, and inherits it from its maker.
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refuse("new privileges can't be refused");
    return {};
}

Result<JailReport> confine_process(std::uint64_t address_space) {
    if (auto limited = limit_resources(address_space); !limited) return fail(limited.error());
    std::string missing;
    const auto note = [&](const Error& error) {
        if (!missing.empty()) missing += "; ";
        missing += error.detail;
    };
    if (runs_as_root()) missing = "it runs as root, whose user could not be changed (CAP_SETUID)";
    // Landlock first: the filter behind it lets through no call that could put up Landlock.
    const auto landlock = shut_file_system();
    if (!landlock) note(landlock.error());
    if (auto filtered = filter_system_calls(); !filtered) note(filtered.error());
    JailReport report = try_to_break_out();
    report.landlock = landlock ? *landlock : 0;
    report.missing = std::move(missing);
    return report;
}

}  // namespace photogate::imaging
