// One `photogate-imager`: started with nothing of ours but a socket, watched, killed and reaped.
//
// The worker process gets an empty environment, descriptor 0 (the socket), 1 and 2 (a pipe that we read, never block
// on and cut), its own session (Ctrl-C at a terminal is ours to handle) and default signal handling. It dies
// with the thread that started it (PR_SET_PDEATHSIG is by thread): start it from one that lives as long.
// Thread safety: one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <sys/types.h>

#include "base/result.hpp"
#include "imaging/channel.hpp"
#include "imaging/jail_report.hpp"

namespace photogate::imaging {

struct ImagerProcessOptions {
    std::filesystem::path program;
    std::uint64_t address_space = 0;  ///< bytes
    std::chrono::milliseconds start_up{30'000};
    Sandbox sandbox = Sandbox::required;
};

class ImagerProcess {
  public:
    /// Waits for the worker process's hello. Errors: imager_unavailable, with what it said, or with the holes in its
    /// jail where those are refused.
    static Result<std::unique_ptr<ImagerProcess>> start(const ImagerProcessOptions& options);
    /// Kills and reaps.
    ~ImagerProcess();
    ImagerProcess(const ImagerProcess&) = delete;
    ImagerProcess& operator=(const ImagerProcess&) = delete;

    Channel& channel() { return channel_; }
    /// Becomes readable when the process ends.
    int watch() const { return watch_.get(); }
    bool alive() const;
    /// What it found out about its jail before its first task.
    const JailReport& jail() const { return jail_; }
    /// 0 where it is not known.
    std::uint64_t resident_bytes() const;
    /// Kills it (a stopped one too) and waits for its end. What it died of, as words: `signal 9 (Killed)`,
    /// `exit status 1`.
    std::string end();
    /// The last it wrote to its standard error, at most 16 KiB, valid UTF-8.
    std::string last_words();

  private:
    ImagerProcess(pid_t process, Descriptor watch, Channel channel, Descriptor words)
        : process_(process),
          watch_(std::move(watch)),
          channel_(std::move(channel)),
          words_(std::move(words)) {}

    pid_t process_ = -1;  ///< ours to reap; -1 once reaped
    Descriptor watch_;
    Channel channel_;
    Descriptor words_;
    Descriptor statm_;
    JailReport jail_;
    std::string heard_;
    std::string cause_;
};

}  // namespace photogate::imaging
