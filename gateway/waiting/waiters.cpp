#include "gateway/waiting/waiters.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace photogate::gateway::waiting {

namespace {

/// Ids in one question, and whole ones in one answer.
constexpr std::size_t kAsked = 4'096;
constexpr std::size_t kRead = 256;
constexpr access::PlaceWords kWaiting{"requests waiting", ", or ask without 'wait'"};

template <class Id, class Each>
void in_batches(const std::vector<Id>& ids, std::size_t most, Each each) {
    for (std::size_t at = 0; at < ids.size(); at += most) {
        const auto first = ids.begin() + static_cast<std::ptrdiff_t>(at);
        each(std::vector<Id>(first, first + static_cast<std::ptrdiff_t>(std::min(most, ids.size() - at))));
    }
}

}  // namespace

/// All of it is under mutex_.
template <class Subject>
class BasicWaiters<Subject>::Waiter {
  public:
    explicit Waiter(access::ClientPlaces::Place given) : place(std::move(given)) {}
    access::ClientPlaces::Place place;
    Until until = Until::ended;
    Steady::time_point deadline;
    Steady::time_point not_before;
    Answer answer;
    News news;      ///< in the place of `answer`, of a stream
    Mark seen = 0;  ///< by it
    bool looked_at = false;
    bool over = false;                                 ///< answered or abandoned
    std::optional<typename Listed::iterator> in_list;  ///< while it waits
};

template <class Subject>
BasicWaiters<Subject>::BasicWaiters(Watch<Subject>& watch, Options options)
    : BasicWaiters(watch, options, access::ClientPlaces{options.limits, kWaiting}) {}

template <class Subject>
BasicWaiters<Subject>::BasicWaiters(Watch<Subject>& watch, Options options, access::ClientPlaces places)
    : watch_(watch),
      look_every_(options.look_every),
      gather_(options.gather),
      places_(std::move(places)),
      thread_([this] { look(); }) {}

template <class Subject>
BasicWaiters<Subject>::~BasicWaiters() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = releasing_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

template <class Subject>
auto BasicWaiters<Subject>::enter(access::PlaceClient client) -> Result<std::shared_ptr<Waiter>> {
    auto place = places_.take(std::move(client));
    if (!place) return fail(std::move(place.error()));
    return std::make_shared<Waiter>(std::move(*place));
}

template <class Subject>
void BasicWaiters<Subject>::wait(const std::shared_ptr<Waiter>& waiter, Wait what, Answer answer) {
    {
        std::lock_guard lock(mutex_);
        if (waiter->over) return;
        waiter->until = what.until;
        const auto now = Steady::now();
        waiter->deadline = now + what.at_most;
        waiter->not_before = now + what.at_least;
        waiter->answer = std::move(answer);
        add(waiter, what.id);
    }
    changed_.notify_all();
}

template <class Subject>
void BasicWaiters<Subject>::follow(const std::shared_ptr<Waiter>& waiter, Follow what, News news) {
    {
        std::lock_guard lock(mutex_);
        if (waiter->over) return;
        waiter->not_before = Steady::now();
        waiter->deadline = waiter->not_before + what.at_most;
        // What it has seen was looked at when it was told so: the next round is soon enough.
        waiter->looked_at = waiter->looked_at && waiter->seen == what.seen;
        waiter->seen = what.seen;
        waiter->news = std::move(news);
        add(waiter, what.id);
    }
    changed_.notify_all();
}

template <class Subject>
void BasicWaiters<Subject>::add(const std::shared_ptr<Waiter>& waiter, const Id& id) {
    waiter->in_list = waiters_.emplace(id, waiter);
    arrived_ = arrived_ || !waiter->looked_at;
}

template <class Subject>
void BasicWaiters<Subject>::abandon(const std::shared_ptr<Waiter>& waiter, http::Abandoned why) {
    Answer unused;  // destroyed after the lock: it owns the Responder
    News untold;
    std::lock_guard lock(mutex_);
    if (waiter->over) return;
    untold = std::exchange(waiter->news, nullptr);
    ++(why == http::Abandoned::evicted ? evicted_ : abandoned_);
    if (waiter->in_list) {
        unused = remove(*waiter->in_list);
    } else {
        waiter->over = true;
        waiter->place = {};
    }
}

template <class Subject>
auto BasicWaiters<Subject>::remove(typename Listed::iterator listed) -> Answer {
    const std::shared_ptr<Waiter> waiter = std::move(listed->second);
    waiters_.erase(listed);
    waiter->in_list.reset();
    waiter->over = true;
    waiter->place = {};
    return std::exchange(waiter->answer, nullptr);
}

template <class Subject>
void BasicWaiters<Subject>::finished(const Value& subject) {
    if (!Subject::is_final(subject)) return;
    std::vector<Answer> answers;
    std::vector<std::pair<News, Followed>> news;
    {
        std::lock_guard lock(mutex_);
        collect_news(
            subject.id, [](const Waiter&) { return std::optional{Followed::changed}; }, news);
        const auto [first, last] = waiters_.equal_range(subject.id);
        for (auto each = first; each != last;) {
            const auto waiter = each++;
            if (waiter->second->answer && waiter->second->until == Until::ended)
                answers.push_back(remove(waiter));
        }
    }
    for (auto& answer : answers)
        answer(subject, Waited::fulfilled);
    for (auto& [tell, what] : news)
        tell(what);
}

template <class Subject>
void BasicWaiters<Subject>::settled(const Id& id) {
    {
        std::lock_guard lock(mutex_);
        if (!waiters_.contains(id)) return;
    }
    check({id});
}

template <class Subject>
void BasicWaiters<Subject>::check(const std::vector<Id>& ids) {
    std::vector<Id> awaited, followed;
    {
        std::lock_guard lock(mutex_);
        for (const auto& id : ids) {
            const auto [first, last] = waiters_.equal_range(id);
            const auto is_stream = [](const auto& listed) { return listed.second->news != nullptr; };
            if (std::any_of(first, last, is_stream)) followed.push_back(id);
            if (!std::all_of(first, last, is_stream)) awaited.push_back(id);
        }
    }
    in_batches(awaited, kAsked, [this](const auto& batch) { check_batch(batch); });
    in_batches(followed, kAsked, [this](const auto& batch) { check_followed(batch); });
}

template <class Subject>
template <class Told>
void BasicWaiters<Subject>::collect_news(const Id& id, Told told,
                                         std::vector<std::pair<News, Followed>>& news) {
    const auto [first, last] = waiters_.equal_range(id);
    for (auto each = first; each != last;) {
        const auto listed = each++;
        const auto waiter = listed->second;
        if (!waiter->news) continue;
        const auto what = told(*waiter);
        if (!what) continue;
        news.emplace_back(std::exchange(waiter->news, nullptr), *what);
        waiter->in_list.reset();
        waiters_.erase(listed);
    }
}

template <class Subject>
void BasicWaiters<Subject>::check_followed(const std::vector<Id>& ids) {
    const auto found = watch_.marks(ids);
    std::map<Id, Mark> marks;
    if (found) {
        for (const auto& each : *found)
            marks.emplace(each.id, each.mark);
    }
    std::vector<std::pair<News, Followed>> news;
    {
        std::lock_guard lock(mutex_);
        const auto now = Steady::now();
        for (const auto& id : ids) {
            const auto mark = marks.find(id);
            const auto told = [&](const Waiter& waiter) -> std::optional<Followed> {
                if (found && (mark == marks.end() || mark->second != waiter.seen)) return Followed::changed;
                if (releasing_ || waiter.deadline <= now) return Followed::unchanged;
                return std::nullopt;
            };
            collect_news(id, told, news);
        }
    }
    for (auto& [tell, what] : news)
        tell(what);
}

template <class Subject>
void BasicWaiters<Subject>::check_batch(const std::vector<Id>& ids) {
    const auto found = watch_.ended(ids);
    if (!found) return answer_all(ids, found.error());
    Ended ended;
    for (const auto& each : *found)
        ended.emplace(each.id, each.has_jobs);
    std::vector<Id> wanted;
    {
        std::lock_guard lock(mutex_);
        const auto now = Steady::now();
        for (const auto& id : ids) {
            const auto [first, last] = waiters_.equal_range(id);
            const bool any = std::any_of(first, last, [&](const auto& listed) {
                const Waiter& waiter = *listed.second;
                return waiter.answer &&
                       (releasing_ || waiter.deadline <= now || is_fulfilled(waiter, ended, id));
            });
            if (any) wanted.push_back(id);
        }
    }
    in_batches(wanted, kRead, [&](const auto& batch) { answer(batch, ended); });
}

template <class Subject>
bool BasicWaiters<Subject>::is_fulfilled(const Waiter& waiter, const Ended& ended, const Id& id) {
    const auto found = ended.find(id);
    return found != ended.end() && (waiter.until == Until::ended || !found->second) &&
           Steady::now() >= waiter.not_before;
}

template <class Subject>
struct BasicWaiters<Subject>::Answering {
    Answer answer;
    Result<Value> value;
    Waited waited;
};

template <class Subject>
void BasicWaiters<Subject>::answer(const std::vector<Id>& ids, const Ended& ended) {
    const auto values = watch_.read(ids);
    if (!values) return answer_all(ids, values.error());
    std::vector<Answering> answers;
    {
        std::lock_guard lock(mutex_);
        const auto now = Steady::now();
        for (const auto& id : ids) {
            const auto value = std::find_if(values->begin(), values->end(),
                                            [&](const Value& each) { return each.id == id; });
            const auto [first, last] = waiters_.equal_range(id);
            for (auto each = first; each != last;) {
                const auto listed = each++;
                const Waiter& waiter = *listed->second;
                if (!waiter.answer) continue;
                const bool fulfilled = is_fulfilled(waiter, ended, id);
                if (!fulfilled && waiter.deadline > now && !releasing_) continue;
                Result<Value> found = fail(Subject::absent());
                if (value != values->end()) found = *value;
                answers.push_back(
                    {remove(listed), std::move(found), fulfilled ? Waited::fulfilled : Waited::timed_out});
            }
        }
    }
    for (auto& each : answers)
        each.answer(std::move(each.value), each.waited);
}

template <class Subject>
void BasicWaiters<Subject>::answer_all(const std::vector<Id>& ids, const Error& error) {
    std::vector<Answer> answers;
    {
        std::lock_guard lock(mutex_);
        for (const auto& id : ids) {
            const auto [first, last] = waiters_.equal_range(id);
            for (auto each = first; each != last;) {
                const auto waiter = each++;
                if (waiter->second->answer) answers.push_back(remove(waiter));
            }
        }
    }
    for (auto& answer : answers)
        answer(tl::unexpected(error), Waited::timed_out);
}

template <class Subject>
auto BasicWaiters<Subject>::due(Steady::time_point now, bool everyone, Steady::time_point& next)
    -> std::vector<Id> {
    std::vector<Id> ids;
    for (auto& [id, waiter] : waiters_) {
        const auto first = std::min(waiter->not_before, waiter->deadline);
        if (now < first && !releasing_) {
            next = std::min(next, first);
            continue;
        }
        // Who has just come is looked at soon: it may have ended between request and waiting.
        if (everyone || !waiter->looked_at || waiter->deadline <= now) {
            if (ids.empty() || !(ids.back() == id)) ids.push_back(id);
        } else {
            next = std::min(next, waiter->deadline);
        }
        waiter->looked_at = true;
    }
    return ids;
}

template <class Subject>
void BasicWaiters<Subject>::look() {
    std::unique_lock lock(mutex_);
    auto next_round = Steady::now();
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !waiters_.empty(); });
        if (waiters_.empty()) return;
        const auto now = Steady::now();
        const bool everyone = releasing_ || now >= next_round;
        if (now >= next_round) next_round = now + look_every_;
        arrived_ = false;
        auto next = next_round;
        const auto ids = due(now, everyone, next);
        if (!ids.empty()) {
            lock.unlock();
            check(ids);
            lock.lock();
            // Whoever comes meanwhile shares the next question.
            changed_.wait_for(lock, gather_, [this] { return releasing_; });
            continue;
        }
        changed_.wait_until(lock, next, [this] { return releasing_ || arrived_; });
    }
}

template <class Subject>
void BasicWaiters<Subject>::release_all() {
    std::vector<Id> ids;
    {
        std::lock_guard lock(mutex_);
        releasing_ = true;
        for (const auto& [id, waiter] : waiters_) {
            if (ids.empty() || !(ids.back() == id)) ids.push_back(id);
        }
    }
    changed_.notify_all();
    check(ids);
}

template <class Subject>
bool BasicWaiters<Subject>::releasing() const {
    std::lock_guard lock(mutex_);
    return releasing_;
}

template <class Subject>
std::size_t BasicWaiters<Subject>::waiting() const {
    std::lock_guard lock(mutex_);
    return waiters_.size();
}

template <class Subject>
auto BasicWaiters<Subject>::counts() const -> Counts {
    std::lock_guard lock(mutex_);
    return {places_.counts(), abandoned_, evicted_};
}

template class BasicWaiters<UploadSubject>;
template class BasicWaiters<PackageSubject>;

}  // namespace photogate::gateway::waiting
