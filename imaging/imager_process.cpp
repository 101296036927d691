#include "imaging/imager_process.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "imaging/imager_wire.hpp"

namespace photogate::imaging {
namespace {

constexpr std::size_t kMaxWords = 16U << 10;

tl::unexpected<Error> unavailable(const std::string& what, int number) {
    return fail(ErrorCode::imager_unavailable, what + ": " + std::strerror(number));
}

}  // namespace

Result<std::unique_ptr<ImagerProcess>> ImagerProcess::start(const ImagerProcessOptions& options) {
    std::array<int, 2> sockets{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
        return unavailable("no socket for an image worker process", errno);
    }
    Descriptor ours(sockets[0]);
    Descriptor theirs(sockets[1]);
    std::array<int, 2> pipe{};
    // Non-blocking at both ends: output beyond the pipe's capacity is lost, and the worker process never blocks.
    if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        return unavailable("no pipe for an image worker process", errno);
    Descriptor words(pipe[0]);
    Descriptor words_in(pipe[1]);

    // The imager gives up its own privileges, and follows its parent again afterwards (jail/confine.cpp).
    const auto program = std::filesystem::absolute(options.program).string();
    std::vector<std::string> arguments{program, std::to_string(::getpid()),
                                       std::to_string(options.address_space)};
    arguments.insert(arguments.end(), options.fonts.begin(), options.fonts.end());
    // libimagequant counts the machine's cores otherwise, and its threads spin while they wait for one another.
    auto child = ChildProcess::start({.arguments = std::move(arguments),
                                      .environment = {"OMP_NUM_THREADS=1"},
                                      .capabilities = Command::Capabilities::kept},
                                     {.input = &theirs, .output = &words_in});
    if (!child)
        return fail(ErrorCode::imager_unavailable, "the image worker process: " + child.error().detail);
    // Their ends must be theirs alone, or we would never see them close.
    theirs.reset();
    words_in.reset();
    // By number: glibc 2.36 declares pidfd_open() for C alone.
    Descriptor watch(static_cast<int>(::syscall(SYS_pidfd_open, child->id(), 0)));
    const int watch_error = errno;
    std::unique_ptr<ImagerProcess> process(
        new ImagerProcess(std::move(*child), std::move(watch), Channel(std::move(ours)), std::move(words)));
    // Opened before it makes itself undumpable: where /proc hides what can't be traced (hidepid), it is not
    // to be found there afterwards.
    process->statm_ = Descriptor(
        ::open(("/proc/" + std::to_string(process->child_.id()) + "/statm").c_str(), O_RDONLY | O_CLOEXEC));
    if (!process->watch_) return unavailable("the image worker process can't be watched", watch_error);
    const auto hello =
        process->channel().receive({kMaxTaskHeader, 0}, std::chrono::steady_clock::now() + options.start_up);
    if (!hello) {
        const std::string cause = process->end();
        std::string said = process->last_words();
        return fail(ErrorCode::imager_unavailable, "the image worker process " + program +
                                                       " did not come up (" + cause + ")" +
                                                       (said.empty() ? "" : ": " + said));
    }
    auto jail = read_hello(hello->header);
    if (!jail) return fail(jail.error());
    if (!jail->is_tight() && options.sandbox == Sandbox::required)
        return fail(ErrorCode::imager_unavailable,
                    "the image worker process's jail is " + describe(*jail) + " (--unsafe allows it)");
    process->jail_ = std::move(*jail);
    return process;
}

bool ImagerProcess::alive() const {
    if (child_.id() < 0) return false;
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

std::chrono::nanoseconds ImagerProcess::processor_time() const {
    clockid_t clock{};
    timespec used{};
    if (::clock_getcpuclockid(child_.id(), &clock) != 0 || ::clock_gettime(clock, &used) != 0) return {};
    return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

std::string ImagerProcess::end() {
    return child_.end(SIGKILL, std::chrono::milliseconds{0}).text();
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
