// Another program, started with an identity, and ended with this one.
//
// A child that runs on gets its own process group, so that Ctrl-C at a terminal reaches us alone, and dies
// with us (PR_SET_PDEATHSIG), also after a kill -9. It inherits no descriptor but its output's.
//
// Thread safety: one thread. Start children on a thread that lives as long as they do, such as the main
// thread: the kernel takes the end of the starting thread for the end of the parent.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.hpp"

namespace photogate::gateway::local {

struct Identity {
    uid_t user = 0;
    gid_t group = 0;
};

struct Command {
    std::vector<std::string> arguments;  ///< the first is the program, an absolute path
    std::vector<std::string> environment;
    /// As whom; none: as ourselves.
    std::optional<Identity> identity;
};

struct Finished {
    int exit_code = 0;   ///< 128 + the signal where one ended it
    std::string output;  ///< what it wrote to stdout and stderr, at most 64 KiB
};

/// Runs a command to its end. Errors: file_error (it could not be started).
Result<Finished> run(const Command& command);

class ChildProcess {
  public:
    /// `death_signal` is what the child gets when we die; `log` takes its output, appended. Errors:
    /// file_error.
    static Result<ChildProcess> start(const Command& command, int death_signal,
                                      const std::filesystem::path& log);

    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&&) = delete;
    /// SIGKILL, unless end() was called.
    ~ChildProcess();

    bool running();
    /// Sends `signal` and waits; after `patience` SIGKILL.
    void end(int signal, std::chrono::milliseconds patience);

  private:
    explicit ChildProcess(pid_t pid) : pid_(pid) {}
    pid_t pid_;
};

}  // namespace photogate::gateway::local
