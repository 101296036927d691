#include "base/child_process.hpp"

#include <algorithm>
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

namespace photogate {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostOutput = 64 * 1024;
constexpr int kCouldNotStart = 127;
constexpr int kFirstFree = 3;  ///< above the descriptors that a child is given

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
    const Identity* identity;  ///< null: the parent's
    Command::Capabilities capabilities;
    int input;
    int output;
    int failure;  ///< where errno is written if the program can't be started
    int death_signal;
    pid_t parent;
};

bool give_up_privileges(const Launch& launch) {
    if (launch.identity != nullptr) return become(*launch.identity);
    return launch.capabilities == Command::Capabilities::kept || drop_capabilities();
}

bool follow_parent(const Launch& launch) {
    if (::prctl(PR_SET_PDEATHSIG, launch.death_signal) != 0) return false;
    if (::getppid() == launch.parent) return true;
    errno = ESRCH;
    return false;
}

/// All others are closed by execve.
bool take_descriptors(const Launch& launch) {
    return ::dup2(launch.input, STDIN_FILENO) >= 0 && ::dup2(launch.output, STDOUT_FILENO) >= 0 &&
           ::dup2(launch.output, STDERR_FILENO) >= 0 &&
           ::close_range(kFirstFree, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

void reset_signals() {
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL);  // SIGKILL, SIGSTOP and those of the C library refuse
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Between fork and exec: async-signal-safe calls alone.
[[noreturn]] void turn_into(const Launch& launch) {
    // A session of its own: without the terminal, into whose input another user's program could write.
    (void)::setsid();
    // The change of user takes the death signal away, so the parent is followed after it.
    if (give_up_privileges(launch) && follow_parent(launch) && take_descriptors(launch) &&
        ::chdir("/") == 0) {
        ::umask(S_IRWXG | S_IRWXO);
        reset_signals();
        ::execve(launch.arguments[0], launch.arguments, launch.environment);
    }
    const int cause = errno;
    (void)!::write(launch.failure, &cause, sizeof cause);
    ::_exit(kCouldNotStart);
}

/// A copy with a number that the child's own descriptors can't overwrite.
Descriptor out_of_the_way(int descriptor) {
    return Descriptor{::fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstFree)};
}

Descriptor copy_for_child(const Descriptor* stream) {
    if (stream != nullptr) return out_of_the_way(stream->get());
    const Descriptor nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    return nothing ? out_of_the_way(nothing.get()) : Descriptor{};
}

struct Pipe {
    Descriptor reading, writing;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(file_failure("a pipe can't be made", errno));
    return Pipe{Descriptor{ends[0]}, Descriptor{ends[1]}};
}

/// What read(2) gives once it is not interrupted.
ssize_t read_some(const Descriptor& from, void* to, std::size_t size) {
    for (;;) {
        const auto got = ::read(from.get(), to, size);
        if (got >= 0 || errno != EINTR) return got;
    }
}

}  // namespace

int ExitStatus::code() const {
    return WIFSIGNALED(wait_status_) ? 128 + WTERMSIG(wait_status_) : WEXITSTATUS(wait_status_);
}

std::string ExitStatus::text() const {
    if (!WIFSIGNALED(wait_status_)) return "exit status " + std::to_string(WEXITSTATUS(wait_status_));
    const int number = WTERMSIG(wait_status_);
    const char* name = ::sigdescr_np(number);
    return "signal " + std::to_string(number) + (name != nullptr ? " (" + std::string{name} + ")" : "");
}

Result<ChildProcess> ChildProcess::start(const Command& command, const Streams& streams) {
    const auto failed = [&](int cause) {
        return fail(file_failure(command.arguments.front() + " can't be started", cause));
    };
    const auto input = copy_for_child(streams.input);
    const auto output = copy_for_child(streams.output);
    if (!input || !output) return failed(errno);
    auto failure = make_pipe();
    if (!failure) return fail(failure.error());
    Descriptor child_failure = out_of_the_way(failure->writing.get());
    if (!child_failure) return failed(errno);
    failure->writing.reset();

    const auto arguments = pointers(command.arguments);
    const auto environment = pointers(command.environment);
    const Launch launch{.arguments = arguments.data(),
                        .environment = environment.data(),
                        .identity = command.identity ? &*command.identity : nullptr,
                        .capabilities = command.capabilities,
                        .input = input.get(),
                        .output = output.get(),
                        .failure = child_failure.get(),
                        .death_signal = command.death_signal,
                        .parent = ::getpid()};
    const pid_t pid = ::fork();
    if (pid == 0) turn_into(launch);
    if (pid < 0) return failed(errno);
    child_failure.reset();
    ChildProcess child{pid};
    // Ends without a word when execve closes the child's end.
    int cause = 0;
    if (read_some(failure->reading, &cause, sizeof cause) == sizeof cause) {
        (void)child.wait();
        return failed(cause);
    }
    return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), wait_status_(other.wait_status_) {}

ChildProcess::~ChildProcess() {
    (void)end(SIGKILL, 0ms);
}

bool ChildProcess::reap(int options) {
    int status = 0;
    pid_t reaped = -1;
    do {
        reaped = ::waitpid(pid_, &status, options);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == 0) return false;
    if (reaped == pid_) wait_status_ = status;
    pid_ = -1;
    return true;
}

bool ChildProcess::running() {
    return pid_ > 0 && !reap(WNOHANG);
}

ExitStatus ChildProcess::wait() {
    if (pid_ > 0) (void)reap(0);
    return ExitStatus{wait_status_};
}

ExitStatus ChildProcess::end(int signal, std::chrono::milliseconds patience) {
    if (!running()) return ExitStatus{wait_status_};
    ::kill(pid_, signal);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (signal != SIGKILL && running() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(2ms);
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    return wait();
}

Result<CommandResult> run_command(const Command& command) {
    auto pipe = make_pipe();
    if (!pipe) return fail(pipe.error());
    auto child = ChildProcess::start(command, {.output = &pipe->writing});
    if (!child) return fail(child.error());
    pipe->writing.reset();

    CommandResult result;
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto got = read_some(pipe->reading, buffer.data(), buffer.size());
        if (got <= 0) break;
        const auto room = kMostOutput - result.output.size();
        result.output.append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
    }
    result.exit_code = child->wait().code();
    return result;
}

}  // namespace photogate
