// Requests that wait for an upload's end (`?wait=`), without a thread each.
//
// An end in this process wakes its waiters at once; one in another gateway is seen at the next look into the
// records. Each waiter is answered once: at the end, or when its time is over, with the upload as it then is.
//
// Thread safety: any thread. Callbacks run on the waiters' own thread or on the one that calls finished();
// they must be quick.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "storage/records/records.hpp"

namespace photogate::gateway::routes {

class Waiters {
  public:
    using Answer = std::function<void(Result<storage::records::Upload>)>;

    explicit Waiters(storage::records::Records& records,
                     std::chrono::milliseconds look_every = std::chrono::milliseconds{500});
    ~Waiters();
    Waiters(const Waiters&) = delete;
    Waiters& operator=(const Waiters&) = delete;

    void wait(const UploadId& id, std::chrono::seconds at_most, Answer answer);
    /// An upload's state became final here.
    void finished(const storage::records::Upload& upload);
    /// Answers all that wait, with what is there: before a shutdown.
    void release_all();
    std::size_t waiting() const;

  private:
    struct Waiter {
        std::chrono::steady_clock::time_point until;
        Answer answer;
    };
    void look();
    void look_at(const UploadId& id);

    storage::records::Records& records_;
    std::chrono::milliseconds look_every_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::multimap<UploadId, Waiter> waiters_;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace photogate::gateway::routes
