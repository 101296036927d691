// Another program, started with an identity, and ended with this one.
//
// A child has a session of its own, so that Ctrl-C at a terminal reaches us alone and its terminal is not
// the child's, and dies with us (PR_SET_PDEATHSIG), also after a kill -9. It inherits no descriptor but its
// output's, no environment but what is given, no capability, and can gain no privileges.
//
// Thread safety: one thread. Start children on a thread that lives as long as they do, such as the main
// thread: the kernel takes the end of the starting thread for the end of the parent.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/file.hpp"
#include "base/privileges.hpp"
#include "base/result.hpp"

namespace photogate::gateway::local {

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
    /// `death_signal` is what the child gets when we die; `output` is a copy's for the child to write to.
    /// Errors: file_error.
    static Result<ChildProcess> start(const Command& command, int death_signal, const Descriptor& output);

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
