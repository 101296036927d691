// One `photogate-imager`: started with nothing of ours but a socket, watched, killed and reaped with this object.
//
// A ChildProcess with an empty environment, whose descriptors are the socket (0) and a pipe (1 and 2) that we
// read, never block on and cut. It dies with the thread that started it (PR_SET_PDEATHSIG is by thread): start
// it from one that lives as long.
// Thread safety: one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/child_process.hpp"
#include "base/result.hpp"
#include "imaging/channel.hpp"
#include "imaging/jail_report.hpp"

namespace photogate::imaging {

struct ImagerProcessOptions {
    std::filesystem::path program;
    std::uint64_t address_space = 0;  ///< bytes
    std::chrono::milliseconds start_up{30'000};
    Sandbox sandbox = Sandbox::required;
    std::vector<std::string> fonts;  ///< files
};

class ImagerProcess {
  public:
    /// Waits for the worker process's hello. Errors: imager_unavailable, with what it said, or with the holes in its
    /// jail where those are refused.
    static Result<std::unique_ptr<ImagerProcess>> start(const ImagerProcessOptions& options);

    Channel& channel() { return channel_; }
    /// Becomes readable when the process ends.
    int watch() const { return watch_.get(); }
    bool alive() const;
    /// What it found out about its jail before its first task.
    const JailReport& jail() const { return jail_; }
    /// 0 where it is not known.
    std::uint64_t resident_bytes() const;
    /// That all its threads have used since it began; 0 where it is not known.
    std::chrono::nanoseconds processor_time() const;
    /// Kills it (a stopped one too) and waits for its end. What it died of, as words: `signal 9 (Killed)`,
    /// `exit status 1`.
    std::string end();
    /// The last it wrote to its standard error, at most 16 KiB, valid UTF-8.
    std::string last_words();

  private:
    ImagerProcess(ChildProcess child, Descriptor watch, Channel channel, Descriptor words)
        : child_(std::move(child)),
          watch_(std::move(watch)),
          channel_(std::move(channel)),
          words_(std::move(words)) {}

    ChildProcess child_;
    Descriptor watch_;
    Channel channel_;
    Descriptor words_;
    Descriptor statm_;
    JailReport jail_;
    std::string heard_;
};

}  // namespace photogate::imaging
