// Waking is separate from writing: a NOTIFY inside each commit would cost more than two thirds of the
// throughput.
//
// signal() wakes this process at once and has the other gateways told within 20 ms, by one NOTIFY for all
// that came meanwhile, on a connection of its own. A LISTEN connection hears the others, is tried every five
// seconds, and listens again after a loss. Both are hints: a waiting caller also polls.
//
// Of versions of images that are ready or given up their tags are told (version_store.hpp), so that a gateway asks again for
// those alone that somebody waits for there.
//
// Thread safety: any thread. stop() ends every wait for good.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "storage/database/connection_pool.hpp"

namespace photogate::storage::records {

/// What a wake-up ends the waiting for early. `apps`: an operator changed apps or keys.
enum class Work { jobs, callbacks, apps };

class Wakeups {
  public:
    /// `options` have the statements of this module. `origin` tells our own notifications from others'. `leave_server` is called where the server turns out
    /// to be one that can only be read: readers alone would never notice.
    Wakeups(database::ConnectionOptions options, std::string origin, std::function<void()> leave_server);
    ~Wakeups();

    /// There is new work: told to everyone.
    void signal(Work kind);
    /// There may be more of it: told to this process alone.
    void signal_here(Work kind);
    void wait(Work kind, std::chrono::milliseconds timeout);
    /// To the other gateways. More than 256 between two notifications are told as `*`.
    void tell_version(std::string tag);
    /// What others told since the last call; `*`: any version. One thread.
    std::vector<std::string> wait_for_versions(std::chrono::milliseconds timeout);
    void stop();

  private:
    struct Waiting {
        std::uint64_t signals = 0;
        bool remembered = false;  // a signal that came while no thread waited
        bool to_tell = false;     // to the others
    };

    Waiting& of(Work kind) { return waiting_[static_cast<std::size_t>(kind)]; }
    bool pause(std::chrono::milliseconds time);
    void heard_versions(std::string_view payload);
    void tell_others();
    void listen();
    void listen_until_lost();

    const database::ConnectionOptions options_;
    const std::string origin_;
    const std::function<void()> leave_server_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::array<Waiting, 3> waiting_;
    std::vector<std::string> versions_to_tell_, versions_heard_;
    bool waits_are_over_ = false;
    bool stopping_ = false;
    database::Connection* listening_ = nullptr;
    std::thread teller_, listener_;  // last: they use what is above
};

}  // namespace photogate::storage::records
