#include "gateway/system/signals.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <pthread.h>
#include <unistd.h>

namespace photogate::gateway::system {
namespace {

sigset_t stop_set() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

extern "C" void end_at_once(int number) {
    _exit(128 + number);
}

}  // namespace

StopSignals::StopSignals() {
    const auto set = stop_set();
    if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
        throw std::system_error(error, std::generic_category(), "pthread_sigmask");
    }
    // A peer that goes away while it is written to, or a file that may not grow, is an error of that write,
    // not the end of the process.
    for (const int each : {SIGPIPE, SIGXFSZ}) {
        if (std::signal(each, SIG_IGN) == SIG_ERR)
            throw std::system_error(errno, std::generic_category(), "signal");
    }
}

int StopSignals::wait() {
    const auto set = stop_set();
    int number = 0;
    if (const int error = sigwait(&set, &number); error != 0)
        throw std::system_error(error, std::generic_category(), "sigwait");
    if (number == SIGHUP) return number;
    if (std::signal(SIGHUP, SIG_IGN) == SIG_ERR)
        throw std::system_error(errno, std::generic_category(), "signal");
    for (const int each : {SIGTERM, SIGINT}) {
        if (std::signal(each, end_at_once) == SIG_ERR)
            throw std::system_error(errno, std::generic_category(), "signal");
    }
    if (const int error = pthread_sigmask(SIG_UNBLOCK, &set, nullptr); error != 0) {
        throw std::system_error(error, std::generic_category(), "pthread_sigmask");
    }
    return number;
}

}  // namespace photogate::gateway::system
