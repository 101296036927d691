#include "imaging/jail/system_calls.hpp"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace photogate::imaging {
namespace {

struct Release {
    void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

// A list reads by its groups.
// clang-format off
/// Work on what the process has: its memory, its threads, its clock, its open descriptors.
constexpr int kAllowed[] = {
    // The socket, the pipe, the task's file.
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(poll),
    SCMP_SYS(ppoll), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(lseek),
    // Memory.
    SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
    SCMP_SYS(brk),
    // Threads.
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid), SCMP_SYS(getpid),
    SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(exit), SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    // Signals to itself: what a crash is made of.
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn),
    // Time and chance.
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
    // What it may know about itself and the machine.
    SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(umask),
#ifdef PHOTOGATE_SANITIZED
    // A sanitizer's own stacks, its look at threads and mappings, and the pipe by which it finds out whether
    // memory can be read.
    SCMP_SYS(sigaltstack), SCMP_SYS(getdents64), SCMP_SYS(pipe), SCMP_SYS(pipe2),
#endif
};

/// What libraries try and can live without. A refusal, so that they do.
constexpr int kRefused[] = {
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat),
    SCMP_SYS(faccessat2), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
    SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(ftruncate),
    SCMP_SYS(memfd_create), SCMP_SYS(ioctl), SCMP_SYS(uname), SCMP_SYS(sched_setscheduler),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_getparam), SCMP_SYS(sched_getattr), SCMP_SYS(times),
    SCMP_SYS(sched_setparam), SCMP_SYS(sched_setattr),
    // No network, not even to ask; no programs.
    SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(getpeername),
    SCMP_SYS(getsockname), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(execve), SCMP_SYS(execveat),
};

// clang-format on

/// Gathers rules; the first that is not taken is remembered, and none after it is tried.
class Rules {
  public:
    Rules() : filter_(::seccomp_init(SCMP_ACT_KILL_PROCESS)) {
        if (!filter_) error_ = ENOMEM;
    }
    void set(scmp_filter_attr attribute, std::uint32_t value) {
        if (error_ == 0) error_ = -::seccomp_attr_set(filter_.get(), attribute, value);
    }
    template <class... Conditions>
    void add(std::uint32_t action, int call, Conditions... conditions) {
        if (error_ != 0) return;
        // A call that this architecture does not have has a negative number and can't be made.
        if (call < 0) return;
        error_ = -::seccomp_rule_add(filter_.get(), action, call, sizeof...(conditions), conditions...);
    }
    Result<> load() {
        if (error_ == 0) error_ = -::seccomp_load(filter_.get());
        if (error_ == 0) return {};
        return fail(ErrorCode::imager_unavailable,
                    std::string("system calls can't be filtered: ") + std::strerror(error_));
    }

  private:
    Filter filter_;
    int error_ = 0;
};

constexpr std::uint32_t kRefusal = SCMP_ACT_ERRNO(EACCES);

}  // namespace

Result<> filter_system_calls() {
    Rules rules;
    rules.set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    rules.set(SCMP_FLTATR_CTL_TSYNC, 1);
    for (const int call : kAllowed)
        rules.add(SCMP_ACT_ALLOW, call);
    for (const int call : kRefused)
        rules.add(kRefusal, call);
    // Answered "yes", whatever the question, without a look at any file: Pango asks it of a font that it has open, for
    // each size, and would draw nothing after a "no". Whoever believes it and opens the file is refused then.
    // Newer architectures (arm64) have no access(2): there the C library asks by faccessat(2).
    constexpr bool kHasAccess = SCMP_SYS(access) >= 0;
    rules.add(SCMP_ACT_ERRNO(0), kHasAccess ? SCMP_SYS(access) : SCMP_SYS(faccessat));
    if (kHasAccess) rules.add(kRefusal, SCMP_SYS(faccessat));
    // Threads, but no processes. clone3 hides its flags in memory, where no filter can look: without it the C
    // library uses clone.
    rules.add(SCMP_ACT_ALLOW, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    rules.add(kRefusal, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    rules.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
    // abort() is a signal to itself; to anyone else there is none.
    rules.add(SCMP_ACT_ALLOW, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
    // Limits may be read.
    rules.add(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0));
    rules.add(SCMP_ACT_ALLOW, SCMP_SYS(getrlimit));
    // A thread may have a name.
    rules.add(SCMP_ACT_ALLOW, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    for (const int command : {F_GETFL, F_GETFD, F_SETFD})
        rules.add(SCMP_ACT_ALLOW, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command)));
    return rules.load();
}

}  // namespace photogate::imaging
