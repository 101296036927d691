// Long-polling requests: they wait for an upload's or a package's end (`?wait=`), or for the removal of an upload's objects
// (DELETE), without a thread each. And streams of events, which wait for one change of it after the other.
//
// What happens in this process wakes its waiters at once; what another gateway does is seen at the next look
// into the records: one query for a few thousand of them. Each waiter is answered once: when what it waits for has happened, or when its time is
// over, with what it waited for as it then is. One whose client goes first is removed at once and never answered.
//
// Thread safety: any thread. Answers run on the waiters' own thread or on the one that calls finished() or
// settled(); they must be quick.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "gateway/access/client_places.hpp"
#include "gateway/http/abandonment.hpp"
#include "gateway/waiting/wait_subjects.hpp"

namespace photogate::gateway::waiting {

/// What a request waits for.
enum class Until {
    ended,  ///< its state is final
    gone,   ///< … and nothing is left to be done: what was to be removed from the store is removed
};

/// What a stream of events is told of what it follows.
enum class Followed {
    changed,    ///< or it is not there any more
    unchanged,  ///< all the time
};

/// How its waiting ended.
enum class Waited { fulfilled, timed_out };

template <class Subject>
class BasicWaiters {
  public:
    using Id = typename Subject::Id;
    using Value = typename Subject::Value;
    /// `timed_out` comes too where the records could not be asked.
    using Answer = std::function<void(Result<Value>, Waited)>;

    struct Wait {
        Id id;
        Until until = Until::ended;
        std::chrono::milliseconds at_most{};
        /// It is not fulfilled before.
        std::chrono::milliseconds at_least{};
    };

    /// One wait of a stream, for a row that is not what it was.
    struct Follow {
        Id id;
        Mark seen = 0;
        std::chrono::milliseconds at_most{};
    };
    using News = std::function<void(Followed)>;

    struct Options {
        access::PlaceLimits limits;
        std::chrono::milliseconds look_every{500};
        /// Between two looks at requests that have just begun to wait.
        std::chrono::milliseconds gather{20};
    };

    struct Counts {
        access::ClientPlaces::Counts places;
        std::uint64_t abandoned = 0;  ///< by their clients
        std::uint64_t evicted = 0;    ///< their connections were needed for others
    };

    /// One request that may wait, from enter() on. It is not answered twice, however answer and abandonment
    /// meet.
    class Waiter;

    /// `watch` outlives this.
    BasicWaiters(Watch<Subject>& watch, Options options);
    /// Those that wait here and those that wait for other subjects share `places`; of `options`, the limits are not looked at.
    BasicWaiters(Watch<Subject>& watch, Options options, access::ClientPlaces places);
    ~BasicWaiters();
    BasicWaiters(const BasicWaiters&) = delete;
    BasicWaiters& operator=(const BasicWaiters&) = delete;

    /// A place for a request that is about to wait, held until the Waiter is answered, abandoned or
    /// destroyed. Errors: those of ClientPlaces::take.
    Result<std::shared_ptr<Waiter>> enter(access::PlaceClient client);
    /// Once for each Waiter. One that was abandoned meanwhile does not wait, and is not answered.
    void wait(const std::shared_ptr<Waiter>& waiter, Wait what, Answer answer);
    /// Again and again, with one Waiter for the whole stream: its place is held between the calls, until it is abandoned or
    /// destroyed. `news` is called once for each; where the records could not be asked it is `unchanged`, when the time is over.
    void follow(const std::shared_ptr<Waiter>& waiter, Follow what, News news);
    /// For Responder::on_abandoned. Nothing happens where it was answered already.
    void abandon(const std::shared_ptr<Waiter>& waiter, http::Abandoned why);
    /// Its state became final here.
    void finished(const Value& subject);
    /// Something was done about it here: an object was removed, or put where it stays. Asks the records only if a request waits for it.
    void settled(const Id& id);
    /// Answers all that wait, and all that come later, at once: before a shutdown.
    void release_all();
    /// Whether release_all() was called.
    bool releasing() const;
    std::size_t waiting() const;
    Counts counts() const;
    /// To be shared with others.
    const access::ClientPlaces& places() const { return places_; }

  private:
    using Steady = std::chrono::steady_clock;
    using Listed = std::multimap<Id, std::shared_ptr<Waiter>>;
    using Ended = std::map<Id, bool>;  ///< those in a final state; true where they have jobs
    struct Answering;

    void look();
    /// Under the mutex: which ones to read now, and when to look again.
    std::vector<Id> due(Steady::time_point now, bool everyone, Steady::time_point& next);
    void check(const std::vector<Id>& ids);
    void check_batch(const std::vector<Id>& ids);
    void check_followed(const std::vector<Id>& ids);
    /// Under the mutex: takes those of `id` off the list for whom `told` has something, with what each is told.
    template <class Told>
    void collect_news(const Id& id, Told told, std::vector<std::pair<News, Followed>>& news);
    void add(const std::shared_ptr<Waiter>& waiter, const Id& id);
    /// Reads `ids` and answers those of their waiters that `ended` or their time concerns.
    void answer(const std::vector<Id>& ids, const Ended& ended);
    static bool is_fulfilled(const Waiter& waiter, const Ended& ended, const Id& id);
    void answer_all(const std::vector<Id>& ids, const Error& error);
    /// Under the mutex: takes it off the list and gives its place back. The answer, for its caller to use or
    /// to drop without the mutex.
    Answer remove(typename Listed::iterator waiter);

    Watch<Subject>& watch_;
    const std::chrono::milliseconds look_every_;
    const std::chrono::milliseconds gather_;
    access::ClientPlaces places_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Listed waiters_;
    std::uint64_t abandoned_ = 0;
    std::uint64_t evicted_ = 0;
    bool arrived_ = false;    ///< a waiter that was not looked at yet
    bool releasing_ = false;  ///< no request may wait any more
    bool stopping_ = false;
    std::thread thread_;  // last: it uses all of the above
};

using Waiters = BasicWaiters<UploadSubject>;
using PackageWaiters = BasicWaiters<PackageSubject>;
extern template class BasicWaiters<UploadSubject>;
extern template class BasicWaiters<PackageSubject>;

}  // namespace photogate::gateway::waiting
