// A small program that locks itself in as the image worker process does, and then tries one forbidden thing for real.
//
//   imaging_jail_probe WALLS WHO ATTEMPT [PATH]
//
// WALLS: none, landlock, calls (the filter alone), all. WHO: first (thread), old (one that was there before
// the walls), young (one made behind them). It says `done`, or `refused` and the error's name; or the kernel
// ends it.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imaging/jail/break_out.hpp"
#include "imaging/jail/confine.hpp"
#include "imaging/jail/landlock.hpp"
#include "imaging/jail/system_calls.hpp"

namespace {

using namespace photogate;
using namespace photogate::imaging;

std::string said(std::string_view words) {
    return std::string(words);
}

/// What a system call's answer amounts to.
std::string outcome(long answer) {
    return answer >= 0 ? "done" : said("refused ") + ::strerrorname_np(errno);
}

struct Scene {
    std::string path;
    int file = -1;  ///< a plain file, open for writing since before the walls
};

std::string connect_to_nobody() {
    const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
    if (connection < 0) return outcome(-1);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(1);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int answer = ::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    // Nobody there is an answer of the network: it was asked.
    return answer < 0 && errno == ECONNREFUSED ? "done" : outcome(answer);
}

std::string fork_a_child() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    if (child > 0) (void)::waitpid(child, nullptr, 0);
    return outcome(child);
}

std::string start_a_program() {
    char name[] = "/bin/echo";
    char word[] = "done";
    std::array<char*, 3> arguments{name, word, nullptr};
    std::array<char*, 1> environment{nullptr};
    return outcome(::execve(name, arguments.data(), environment.data()));
}

std::string read_memory_of_parent() {
    char here = 0;
    iovec local{&here, 1};
    iovec remote{&here, 1};
    return outcome(::process_vm_readv(::getppid(), &local, 1, &remote, 1, 0));
}

std::string raise_a_limit() {
    const rlimit more{1024, 1024};
    return outcome(::setrlimit(RLIMIT_NOFILE, &more));
}

std::string work_in_peace() {
    std::string memory(8U << 20, 'x');
    std::string found;
    std::thread([&] { found = memory.substr(0, 1); }).join();
    return found == "x" ? "done" : "refused by itself";
}

std::string make_code() {
    void* start =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return outcome(start == MAP_FAILED ? -1 : 0);
}

#ifdef __x86_64__
/// The same kernel by its 32-bit door, where numbers mean other calls: 5 is open().
std::string call_in_32_bits() {
    int answer = 0;
    asm volatile("int $0x80" : "=a"(answer) : "a"(20) : "memory");
    return answer >= 0 ? "done" : "refused";
}

std::string call_as_x32() {
    return outcome(::syscall(0x40000000L | SYS_getpid));
}
#endif

using Attempts = std::map<std::string_view, std::function<std::string()>>;

Attempts attempts(const Scene& scene) {
    const char* path = scene.path.c_str();
    return {
        {"work", work_in_peace},
        {"make_code", make_code},
        {"read_file", [=] { return outcome(::open("/etc/passwd", O_RDONLY)); }},
        {"list_folder", [=] { return outcome(::open("/", O_RDONLY | O_DIRECTORY)); }},
        {"make_file", [=] { return outcome(::open(path, O_WRONLY | O_CREAT, 0600)); }},
        {"look_at_file",
         [=] {
             struct stat status {};
             return outcome(::stat("/etc/passwd", &status));
         }},
        {"ask_for_nothing", [] { return outcome(::access("/nowhere/at/all", R_OK)); }},
        {"remove_file", [=] { return outcome(::unlink("/etc/passwd/x") < 0 && errno == ENOTDIR ? 0 : -1); }},
        {"write_file", [=] { return outcome(::write(scene.file, "x", 1)); }},
        {"tcp_socket", [] { return outcome(::socket(AF_INET, SOCK_STREAM, 0)); }},
        {"udp_socket", [] { return outcome(::socket(AF_INET6, SOCK_DGRAM, 0)); }},
        {"unix_socket", [] { return outcome(::socket(AF_UNIX, SOCK_STREAM, 0)); }},
        {"connect", connect_to_nobody},
        {"fork", fork_a_child},
        {"program", start_a_program},
        {"signal_parent", [] { return outcome(::kill(::getppid(), 0)); }},
        {"signal_parents_thread", [] { return outcome(::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0)); }},
        {"trace", [] { return outcome(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }},
        {"read_memory_of_parent", read_memory_of_parent},
        {"raise_limit", raise_a_limit},
        {"unshare", [] { return outcome(::unshare(CLONE_FILES)); }},
        {"io_uring",
         [] {
             std::array<char, 256> parameters{};
             return outcome(::syscall(SYS_io_uring_setup, 1, parameters.data()));
         }},
        {"watch_parent", [] { return outcome(::syscall(SYS_pidfd_open, ::getppid(), 0)); }},
        {"become_traceable", [] { return outcome(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }},
        {"outlive_parent", [] { return outcome(::prctl(PR_SET_PDEATHSIG, 0)); }},
#ifdef __x86_64__
        {"call_in_32_bits", call_in_32_bits},
        {"call_as_x32", call_as_x32},
#endif
        {"self_test", [] { return describe(try_to_break_out()); }},
    };
}

bool put_up(std::string_view walls) {
    if (walls == "none") return true;
    if (walls == "landlock") return shut_file_system().value_or(0) != 0;
    if (walls == "calls") return filter_system_calls().has_value();
    return walls == "all" && confine_process(0).has_value();
}

void say(const std::string& words) {
    (void)!::write(STDOUT_FILENO, words.data(), words.size());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 64;
    Scene scene;
    if (argc > 4) {
        scene.path = std::string(argv[4]) + ".made";
        scene.file = ::open(argv[4], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    }
    const auto known = attempts(scene);
    const auto attempt = known.find(argv[3]);
    if (attempt == known.end()) return 64;
    const std::string_view who = argv[2];

    std::promise<void> walls;
    std::promise<std::string> words;
    std::thread old;
    if (who == "old") {
        old = std::thread([&] {
            walls.get_future().wait();
            words.set_value(attempt->second());
        });
    }
    if (!put_up(argv[1])) {
        say("no walls");
        std::_Exit(3);
    }
    if (who == "old") {
        walls.set_value();
        old.join();
        say(words.get_future().get());
    } else if (who == "young") {
        std::thread([&] { say(attempt->second()); }).join();
    } else {
        say(attempt->second());
    }
    std::_Exit(0);
}
