// Requests that wait for something to become so of an upload, without a thread each: its end (`?wait=`), or
// the removal of its objects (DELETE).
//
// What happens in this process wakes its waiters at once; what another gateway does is seen at the next look
// into the records. Each waiter is answered once: when it is so, or when its time is over, with the upload as
// it then is.
//
// Thread safety: any thread. Answers run on the waiters' own thread or on the one that calls finished() or
// settled(); they must be quick.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/result.hpp"
#include "storage/records/records.hpp"

namespace photogate::gateway::routes {

/// What a request waits for.
enum class Until {
    ended,  ///< its state is final
    gone,   ///< … and nothing is left to be done: what was to be removed from the store is removed
};

/// How its waiting ended.
enum class Waited { fulfilled, timed_out };

class Waiters {
  public:
    /// `timed_out` comes too where the records could not be asked.
    using Answer = std::function<void(Result<model::Upload>, Waited)>;

    struct Wait {
        UploadId id;
        Until until = Until::ended;
        std::chrono::seconds at_most{};
    };

    explicit Waiters(storage::records::Records& records,
                     std::chrono::milliseconds look_every = std::chrono::milliseconds{500});
    ~Waiters();
    Waiters(const Waiters&) = delete;
    Waiters& operator=(const Waiters&) = delete;

    void wait(Wait what, Answer answer);
    /// An upload's state became final here.
    void finished(const model::Upload& upload);
    /// An object was removed here, or put where it stays. Asks the records only where somebody waits.
    void settled(const UploadId& id);
    /// Answers all that wait, and whoever comes later, with what is there: before a shutdown.
    void release_all();
    std::size_t waiting() const;

  private:
    struct Waiter {
        Until until;
        std::chrono::steady_clock::time_point deadline;
        Answer answer;
        bool looked_at = false;
    };
    void look();
    void look_at(const UploadId& id);

    storage::records::Records& records_;
    std::chrono::milliseconds look_every_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::multimap<UploadId, Waiter> waiters_;
    bool arrived_ = false;    ///< a waiter that was not looked at yet
    bool releasing_ = false;  ///< nobody waits any more
    bool stopping_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace photogate::gateway::routes
