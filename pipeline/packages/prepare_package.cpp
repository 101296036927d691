#include "pipeline/packages/prepare_package.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "packager/path_template.hpp"
#include "pipeline/jobs/persist.hpp"
#include "pipeline/packages/package_planner.hpp"

namespace photogate::pipeline::packages {
namespace {

using storage::packages::FoundUpload;
using storage::packages::Preparation;
using storage::packages::PreparedItem;
using storage::packages::UnpreparedItem;
using Again = NotMade::Again;
using Is = PreparedItem::Is;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kPage = 200;
/// Between two writes of what is done, which also learn whether the package is still wanted.
constexpr std::chrono::milliseconds kRecordEvery{500};
/// Until what could not be made now is looked at again.
constexpr std::chrono::seconds kSoonest{1}, kLatest{30};
/// Of a package whose app this gateway does not know.
constexpr std::chrono::milliseconds kForOthers{30'000};

Error error_of(ErrorCode code, std::string detail) {
    return Error{code, std::move(detail), {}, std::nullopt};
}

/// What concerns this gateway as a whole: the next item would fare no better.
bool is_general(ErrorCode code) {
    switch (code) {
        case ErrorCode::overloaded:
        case ErrorCode::imager_unavailable:
        case ErrorCode::store_unavailable:
        case ErrorCode::store_slow_down:
        case ErrorCode::database_unavailable:
            return true;
        default:
            return false;
    }
}

/// What will not be otherwise if it is planned again.
bool is_final(ErrorCode code) {
    return code == ErrorCode::package_too_large || code == ErrorCode::invalid_fields;
}

}  // namespace

/// The items of one package, made by several threads until all are done or the turn is over.
class PreparePackage::Walk {
  public:
    Walk(const Dependencies& dependencies, const model::Job& job, const Preparation& preparation,
         const model::App& app, const StopSignal& stop)
        : dependencies_(dependencies),
          job_(job),
          package_(preparation.package),
          content_(look_of(preparation.recipe).content),
          app_(app),
          stop_(stop),
          until_(Steady::now() + dependencies.options.turn) {}

    /// Errors: what ended it early, `gone` where the package is not wanted any more.
    Result<> run() {
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < dependencies_.options.items_at_once; ++i)
                threads.emplace_back([this] { make_some(); });
        }
        if (auto kept = keep(take_done()); !kept) end(std::move(kept.error()));
        if (error_) return fail(*error_);
        if (later_) return fail(*later_);
        if (!exhausted_) return fail(ErrorCode::unavailable, "its turn is over: others come first");
        return {};
    }
    std::size_t given_up() const { return given_up_; }
    std::size_t there() const { return there_; }

  private:
    std::optional<UnpreparedItem> next() {
        const std::lock_guard lock{mutex_};
        if (error_ || exhausted_ || stop_.stopped() || Steady::now() > until_) return std::nullopt;
        if (page_.empty()) {
            auto page = dependencies_.preparations.unprepared(package_, behind_, kPage);
            if (!page) {
                error_ = std::move(page.error());
                return std::nullopt;
            }
            exhausted_ = page->empty();
            if (exhausted_) return std::nullopt;
            behind_ = page->back().place;
            page_.assign(std::make_move_iterator(page->begin()), std::make_move_iterator(page->end()));
        }
        auto item = std::move(page_.front());
        page_.pop_front();
        return item;
    }

    void make_some() noexcept {
        try {
            while (const auto item = next()) {
                auto done = make(*item);
                if (!done) continue;
                if (auto kept = note(std::move(*done)); !kept) return end(std::move(kept.error()));
            }
        } catch (const std::exception& problem) {
            end(error_of(ErrorCode::internal, problem.what()));
        }
    }

    /// nullopt: it is still to be made, and nothing has to be recorded.
    std::optional<PreparedItem> make(const UnpreparedItem& item) {
        if (!item.upload || item.upload->state != model::UploadState::published || !item.upload->image)
            return PreparedItem{item.place, Is::given_up, std::string{to_string(ErrorCode::not_published)}};
        const auto profile = app_.profiles.find(item.upload->profile);
        // What can't be chosen is the planner's to say.
        const PreparedItem nothing_to_make{item.place};
        if (profile == app_.profiles.end()) return nothing_to_make;
        const auto& delivery = profile->second.delivery;
        if (content_.of == PackageContent::Of::variant && !delivery.variants.contains(content_.detail))
            return nothing_to_make;
        const auto spec = dependencies_.choose_version(content_, delivery, *item.upload);
        if (!spec || !*spec) return nothing_to_make;
        auto lacking = dependencies_.make_version({*item.upload, **spec, content_.of});
        if (!lacking) {
            failpoint::pass(failpoint::Point::after_package_item);
            return PreparedItem{item.place};
        }
        if (lacking->again == Again::never ||
            (lacking->again == Again::doubtful && item.attempts + 1 >= dependencies_.options.most_attempts)) {
            log::warn("package.item_given_up", {{"package", package_.id.str()},
                                                {"upload", item.upload->id.str()},
                                                {"code", to_string(lacking->why.code)},
                                                {"detail", lacking->why.detail}});
            return PreparedItem{item.place, Is::given_up, std::string{kNotMade}};
        }
        wait_for(std::move(lacking->why));
        if (lacking->again == Again::doubtful) return PreparedItem{item.place, Is::attempted};
        return std::nullopt;
    }

    void wait_for(Error why) {
        const std::lock_guard lock{mutex_};
        if (is_general(why.code) && !error_) error_ = why;
        const auto soon = [](const Error& error) { return error.retry_after.value_or(kSoonest); };
        if (!later_ || soon(why) < soon(*later_)) later_ = std::move(why);
    }
    void end(Error why) {
        const std::lock_guard lock{mutex_};
        if (!error_) error_ = std::move(why);
    }

    Result<> note(PreparedItem item) {
        std::vector<PreparedItem> done;
        {
            const std::lock_guard lock{mutex_};
            if (item.is == Is::given_up) ++given_up_;
            if (item.is == Is::done) ++there_;
            done_.push_back(std::move(item));
            const auto now = Steady::now();
            if (now - told_at_ < kRecordEvery) return {};
            told_at_ = now;
            done.swap(done_);
        }
        return keep(std::move(done));
    }
    std::vector<PreparedItem> take_done() {
        const std::lock_guard lock{mutex_};
        return std::exchange(done_, {});
    }
    Result<> keep(std::vector<PreparedItem> done) {
        if (done.empty()) return {};
        const auto wanted = jobs::persist(
            stop_, [&] { return dependencies_.preparations.record(job_.lease, package_.id, done); });
        if (!wanted) return fail(wanted.error());
        if (!*wanted) return fail(ErrorCode::gone, "the package is not wanted any more");
        return {};
    }

    const Dependencies& dependencies_;
    const model::Job& job_;
    const model::Package& package_;
    const PackageContent content_;
    const model::App& app_;
    const StopSignal& stop_;
    const Steady::time_point until_;

    std::mutex mutex_;
    std::deque<UnpreparedItem> page_;
    std::int64_t behind_ = -1;
    bool exhausted_ = false;
    std::vector<PreparedItem> done_;  ///< not recorded yet
    std::size_t given_up_ = 0;
    std::size_t there_ = 0;
    Steady::time_point told_at_{};
    std::optional<Error> later_;  ///< of the item that may be tried again soonest
    std::optional<Error> error_;
};

PreparePackage::PreparePackage(Dependencies dependencies)
    : JobHandler(model::JobKind{"prepare_package"}, jobs::Lane::store),
      dependencies_(std::move(dependencies)) {}

void PreparePackage::tell(Preparing what, std::size_t times) const {
    if (dependencies_.told && times > 0) dependencies_.told(what, times);
}

jobs::JobOutcome PreparePackage::run(const model::Job& job, const StopSignal& stop) {
    const auto preparation = dependencies_.preparations.find(PackageId::trusted(job.subject.id));
    if (!preparation) return jobs::Retry{preparation.error()};
    if (!*preparation) return end(job, PackageId::trusted(job.subject.id), stop);
    const auto& package = (*preparation)->package;
    if (dependencies_.clock.now() - package.created_at > dependencies_.options.longest)
        return give_up(job, package.id, kNotMade, stop);
    const auto app = dependencies_.catalog.app(package.app);
    if (!app) return jobs::Retry{app.error(), model::Postponement::Cost::free, kForOthers};
    return prepare(job, **preparation, **app, stop);
}

jobs::JobOutcome PreparePackage::prepare(const model::Job& job, const Preparation& preparation,
                                         const model::App& app, const StopSignal& stop) const {
    const auto& package = preparation.package;
    Walk walk{dependencies_, job, preparation, app, stop};
    const auto walked = walk.run();
    tell(Preparing::item_there, walk.there());
    tell(Preparing::item_given_up, walk.given_up());
    if (!walked && walked.error().code == ErrorCode::lease_lost)
        return jobs::Unrecorded{"record", walked.error()};
    if (walk.given_up() > 0 && package.on_missing == model::OnMissing::fail)
        return give_up(job, package.id, kNotMade, stop);
    if (!walked) {
        const auto after = std::clamp(walked.error().retry_after.value_or(kSoonest), kSoonest, kLatest);
        return jobs::Retry{error_of(walked.error().code, walked.error().detail),
                           model::Postponement::Cost::free, after};
    }
    failpoint::pass(failpoint::Point::before_package_plan);
    return plan(job, preparation, app, stop);
}

jobs::JobOutcome PreparePackage::plan(const model::Job& job, const Preparation& preparation,
                                      const model::App& app, const StopSignal& stop) const {
    const auto& package = preparation.package;
    auto look = look_of(preparation.recipe);
    Planner::Rules rules;
    rules.on_missing = package.on_missing;
    rules.limits = dependencies_.limits;
    rules.content = std::move(look.content);
    rules.manifest = look.manifest;
    rules.now = dependencies_.clock.now();
    if (look.path) {
        auto path = packager::PathTemplate::parse(*look.path);
        if (!path) return give_up(job, package.id, to_string(path.error().code), stop);
        rules.path = std::move(*path);
    }
    Planner planner{std::move(rules), {app, dependencies_.catalog.stores(), dependencies_.choose_version}};
    const auto planned =
        jobs::persist(stop, [&] { return dependencies_.preparations.plan(job.lease, preparation, planner); });
    if (planned && *planned) {
        failpoint::pass(failpoint::Point::after_package_plan);
        log::info(
            "package.prepared",
            {{"package", package.id.str()}, {"items", (*planned)->items}, {"missing", (*planned)->missing}});
        tell(Preparing::package_planned, 1);
        return jobs::Recorded{};
    }
    if (planned) return jobs::Retry{error_of(ErrorCode::state_conflict, "versions have gone since")};
    if (planned.error().code == ErrorCode::gone) return jobs::Retry{planned.error()};
    if (is_final(planned.error().code)) {
        log::warn("package.not_planned", {{"package", package.id.str()},
                                          {"code", to_string(planned.error().code)},
                                          {"detail", planned.error().detail}});
        const bool lacking = planned.error().code == ErrorCode::invalid_fields;
        return give_up(job, package.id, lacking ? kNotMade : to_string(planned.error().code), stop);
    }
    return jobs::Unrecorded{"plan", planned.error()};
}

/// Of a package that was deleted, lost a picture, or came to its end first.
jobs::JobOutcome PreparePackage::end(const model::Job& job, const PackageId& id,
                                     const StopSignal& stop) const {
    const auto ended = jobs::persist(stop, [&] { return dependencies_.preparations.end(job.lease, id); });
    if (!ended) return jobs::Unrecorded{"end", ended.error()};
    failpoint::pass(failpoint::Point::after_package_commit);
    return jobs::Recorded{};
}

jobs::JobOutcome PreparePackage::give_up(const model::Job& job, const PackageId& id, std::string_view why,
                                         const StopSignal& stop) const {
    log::warn("package.failed", {{"package", id.str()}, {"code", why}});
    const auto failed =
        jobs::persist(stop, [&] { return dependencies_.preparations.fail(job.lease, id, why); });
    if (!failed) return jobs::Unrecorded{"fail", failed.error()};
    tell(Preparing::package_failed, 1);
    return jobs::Recorded{};
}

}  // namespace photogate::pipeline::packages
