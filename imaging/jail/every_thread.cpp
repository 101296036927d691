#include "imaging/jail/every_thread.hpp"

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <set>

#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace photogate::imaging {
namespace {

constexpr int kMaxRounds = 5;            ///< of looking for threads that started meanwhile
constexpr int kPatienceInSteps = 3'000;  ///< of a millisecond

// A handler can reach nothing but globals.
std::atomic<bool (*)(int)> the_step{nullptr};
std::atomic<int> the_argument{0};
std::atomic<int> answered{0};
std::atomic<int> failed{0};

void take_step(int) {
    const int kept = errno;
    if (!the_step.load()(the_argument.load())) failed.fetch_add(1);
    answered.fetch_add(1);
    errno = kept;
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

std::set<pid_t> all_threads() {
    std::set<pid_t> threads;
    const std::unique_ptr<DIR, CloseFolder> folder(::opendir("/proc/self/task"));
    if (!folder) return threads;
    while (const dirent* entry = ::readdir(folder.get())) {
        pid_t number = 0;
        const char* end = entry->d_name + std::strlen(entry->d_name);
        if (std::from_chars(entry->d_name, end, number).ptr == end) threads.insert(number);
    }
    return threads;
}

/// Until as many have answered; a thread that has ended meanwhile never will.
bool wait_for(int answers) {
    const timespec millisecond{0, 1'000'000};
    for (int i = 0; i < kPatienceInSteps && answered.load() < answers; ++i)
        ::nanosleep(&millisecond, nullptr);
    return answered.load() >= answers;
}

}  // namespace

bool on_every_thread(bool (*step)(int), int argument) {
    the_step = step;
    the_argument = argument;
    answered = 0;
    failed = 0;
    const int number = SIGRTMIN;
    struct sigaction ours {};
    struct sigaction before {};
    ours.sa_handler = take_step;
    ours.sa_flags = SA_RESTART;
    sigfillset(&ours.sa_mask);
    if (::sigaction(number, &ours, &before) != 0) return false;

    const pid_t self = static_cast<pid_t>(::syscall(SYS_gettid));
    std::set<pid_t> asked{self};
    bool all = false;
    int expected = 0;
    for (int round = 0; round < kMaxRounds && !all; ++round) {
        const auto threads = all_threads();
        // Without /proc it is unknown whether all threads were reached.
        if (!threads.contains(self)) break;
        const int before_round = expected;
        for (const pid_t thread : threads) {
            if (!asked.insert(thread).second) continue;
            if (::syscall(SYS_tgkill, ::getpid(), thread, number) == 0) ++expected;
        }
        if (!wait_for(expected)) break;
        all = expected == before_round;
    }
    (void)::sigaction(number, &before, nullptr);
    return all && failed.load() == 0 && step(argument);
}

}  // namespace photogate::imaging
