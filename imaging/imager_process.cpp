#include "imaging/imager_process.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "imaging/imager_wire.hpp"

namespace photogate::imaging {
namespace {

constexpr std::size_t kMaxWords = 16U << 10;
constexpr int kFirstFree = 3;  ///< below: where the worker process's three descriptors go

tl::unexpected<Error> unavailable(const std::string& what, int number) {
    return fail(ErrorCode::imager_unavailable, what + ": " + std::strerror(number));
}

/// A copy with a number that the worker process's three can't overwrite.
Descriptor out_of_the_way(const Descriptor& from) {
    return Descriptor(::fcntl(from.get(), F_DUPFD_CLOEXEC, kFirstFree));
}

class SpawnActions {
  public:
    SpawnActions() { ok_ = ::posix_spawn_file_actions_init(&actions_) == 0; }
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    void put(const Descriptor& from, int at) {
        ok_ = ok_ && ::posix_spawn_file_actions_adddup2(&actions_, from.get(), at) == 0;
    }
    void close_from(int first) {
        ok_ = ok_ && ::posix_spawn_file_actions_addclosefrom_np(&actions_, first) == 0;
    }
    bool ok() const { return ok_; }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
    bool ok_ = false;
};

class SpawnAttributes {
  public:
    SpawnAttributes() {
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ok_ = ::posix_spawnattr_init(&attributes_) == 0 &&
              ::posix_spawnattr_setsigmask(&attributes_, &none) == 0 &&
              ::posix_spawnattr_setsigdefault(&attributes_, &all) == 0 &&
              ::posix_spawnattr_setflags(
                  &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID) == 0;
    }
    ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    bool ok() const { return ok_; }
    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
    bool ok_ = false;
};

std::string describe(const siginfo_t& status) {
    if (status.si_code == CLD_EXITED) return "exit status " + std::to_string(status.si_status);
    const char* name = ::sigdescr_np(status.si_status);
    return "signal " + std::to_string(status.si_status) +
           (name != nullptr ? " (" + std::string(name) + ")" : "");
}

}  // namespace

Result<std::unique_ptr<ImagerProcess>> ImagerProcess::start(const ImagerProcessOptions& options) {
    std::array<int, 2> sockets{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
        return unavailable("No socket for an image worker process", errno);
    }
    Descriptor ours(sockets[0]);
    Descriptor theirs(sockets[1]);
    std::array<int, 2> pipe{};
    // Non-blocking at both ends: a worker process that babbles loses words, it never waits for us.
    if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        return unavailable("No pipe for an image worker process", errno);
    Descriptor words(pipe[0]);
    Descriptor words_in(pipe[1]);

    Descriptor socket_copy = out_of_the_way(theirs);
    Descriptor words_copy = out_of_the_way(words_in);
    if (!socket_copy || !words_copy) return unavailable("No descriptor for an image worker process", errno);
    SpawnActions actions;
    actions.put(socket_copy, 0);
    actions.put(words_copy, 1);
    actions.put(words_copy, 2);
    actions.close_from(kFirstFree);
    const SpawnAttributes attributes;
    if (!actions.ok() || !attributes.ok())
        return unavailable("An image worker process can't be prepared", ENOMEM);

    std::string program = options.program.string();
    std::string parent = std::to_string(::getpid());
    std::string address_space = std::to_string(options.address_space);
    std::string name = "photogate-imager";
    std::array<char*, 4> arguments{name.data(), parent.data(), address_space.data(), nullptr};
    std::array<char*, 1> environment{nullptr};
    pid_t child = -1;
    const int failed = ::posix_spawn(&child, program.c_str(), actions.get(), attributes.get(),
                                     arguments.data(), environment.data());
    if (failed != 0) return unavailable("The image worker process " + program + " can't be started", failed);
    // By number: glibc 2.36 declares pidfd_open() for C alone.
    Descriptor watch(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    const int watch_error = errno;
    std::unique_ptr<ImagerProcess> process(
        new ImagerProcess(child, std::move(watch), Channel(std::move(ours)), std::move(words)));
    // Opened before it makes itself undumpable: where /proc hides what can't be traced (hidepid), it is not
    // to be found there afterwards.
    process->statm_ =
        Descriptor(::open(("/proc/" + std::to_string(child) + "/statm").c_str(), O_RDONLY | O_CLOEXEC));
    if (!process->watch_) return unavailable("The image worker process can't be watched", watch_error);
    // Their ends must be theirs alone, or we would never see them close.
    theirs.reset();
    words_in.reset();
    socket_copy.reset();
    words_copy.reset();

    const auto hello =
        process->channel().receive({kMaxTaskHeader, 0}, std::chrono::steady_clock::now() + options.start_up);
    if (!hello) {
        const std::string cause = process->end();
        std::string said = process->last_words();
        return fail(ErrorCode::imager_unavailable, "The image worker process " + program +
                                                       " did not come up (" + cause + ")" +
                                                       (said.empty() ? "." : ": " + said));
    }
    auto jail = read_hello(hello->header);
    if (!jail) return fail(jail.error());
    if (!jail->is_tight() && options.sandbox == Sandbox::required)
        return fail(ErrorCode::imager_unavailable,
                    "The image worker process's jail is " + describe(*jail) + " (--unsafe insists).");
    process->jail_ = std::move(*jail);
    return process;
}

ImagerProcess::~ImagerProcess() {
    (void)end();
}

bool ImagerProcess::alive() const {
    if (process_ < 0) return false;
    pollfd entry{watch_.get(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 0;
}

std::uint64_t ImagerProcess::resident_bytes() const {
    std::array<char, 128> text{};
    if (::pread(statm_.get(), text.data(), text.size() - 1, 0) <= 0) return 0;
    std::istringstream fields(text.data());
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    if (!(fields >> total >> resident)) return 0;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string ImagerProcess::end() {
    if (process_ < 0) return cause_;
    siginfo_t status{};
    // What died by itself is asked first, so that the cause is its own and not our signal.
    if (::waitid(P_PID, static_cast<id_t>(process_), &status, WEXITED | WNOHANG) != 0 || status.si_pid == 0) {
        ::kill(process_, SIGKILL);
        while (::waitid(P_PID, static_cast<id_t>(process_), &status, WEXITED) != 0 && errno == EINTR) {
        }
    }
    process_ = -1;
    cause_ = describe(status);
    return cause_;
}

std::string ImagerProcess::last_words() {
    std::array<char, 4096> chunk{};
    for (int rounds = 0; rounds < 64; ++rounds) {
        const ssize_t got = ::read(words_.get(), chunk.data(), chunk.size());
        if (got <= 0) break;
        heard_.append(chunk.data(), static_cast<std::size_t>(got));
        if (heard_.size() > kMaxWords) heard_.erase(0, heard_.size() - kMaxWords);
    }
    return to_valid_utf8(heard_);
}

}  // namespace photogate::imaging
