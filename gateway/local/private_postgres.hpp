// A PostgreSQL of photogate's own, for one machine: a cluster in a folder, reached by a Unix socket alone.
//
// The machine's own clusters are not touched. The data stays over runs; fsync is on. PostgreSQL refuses to
// run as root, so for root it runs as the user `postgres`, or `nobody`, and where that user can't pass to the
// folder (below /root) the data are kept in /var/tmp/photogate-<uid>-<hash of the folder>. Of the folder only
// `data` and `socket` are given to that user; the folder itself, its lock and its log stay root's, and a
// folder that version 0.1 gave away is taken back (base/owned_folder.hpp has the rules).
//
// It ends with this object (a fast shutdown), and also where this process is killed: the kernel then tells
// it, and the next start waits until it is gone.
//
// Thread safety: made and destroyed on the main thread (base/child_process.hpp says why); url() from any.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace photogate::gateway::local {

class PrivatePostgres {
  public:
    /// Where another photogate runs this folder's: its own is the only one that may, or this one only looks.
    enum class Sharing { refused, allowed };

    /// Makes the cluster where there is none, starts it with the programs of its version and waits until it
    /// answers. Errors: database_unavailable (PostgreSQL, or its version of it, is not installed, or does not
    /// start), store_in_use (another
    /// photogate runs on this folder), store_full (its disk has no room), file_error (the folder can't be
    /// made), invalid_configuration (its path is too long). Each says what to do.
    static Result<std::unique_ptr<PrivatePostgres>> start(const std::filesystem::path& folder,
                                                          Sharing sharing = Sharing::refused);

    /// Whether another photogate runs the cluster of this folder. Makes nothing.
    static bool is_running(const std::filesystem::path& folder);
    /// Whether there is a cluster in this folder. Makes nothing.
    static bool exists(const std::filesystem::path& folder);

    ~PrivatePostgres();
    PrivatePostgres(const PrivatePostgres&) = delete;
    PrivatePostgres& operator=(const PrivatePostgres&) = delete;

    /// `postgresql://photogate@/photogate?host=<socket folder>`
    const std::string& url() const;

  private:
    struct State;
    explicit PrivatePostgres(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace photogate::gateway::local
