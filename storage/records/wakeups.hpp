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
// Gateways also tell one another who sends an upload now (storage/chunks/handover_channel.hpp): short texts, which somebody
// hears as they come.
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
    /// Whether others can be heard at all: not behind a pooler.
    bool hears() const { return options_.pooler == database::Pooler::none; }
    /// As which the others know this process.
    const std::string& origin() const { return origin_; }
    /// To the other gateways: a text without spaces, of 200 bytes at the most. It is lost where they can't be told, and where
    /// kMostTexts wait to be told.
    void tell_transfer(std::string text);
    static constexpr std::size_t kMostTexts = 4096;
    /// `hear` is called on the listening thread with what others told, and must not block. Null: nothing is heard any more, and
    /// no call is under way when this returns.
    using Hear = std::function<void(const std::string& origin, const std::string& text)>;
    void hear_transfers(Hear hear);
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
    void heard_transfers(std::string_view payload);
    void tell_others();
    void listen();
    void listen_until_lost();

    const database::ConnectionOptions options_;
    const std::string origin_;
    const std::function<void()> leave_server_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::array<Waiting, 3> waiting_;
    std::vector<std::string> versions_to_tell_, versions_heard_, transfers_to_tell_;
    std::mutex hear_mutex_;  // never taken while the other is held
    Hear hear_;
    bool waits_are_over_ = false;
    bool stopping_ = false;
    database::Connection* listening_ = nullptr;
    std::thread teller_, listener_;  // last: they use what is above
};

}  // namespace photogate::storage::records
