#include "gateway/routes/waiters.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace photogate::gateway::routes {

using model::Upload;

namespace {

/// Ids in one question, and whole uploads in one answer.
constexpr std::size_t kAsked = 4'096;
constexpr std::size_t kRead = 256;

template <class Each>
void in_batches(const std::vector<UploadId>& ids, std::size_t most, Each each) {
    for (std::size_t at = 0; at < ids.size(); at += most) {
        const auto first = ids.begin() + static_cast<std::ptrdiff_t>(at);
        each(std::vector<UploadId>(first,
                                   first + static_cast<std::ptrdiff_t>(std::min(most, ids.size() - at))));
    }
}

}  // namespace

/// All of it is under Waiters::mutex_.
class Waiters::Waiter {
  public:
    explicit Waiter(WaitPlaces::Place given) : place(std::move(given)) {}
    WaitPlaces::Place place;
    Until until = Until::ended;
    Steady::time_point deadline;
    Answer answer;
    bool looked_at = false;
    bool over = false;                        ///< answered or abandoned
    std::optional<Listed::iterator> in_list;  ///< while it waits
};

Waiters::Waiters(UploadWatch& watch, Options options)
    : watch_(watch),
      look_every_(options.look_every),
      gather_(options.gather),
      places_(options.limits),
      thread_([this] { look(); }) {}

Waiters::~Waiters() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = releasing_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

Result<std::shared_ptr<Waiters::Waiter>> Waiters::enter(WaitingClient client) {
    auto place = places_.take(std::move(client));
    if (!place) return fail(std::move(place.error()));
    return std::make_shared<Waiter>(std::move(*place));
}

void Waiters::wait(const std::shared_ptr<Waiter>& waiter, Wait what, Answer answer) {
    {
        std::lock_guard lock(mutex_);
        if (waiter->over) return;
        waiter->until = what.until;
        waiter->deadline = Steady::now() + what.at_most;
        waiter->answer = std::move(answer);
        waiter->in_list = waiters_.emplace(what.id, waiter);
        arrived_ = true;
    }
    changed_.notify_all();
}

void Waiters::abandon(const std::shared_ptr<Waiter>& waiter, http::Abandoned why) {
    Answer unused;  // destroyed after the lock: it owns the Responder
    std::lock_guard lock(mutex_);
    if (waiter->over) return;
    ++(why == http::Abandoned::evicted ? evicted_ : abandoned_);
    if (waiter->in_list) {
        unused = remove(*waiter->in_list);
    } else {
        waiter->over = true;
        waiter->place = {};
    }
}

Waiters::Answer Waiters::remove(Listed::iterator listed) {
    const std::shared_ptr<Waiter> waiter = std::move(listed->second);
    waiters_.erase(listed);
    waiter->in_list.reset();
    waiter->over = true;
    waiter->place = {};
    return std::exchange(waiter->answer, nullptr);
}

void Waiters::finished(const Upload& upload) {
    if (!is_final(upload.state)) return;
    std::vector<Answer> answers;
    {
        std::lock_guard lock(mutex_);
        const auto [first, last] = waiters_.equal_range(upload.id);
        for (auto each = first; each != last;) {
            const auto waiter = each++;
            if (waiter->second->until == Until::ended) answers.push_back(remove(waiter));
        }
    }
    for (auto& answer : answers)
        answer(upload, Waited::fulfilled);
}

void Waiters::settled(const UploadId& id) {
    {
        std::lock_guard lock(mutex_);
        if (!waiters_.contains(id)) return;
    }
    check({id});
}

void Waiters::check(const std::vector<UploadId>& ids) {
    in_batches(ids, kAsked, [this](const auto& batch) { check_batch(batch); });
}

void Waiters::check_batch(const std::vector<UploadId>& ids) {
    const auto found = watch_.ended(ids);
    if (!found) return answer_all(ids, found.error());
    Ended ended;
    for (const auto& upload : *found)
        ended.emplace(upload.id, upload.has_jobs);
    std::vector<UploadId> wanted;
    {
        std::lock_guard lock(mutex_);
        const auto now = Steady::now();
        for (const auto& id : ids) {
            const auto [first, last] = waiters_.equal_range(id);
            const bool any = std::any_of(first, last, [&](const auto& listed) {
                return releasing_ || listed.second->deadline <= now ||
                       is_fulfilled(*listed.second, ended, id);
            });
            if (any) wanted.push_back(id);
        }
    }
    in_batches(wanted, kRead, [&](const auto& batch) { answer(batch, ended); });
}

bool Waiters::is_fulfilled(const Waiter& waiter, const Ended& ended, const UploadId& id) {
    const auto found = ended.find(id);
    return found != ended.end() && (waiter.until == Until::ended || !found->second);
}

struct Waiters::Answering {
    Answer answer;
    Result<Upload> upload;
    Waited waited;
};

void Waiters::answer(const std::vector<UploadId>& ids, const Ended& ended) {
    const auto uploads = watch_.read(ids);
    if (!uploads) return answer_all(ids, uploads.error());
    std::vector<Answering> answers;
    {
        std::lock_guard lock(mutex_);
        const auto now = Steady::now();
        for (const auto& id : ids) {
            const auto upload = std::find_if(uploads->begin(), uploads->end(),
                                             [&](const Upload& each) { return each.id == id; });
            const auto [first, last] = waiters_.equal_range(id);
            for (auto each = first; each != last;) {
                const auto listed = each++;
                const Waiter& waiter = *listed->second;
                const bool fulfilled = is_fulfilled(waiter, ended, id);
                if (!fulfilled && waiter.deadline > now && !releasing_) continue;
                Result<Upload> found = fail(ErrorCode::upload_not_found, "there is no such upload");
                if (upload != uploads->end()) found = *upload;
                answers.push_back(
                    {remove(listed), std::move(found), fulfilled ? Waited::fulfilled : Waited::timed_out});
            }
        }
    }
    for (auto& each : answers)
        each.answer(std::move(each.upload), each.waited);
}

void Waiters::answer_all(const std::vector<UploadId>& ids, const Error& error) {
    std::vector<Answer> answers;
    {
        std::lock_guard lock(mutex_);
        for (const auto& id : ids) {
            const auto [first, last] = waiters_.equal_range(id);
            for (auto each = first; each != last;)
                answers.push_back(remove(each++));
        }
    }
    for (auto& answer : answers)
        answer(tl::unexpected(error), Waited::timed_out);
}

std::vector<UploadId> Waiters::due(Steady::time_point now, bool everyone, Steady::time_point& next) {
    std::vector<UploadId> ids;
    for (auto& [id, waiter] : waiters_) {
        // Who has just come is looked at soon: the upload may have ended between request and waiting.
        if (everyone || !waiter->looked_at || waiter->deadline <= now) {
            if (ids.empty() || !(ids.back() == id)) ids.push_back(id);
        } else {
            next = std::min(next, waiter->deadline);
        }
        waiter->looked_at = true;
    }
    return ids;
}

void Waiters::look() {
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

void Waiters::release_all() {
    std::vector<UploadId> ids;
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

std::size_t Waiters::waiting() const {
    std::lock_guard lock(mutex_);
    return waiters_.size();
}

Waiters::Counts Waiters::counts() const {
    std::lock_guard lock(mutex_);
    return {places_.counts(), abandoned_, evicted_};
}

}  // namespace photogate::gateway::routes
