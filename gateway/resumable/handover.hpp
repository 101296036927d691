// How an upload passes from the gateway that receives its bytes to another, where its client has come back.
//
// Who holds it there stores what it has and lets go, as between two connections of one process (holders.hpp). A gateway that
// says nothing is gone, or can't hear: it is waited for no longer than the first patience, and one that answers no longer than the
// second. The records' epoch keeps it from doing harm.
//
// Thread safety: every call from any thread. Callbacks run on a thread of the channel's or of this, and must not block.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "base/words.hpp"
#include "gateway/resumable/holders.hpp"
#include "storage/chunks/handover_channel.hpp"

namespace photogate::gateway::resumable {

class Handover {
  public:
    struct Patience {
        std::chrono::milliseconds first{300};  ///< until it says anything
        std::chrono::milliseconds then{2'000};
    };
    /// Both outlive this; what `holders` still calls afterwards uses the channel alone.
    Handover(Holders& holders, storage::chunks::HandoverChannel& channel)
        : Handover(holders, channel, Patience{}) {}
    Handover(Holders& holders, storage::chunks::HandoverChannel& channel, Patience patience);
    /// Calls what still waits.
    ~Handover();
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    /// As which the records name this gateway; empty: others can't ask it.
    const std::string& self() const { return self_; }
    /// Whether `gateway` is another one that can be asked.
    bool reaches(const std::string& gateway) const {
        return !gateway.empty() && !self_.empty() && gateway != self_;
    }
    /// Calls `then` once: when `gateway` has let the upload go, or after the patience.
    void ask(const std::string& gateway, const UploadId& upload, std::function<void()> then);

  private:
    using Steady = std::chrono::steady_clock;
    struct Waiting {
        std::string gateway;
        UploadId upload;
        Steady::time_point until;
        std::function<void()> then;
    };
    void hear(const storage::chunks::HandoverMessage& message);
    void release(const storage::chunks::HandoverMessage& message);
    void watch();

    Holders& holders_;
    storage::chunks::HandoverChannel& channel_;
    const Patience patience_;
    const std::string self_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<Waiting> waiting_;
    bool stopping_ = false;
    std::thread watch_;  ///< from the first question on
};

}  // namespace photogate::gateway::resumable
