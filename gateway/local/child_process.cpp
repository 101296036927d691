#include "gateway/local/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/privileges.hpp"

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
    int death_signal;
    pid_t parent;
};

/// Between fork and exec: async-signal-safe calls alone.
[[noreturn]] void turn_into(const Launch& launch) {
    // A session of its own: without the terminal, into whose input another user's program could write, and
    // out of reach of its Ctrl-C.
    (void)::setsid();
    if (launch.identity != nullptr ? !photogate::become(*launch.identity) : !drop_capabilities())
        ::_exit(kCouldNotStart);
    // After the change of user, which takes it away.
    if (::prctl(PR_SET_PDEATHSIG, launch.death_signal) != 0 || ::getppid() != launch.parent)
        ::_exit(kCouldNotStart);
    ::umask(S_IRWXG | S_IRWXO);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || ::dup2(nothing, 0) < 0 || ::dup2(launch.output, 1) < 0 || ::dup2(launch.output, 2) < 0)
        ::_exit(kCouldNotStart);
    if (::close_range(3, ~0U, 0) != 0) ::_exit(kCouldNotStart);
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
    if (pid == 0) turn_into(launch);
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
    const auto pid = spawn(command, writing.get(), SIGKILL);
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

Result<ChildProcess> ChildProcess::start(const Command& command, int death_signal, const Descriptor& output) {
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
