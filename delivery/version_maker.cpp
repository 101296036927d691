#include "delivery/version_maker.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace photogate::delivery {

using storage::records::StoredVersion;
using storage::records::VersionElsewhere;

namespace {

constexpr std::chrono::seconds kComeBack{2};
constexpr std::chrono::seconds kIdle{3'600};

Error busy(ErrorCode code, std::string detail) {
    return Error{code, std::move(detail), {}, kComeBack};
}

}  // namespace

/// Under VersionMaker::mutex_.
class VersionMaker::Place {
  public:
    std::optional<Name> name;  ///< since it waits
    bool left = false;
};

/// All of it is under VersionMaker::mutex_, but `order`, which does not change.
struct VersionMaker::Flight {
    struct Waiting {
        Steady::time_point deadline;
        Answer answer;
        PlacePtr place;
    };
    explicit Flight(VersionOrder given) : order(std::move(given)) {}
    const VersionOrder order;
    std::vector<Waiting> waiting;
    bool attempting = true;          ///< on the pool; otherwise another gateway is at it
    Steady::time_point ask_again{};  ///< of a flight that is not attempting
};

struct VersionMaker::Answering {
    std::vector<Answer> answers;
    Result<StoredVersion> outcome;
    void give() {
        for (auto& answer : answers)
            answer(outcome);
    }
};

VersionMaker::VersionMaker(Attempt attempt, Submit submit, Options options)
    : attempt_(std::move(attempt)), submit_(std::move(submit)), options_(options) {
    if (options_.looking == Looking::by_itself) looker_ = std::thread([this] { keep_looking(); });
}

VersionMaker::~VersionMaker() {
    std::map<Name, std::shared_ptr<Flight>> left;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        left.swap(flights_);
    }
    changed_.notify_all();
    if (looker_.joinable()) looker_.join();
    for (auto& [name, flight] : left)
        for (auto& waiting : flight->waiting)
            waiting.answer(fail(busy(ErrorCode::unavailable, "the gateway is being shut down")));
}

std::optional<Error> VersionMaker::refusal(const AppName& app) const {
    if (flights_.size() >= options_.most_making)
        return busy(ErrorCode::overloaded, "too many images are being made; ask again");
    const auto own = of_apps_.find(app);
    if (own != of_apps_.end() && own->second >= options_.most_making_per_app)
        return busy(ErrorCode::rate_limited, "too many images of this app are being made; ask again");
    return std::nullopt;
}

VersionMaker::PlacePtr VersionMaker::place() {
    return std::make_shared<Place>();
}

void VersionMaker::make(VersionOrder order, Answer answer, PlacePtr place) {
    const auto name = order.name();
    std::optional<Error> refused;
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        if (place && place->left) return;
        auto found = flights_.find(name);
        if (stopping_) {
            refused = busy(ErrorCode::unavailable, "the gateway is being shut down");
        } else if (counts_.waiting >= options_.most_waiting) {
            refused = busy(ErrorCode::overloaded, "too many requests wait for images to be made; ask again");
        } else if (found == flights_.end()) {
            refused = refusal(order.source.app);
        }
        if (refused) {
            ++counts_.refused;
        } else {
            if (found == flights_.end()) {
                first = true;
                ++of_apps_[order.source.app];
                found = flights_.emplace(name, std::make_shared<Flight>(std::move(order))).first;
            }
            if (place) place->name = name;
            found->second->waiting.push_back(
                {Steady::now() + options_.patience, std::move(answer), std::move(place)});
            ++counts_.waiting;
            news_ = true;
        }
    }
    if (refused) return answer(fail(std::move(*refused)));
    changed_.notify_all();
    if (first) start(name);
}

void VersionMaker::begin(VersionOrder order) {
    {
        const std::lock_guard lock(mutex_);
        if (flights_.contains(order.name())) return;
    }
    make(std::move(order), [](const Result<StoredVersion>&) {});
}

void VersionMaker::heard(const std::vector<std::string>& tags) {
    if (tags.empty()) return;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [name, flight] : flights_) {
            if (flight->attempting) continue;
            const auto tag = storage::records::tag_of(name);
            const bool is_meant = std::any_of(tags.begin(), tags.end(), [&](const std::string& told) {
                return told == tag || told == storage::records::kAnyVersion;
            });
            if (is_meant) flight->ask_again = {};
        }
        news_ = true;
    }
    changed_.notify_all();
}

void VersionMaker::leave(const PlacePtr& place) {
    Answer unread;  // destroyed after the mutex is free: it holds what its request holds
    const std::lock_guard lock(mutex_);
    place->left = true;
    if (!place->name) return;
    const auto found = flights_.find(*place->name);
    if (found == flights_.end()) return;
    auto& waiting = found->second->waiting;
    const auto own =
        std::find_if(waiting.begin(), waiting.end(), [&](const auto& each) { return each.place == place; });
    if (own == waiting.end()) return;
    unread = std::move(own->answer);
    waiting.erase(own);
    --counts_.waiting;
    ++counts_.left;
}

bool VersionMaker::is_wanted(const Name& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = flights_.find(name);
    return found != flights_.end() && !found->second->waiting.empty();
}

/// Without the mutex: the pool may run it at once.
void VersionMaker::start(const Name& name) {
    if (auto taken = submit_([this, name] { run(name); }); !taken) {
        auto error = std::move(taken.error());
        if (!error.retry_after) error.retry_after = kComeBack;
        land(name, std::move(error));
    }
}

void VersionMaker::run(const Name& name) {
    std::shared_ptr<Flight> flight;
    auto deadline = Steady::time_point::min();
    {
        const std::lock_guard lock(mutex_);
        const auto found = flights_.find(name);
        if (found == flights_.end()) return;
        flight = found->second;
        for (const auto& waiting : flight->waiting)
            deadline = std::max(deadline, waiting.deadline);
    }
    // While it waited for a thread, whoever asked was answered, or went.
    if (deadline == Steady::time_point::min()) return land(name, VersionRenderer::Unwanted{});
    land(name, attempt_(flight->order, deadline, [this, &name] { return is_wanted(name); }));
}

void VersionMaker::land(const Name& name, VersionRenderer::Attempt outcome) {
    std::optional<Answering> answering;
    bool again = false;
    {
        const std::lock_guard lock(mutex_);
        const auto found = flights_.find(name);
        if (found == flights_.end()) return;
        auto& flight = *found->second;
        const bool unwanted = std::holds_alternative<VersionRenderer::Unwanted>(outcome);
        // Somebody came while it was being left.
        again = unwanted && !flight.waiting.empty() && !stopping_;
        const auto* elsewhere = std::get_if<VersionElsewhere>(&outcome);
        if (again) {
            flight.attempting = true;
        } else if (elsewhere && !flight.waiting.empty()) {
            flight.attempting = false;
            flight.ask_again = Steady::now() +
                               std::clamp(elsewhere->until, std::chrono::milliseconds{1}, options_.ask_again);
        } else {
            auto* stored = std::get_if<StoredVersion>(&outcome);
            auto* error = std::get_if<Error>(&outcome);
            if (stored) ++counts_.made;
            if (error) ++counts_.failed;
            if (unwanted) ++counts_.dropped;
            answering.emplace();
            if (stored) answering->outcome = std::move(*stored);
            if (error) answering->outcome = fail(std::move(*error));
            for (auto& waiting : flight.waiting)
                answering->answers.push_back(std::move(waiting.answer));
            counts_.waiting -= flight.waiting.size();
            const auto app = of_apps_.find(flight.order.source.app);
            if (app != of_apps_.end() && --app->second == 0) of_apps_.erase(app);
            flights_.erase(found);
        }
        news_ = true;
    }
    changed_.notify_all();
    if (answering) answering->give();
    if (again) start(name);
}

VersionMaker::Steady::time_point VersionMaker::look(Steady::time_point now) {
    std::vector<Answer> late;
    std::vector<Name> again;
    auto next = now + kIdle;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [name, flight] : flights_) {
            auto& waiting = flight->waiting;
            const auto over = std::stable_partition(waiting.begin(), waiting.end(),
                                                    [&](const auto& each) { return each.deadline > now; });
            for (auto each = over; each != waiting.end(); ++each)
                late.push_back(std::move(each->answer));
            waiting.erase(over, waiting.end());
            for (const auto& each : waiting)
                next = std::min(next, each.deadline);
            if (flight->attempting) continue;
            if (flight->ask_again <= now || waiting.empty()) {
                flight->attempting = true;
                again.push_back(name);
            } else {
                next = std::min(next, flight->ask_again);
            }
        }
        counts_.waiting -= late.size();
        counts_.timed_out += late.size();
    }
    for (auto& answer : late)
        answer(fail(busy(ErrorCode::unavailable, "the image is still being made; ask again")));
    for (const auto& name : again)
        start(name);
    return next;
}

void VersionMaker::keep_looking() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        news_ = false;
        lock.unlock();
        const auto next = look(Steady::now());
        lock.lock();
        // Whoever comes, and whatever lands, may have something earlier.
        changed_.wait_until(lock, next, [this] { return stopping_ || news_; });
    }
}

VersionMaker::Counts VersionMaker::counts() const {
    const std::lock_guard lock(mutex_);
    auto counts = counts_;
    counts.making = flights_.size();
    return counts;
}

}  // namespace photogate::delivery
