// Versions that are asked for and do not exist yet: each is made once, however many ask, without a thread each.
//
// In this process all who ask for one version share one attempt. Where another gateway makes it, the records are
// asked again when that has ended, as news tells, and every so often. Whoever has waited until the deadline is answered, while the attempt goes on for those
// who come back. Whoever goes gives up its place; what nobody waits for any more and no worker process has yet is left.
// What is under way is bounded, in all and for each app, and more is refused at once.
//
// Thread safety: any thread. Answers are given on the pool's threads, on the maker's own, or before make() returns;
// they must be quick, and may call make().
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/words.hpp"
#include "delivery/version_renderer.hpp"

namespace photogate::delivery {

class VersionMaker {
  public:
    using Steady = std::chrono::steady_clock;
    using Answer = std::function<void(Result<storage::records::StoredVersion>)>;
    /// One attempt; blocking. VersionRenderer::attempt(), or a test's.
    using Attempt = std::function<VersionRenderer::Attempt(const VersionOrder&, Steady::time_point deadline,
                                                           const VersionRenderer::Wanted&)>;
    /// Of somebody who asks: to make() it is where they wait, to leave() it says who goes.
    class Place;
    using PlacePtr = std::shared_ptr<Place>;
    static PlacePtr place();
    /// Runs it on a thread of a pool, or refuses at once.
    using Submit = std::function<Result<>(std::function<void()>)>;
    enum class Looking { by_itself, by_hand };

    struct Options {
        std::size_t most_making = 64;  ///< versions under way
        std::size_t most_making_per_app = 32;
        std::size_t most_waiting = 1'024;            ///< requests
        std::chrono::milliseconds patience{10'000};  ///< of a request
        std::chrono::milliseconds ask_again{250};    ///< where another gateway makes it
        Looking looking = Looking::by_itself;        ///< by_hand: a test calls look()
    };

    struct Counts {
        std::size_t making = 0;
        std::size_t waiting = 0;
        std::uint64_t made = 0;  ///< here or elsewhere, while somebody waited
        std::uint64_t failed = 0;
        std::uint64_t refused = 0;    ///< requests, for want of room
        std::uint64_t timed_out = 0;  ///< requests
        std::uint64_t left = 0;       ///< requests whose client went
        std::uint64_t dropped = 0;    ///< versions that were left because nobody waited
    };

    VersionMaker(Attempt attempt, Submit submit, Options options);
    /// No attempt is under way any more: the pool has been joined. Answers all who still wait.
    ~VersionMaker();
    VersionMaker(const VersionMaker&) = delete;
    VersionMaker& operator=(const VersionMaker&) = delete;

    /// Errors that `answer` is given: overloaded, rate_limited (the app's share is used up) and unavailable (the
    /// deadline), each with retry_after; those of VersionRenderer::attempt().
    void make(VersionOrder order, Answer answer, PlacePtr place = nullptr);
    /// As make(), for nobody in particular: it is made if there is room, and given up after the patience of a request.
    /// Nothing where it is being made already.
    void begin(VersionOrder order);
    /// What storage::records::VersionStore::wait_for_news() gave: those of them that another gateway is at are asked for again.
    void heard(const std::vector<std::string>& tags);
    /// Before, after or while it waits: its answer is not given any more, unless that is under way. Destroys it.
    void leave(const PlacePtr& place);
    /// Answers whoever's time is over, and asks again where another gateway is at it. When to look next.
    Steady::time_point look(Steady::time_point now);
    Counts counts() const;

  private:
    using Name = storage::records::VersionName;
    struct Flight;
    struct Answering;
    std::optional<Error> refusal(const AppName& app) const;
    void start(const Name& name);
    void run(const Name& name);
    bool is_wanted(const Name& name) const;
    void land(const Name& name, VersionRenderer::Attempt outcome);
    void keep_looking();

    const Attempt attempt_;
    const Submit submit_;
    const Options options_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<Name, std::shared_ptr<Flight>> flights_;
    std::map<AppName, std::size_t> of_apps_;  ///< flights
    Counts counts_;
    bool news_ = false;  ///< since the looker looked
    bool stopping_ = false;
    std::thread looker_;  // last: it uses what is above
};

}  // namespace photogate::delivery
