// Another program, started with an identity and ended with this one.
//
// A child has a session of its own, so that Ctrl-C at a terminal reaches only its parent, and dies with the
// parent (PR_SET_PDEATHSIG), also after a kill -9. It inherits no descriptor but those that it is given, no
// environment but what is given, no blocked or ignored signal, and makes files for its user alone.
//
// Thread safety: one thread at a time. Start children on a thread that lives as long as they do, such as the
// main thread: the kernel takes the end of the starting thread for the end of the parent.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/file.hpp"
#include "base/privileges.hpp"
#include "base/result.hpp"

namespace photogate {

struct Command {
    enum class Capabilities {
        dropped,  ///< the child can gain no privileges either
        kept,     ///< the program gives them up itself
    };
    std::vector<std::string> arguments;  ///< the first is the program, an absolute path
    std::vector<std::string> environment;
    /// The user that it runs as, without capabilities; none: the parent's.
    std::optional<Identity> identity;
    Capabilities capabilities = Capabilities::dropped;
    /// What the child gets when its parent dies.
    int death_signal = 9;  // SIGKILL
};

/// Copied for the child; null: /dev/null.
struct Streams {
    const Descriptor* input = nullptr;
    const Descriptor* output = nullptr;  ///< standard output and standard error
};

/// How a process ended.
class ExitStatus {
  public:
    explicit ExitStatus(int wait_status) : wait_status_(wait_status) {}
    /// As a shell has it: 128 + the signal where one ended it.
    int code() const;
    /// `exit status 1`, `signal 9 (Killed)`.
    std::string text() const;

  private:
    int wait_status_;
};

class ChildProcess {
  public:
    /// Returns once the program runs. Errors: file_error, with the program and the cause.
    static Result<ChildProcess> start(const Command& command, const Streams& streams);

    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&&) = delete;
    /// SIGKILL, unless it has ended.
    ~ChildProcess();

    /// -1 once it has ended and was waited for.
    pid_t id() const { return pid_; }
    bool running();
    /// Waits until it ends.
    ExitStatus wait();
    /// Sends `signal` and waits; after `patience` SIGKILL. One that has ended already keeps its own status.
    ExitStatus end(int signal, std::chrono::milliseconds patience);

  private:
    explicit ChildProcess(pid_t pid) : pid_(pid) {}
    /// False where it has not ended and `options` are not to wait for it.
    bool reap(int options);

    pid_t pid_;
    int wait_status_ = 0;
};

struct CommandResult {
    int exit_code = 0;   ///< ExitStatus::code()
    std::string output;  ///< what it wrote to its output, at most 64 KiB
};

/// Runs a command without input to its end. Errors: those of ChildProcess::start().
Result<CommandResult> run_command(const Command& command);

}  // namespace photogate
