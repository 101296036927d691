#include "gateway/local/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.hpp"

namespace photogate::gateway::local {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostOutput = 64 * 1024;
constexpr int kCouldNotStart = 127;

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (const auto& text : texts)
        all.push_back(const_cast<char*>(text.c_str()));  // execve's prototype; it writes nothing
    all.push_back(nullptr);
    return all;
}

struct Launch {
    char* const* arguments;
    char* const* environment;
    const Identity* identity;  ///< null: ourselves
    int output;
    int death_signal;  ///< 0: none
    pid_t parent;
};

/// Between fork and exec: async-signal-safe calls alone.
[[noreturn]] void become(const Launch& launch) {
    if (const auto* who = launch.identity) {
        if (::setgroups(0, nullptr) != 0 || ::setgid(who->group) != 0 || ::setuid(who->user) != 0)
            ::_exit(kCouldNotStart);
    }
    // After setuid, which takes it away.
    if (launch.death_signal != 0) {
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, launch.death_signal);
        if (::getppid() != launch.parent) ::_exit(kCouldNotStart);
    }
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || ::dup2(nothing, 0) < 0 || ::dup2(launch.output, 1) < 0 || ::dup2(launch.output, 2) < 0)
        ::_exit(kCouldNotStart);
    ::close_range(3, ~0U, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    if (::chdir("/") != 0) ::_exit(kCouldNotStart);
    ::execve(launch.arguments[0], launch.arguments, launch.environment);
    ::_exit(kCouldNotStart);
}

Result<pid_t> spawn(const Command& command, int output, int death_signal) {
    const auto arguments = pointers(command.arguments);
    const auto environment = pointers(command.environment);
    const Launch launch{arguments.data(), environment.data(), command.identity ? &*command.identity : nullptr,
                        output,           death_signal,       ::getpid()};
    const pid_t pid = ::fork();
    if (pid == 0) become(launch);
    if (pid < 0)
        return fail(ErrorCode::file_error,
                    command.arguments.front() + " could not be started: " + std::strerror(errno));
    return pid;
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Result<Finished> run(const Command& command) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail(ErrorCode::file_error, std::string{"a pipe could not be made: "} + std::strerror(errno));
    const Descriptor reading{ends[0]};
    Descriptor writing{ends[1]};
    const auto pid = spawn(command, writing.get(), 0);
    if (!pid) return fail(pid.error());
    writing.reset();

    Finished finished;
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto got = ::read(reading.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        const auto room = kMostOutput - finished.output.size();
        finished.output.append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
    }
    finished.exit_code = wait_for(*pid);
    if (finished.exit_code == kCouldNotStart && finished.output.empty())
        return fail(ErrorCode::file_error, command.arguments.front() + " could not be started");
    return finished;
}

Result<ChildProcess> ChildProcess::start(const Command& command, int death_signal,
                                         const std::filesystem::path& log) {
    const Descriptor output{::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (output.get() < 0)
        return fail(ErrorCode::file_error, log.string() + " could not be opened: " + std::strerror(errno));
    const auto pid = spawn(command, output.get(), death_signal);
    if (!pid) return fail(pid.error());
    return ChildProcess{*pid};
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

ChildProcess::~ChildProcess() {
    if (pid_ > 0) end(SIGKILL, 0ms);
}

bool ChildProcess::running() {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
    pid_ = -1;
    return false;
}

void ChildProcess::end(int signal, std::chrono::milliseconds patience) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (running()) {
        if (std::chrono::steady_clock::now() >= until) {
            ::kill(pid_, SIGKILL);
            wait_for(pid_);
            break;
        }
        std::this_thread::sleep_for(2ms);
    }
    pid_ = -1;
}

}  // namespace photogate::gateway::local
