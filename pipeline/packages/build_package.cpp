#include "pipeline/packages/build_package.hpp"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "model/object_layout.hpp"
#include "pipeline/jobs/persist.hpp"
#include "pipeline/packages/package_parts.hpp"

namespace photogate::pipeline::packages {
namespace {

namespace objects = storage::objects;
using storage::packages::PackageBuild;
using storage::packages::PackageBuilds;
using Steady = std::chrono::steady_clock;

Error error_of(ErrorCode code, std::string detail) {
    return Error{code, std::move(detail), {}, std::nullopt};
}

/// The store has the whole object, whoever completed it.
Result<bool> is_there(const Store& store, const storage::packages::PackageObject& object, ByteSize size) {
    const auto info = store.objects->head(object.bucket, object.key, {});
    if (!info && info.error().code == ErrorCode::store_no_such_key) return false;
    if (!info) return fail(info.error());
    return info->size == size;
}

/// Ends the unfinished uploads of the object that no row names: of gateways that were killed before they could note one.
Result<> abort_unnamed(const Store& store, const storage::packages::PackageObject& object) {
    std::optional<objects::MultipartPage::Marker> after;
    do {
        const auto page = store.objects->list_multipart(object.bucket, object.key.str(), after);
        if (!page) return fail(page.error());
        for (const auto& open : page->uploads) {
            if (open.key != object.key) continue;
            auto aborted = store.objects->abort_multipart(object.bucket, object.key, open.upload);
            if (!aborted) return aborted;
        }
        after = page->next;
    } while (after);
    return {};
}

}  // namespace

BuildPackage::BuildPackage(Dependencies dependencies)
    : JobHandler(model::JobKind{"build_package"}, jobs::Lane::store),
      dependencies_(std::move(dependencies)) {}

jobs::JobOutcome BuildPackage::run(const model::Job& job, const StopSignal& stop) {
    const auto id = PackageId::trusted(job.subject.id);
    const auto found = dependencies_.builds.find(id);
    if (!found) return jobs::Retry{found.error()};
    if (!*found || (*found)->wanted == PackageBuild::Wanted::keep) return jobs::Finished{};
    if ((*found)->wanted == PackageBuild::Wanted::build) return build(job, **found, stop);
    if (auto told = tell_end(job, (*found)->package, stop); !told)
        return jobs::Unrecorded{"tell", told.error()};
    return remove(job, **found, stop);
}

/// Of a package that nobody will build any more.
Result<> BuildPackage::tell_end(const model::Job& job, const model::Package& package,
                                const StopSignal& stop) const {
    auto& builds = dependencies_.builds;
    switch (package.state) {
        case model::PackageState::queued:
        case model::PackageState::building:  // it came to its end first
            return jobs::persist(stop, [&] {
                return builds.fail(job.lease, package.id, {ErrorCode::unavailable, {}});
            });
        case model::PackageState::failed:
            return jobs::persist(stop, [&] { return builds.tell_failed(job.lease, package.id); });
        case model::PackageState::preparing:  // prepare_package ends it
        case model::PackageState::ready:
        case model::PackageState::deleted:
            break;
    }
    return {};
}

jobs::JobOutcome BuildPackage::build(const model::Job& job, const PackageBuild& build,
                                     const StopSignal& stop) const {
    const auto& id = build.package.id;
    auto& builds = dependencies_.builds;
    const auto chosen = dependencies_.stores.choose(std::nullopt);
    const Store* store = build.package.object ? dependencies_.stores.of(build.package.object->region)
                         : chosen             ? *chosen
                                              : &dependencies_.stores.all().begin()->second;
    if (store == nullptr)
        return jobs::Retry{
            error_of(ErrorCode::unavailable, "the region of the package's object is not configured")};
    const auto object = build.package.object.value_or(storage::packages::PackageObject{
        store->region.name, store->region.originals, model::package_key(id)});
    const auto begun = jobs::persist(stop, [&] { return builds.begin(job.lease, id, object); });
    if (!begun) return jobs::Unrecorded{"begin", begun.error()};
    if (!*begun) return jobs::Retry{error_of(ErrorCode::gone, "the package is not wanted any more")};

    std::optional<std::string> multipart = build.multipart;
    std::vector<objects::UploadedPart> there;
    std::vector<PackageBuilds::Part> known;
    if (multipart) {
        auto noted = builds.parts(id, *multipart);
        if (!noted) return jobs::Retry{noted.error()};
        known = std::move(*noted);
        auto listed = store->objects->list_parts(object.bucket, object.key, *multipart);
        if (listed) {
            there = std::move(*listed);
        } else if (listed.error().code == ErrorCode::store_no_such_upload) {
            // Completed, by an answer that nobody heard; or given up by the store.
            const auto whole = is_there(*store, object, build.package.size);
            if (!whole) return jobs::Retry{whole.error()};
            if (*whole) return finish(job, id, stop);
            multipart.reset();
        } else {
            return jobs::Retry{listed.error()};
        }
    }
    if (!multipart) {
        failpoint::pass(failpoint::Point::after_package_begun);
        if (auto aborted = abort_unnamed(*store, object); !aborted) return jobs::Retry{aborted.error()};
        objects::PutOptions options;
        options.content_type = "application/zip";
        auto created = store->objects->create_multipart(object.bucket, object.key, options);
        if (!created) return jobs::Retry{created.error()};
        multipart = std::move(*created);
        failpoint::pass(failpoint::Point::after_package_multipart);
        const auto noted =
            jobs::persist(stop, [&] { return builds.multipart_begun(job.lease, id, *multipart); });
        if (!noted || !*noted) {
            (void)store->objects->abort_multipart(object.bucket, object.key, *multipart);
            if (!noted) return jobs::Unrecorded{"multipart", noted.error()};
            return jobs::Retry{error_of(ErrorCode::gone, "the package is not wanted any more")};
        }
    }

    const auto started = Steady::now();
    PackageParts parts{
        {dependencies_.builds, dependencies_.packages, dependencies_.stores, dependencies_.options},
        job.lease,
        build.package,
        {*store, object, *multipart},
        stop};
    parts.have(there, known);
    const auto note = [&](model::PackageStep step) {
        const auto progress = parts.progress(step);
        return jobs::persist(stop, [&] { return builds.progress(job.lease, id, progress); });
    };
    if (const auto noted = note(model::PackageStep::copying); !noted)
        return jobs::Unrecorded{"progress", noted.error()};
    const auto sent = parts.send();
    if (!sent) {
        if (is_final(sent.error().code))
            return give_up(job, build.package, parts.failed(), sent.error(), stop);
        if (sent.error().code == ErrorCode::lease_lost) return jobs::Unrecorded{"progress", sent.error()};
        (void)note(model::PackageStep::waiting);
        return jobs::Retry{sent.error()};
    }
    if (const auto noted = note(model::PackageStep::completing); !noted)
        return jobs::Unrecorded{"progress", noted.error()};
    failpoint::pass(failpoint::Point::before_package_completed);
    const auto completed = store->objects->complete_multipart(object.bucket, object.key, *multipart, *sent);
    if (!completed) {
        const auto whole = is_there(*store, object, build.package.size);
        if (!whole || !*whole) return jobs::Retry{completed.error()};
    }
    failpoint::pass(failpoint::Point::after_package_completed);
    log::info(
        "package.built",
        {{"package", id.str()},
         {"bytes", build.package.size},
         {"parts", sent->size()},
         {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - started).count()}});
    return finish(job, id, stop);
}

jobs::JobOutcome BuildPackage::finish(const model::Job& job, const PackageId& id,
                                      const StopSignal& stop) const {
    const auto done = jobs::persist(stop, [&] { return dependencies_.builds.finish(job.lease, id); });
    if (!done) return jobs::Unrecorded{"finish", done.error()};
    if (!*done) return jobs::Retry{error_of(ErrorCode::gone, "the package is not wanted any more")};
    failpoint::pass(failpoint::Point::after_package_commit);
    if (dependencies_.ended) dependencies_.ended(id);
    return jobs::Recorded{};
}

jobs::JobOutcome BuildPackage::give_up(const model::Job& job, const model::Package& package,
                                       std::vector<model::FailedItem> known, const Error& why,
                                       const StopSignal& stop) const {
    log::warn("package.failed",
              {{"package", package.id.str()}, {"code", to_string(why.code)}, {"detail", why.detail}});
    PackageBuilds::Failure failure{why.code, std::move(known)};
    find_unreadable(package, failure.items, stop);
    const auto failed =
        jobs::persist(stop, [&] { return dependencies_.builds.fail(job.lease, package.id, failure); });
    if (!failed) return jobs::Unrecorded{"fail", failed.error()};
    if (dependencies_.ended) dependencies_.ended(package.id);
    // The next turn removes what there is of it.
    return jobs::Retry{why};
}

/// Looks at the other entries' objects, for a turn at most, so that an app learns of all that are not as they were laid out.
void BuildPackage::find_unreadable(const model::Package& package, std::vector<model::FailedItem>& items,
                                   const StopSignal& stop) const {
    constexpr std::size_t kPage = 128;
    const auto until = Steady::now() + dependencies_.options.turn;
    std::map<std::uint32_t, model::FailedItem> found;
    for (auto& item : items)
        found.emplace(item.position, std::move(item));
    for (std::uint64_t next = 0; next < package.items;) {
        const auto page =
            dependencies_.packages.page(package.id, storage::packages::FromPosition{next}, kPage);
        if (!page || page->empty()) break;
        for (const auto& item : *page) {
            if (found.size() >= PackageBuilds::kMostFailures || stop.stopped() || Steady::now() > until)
                break;
            const auto code = found.contains(item.position) ? std::nullopt : problem_of(item);
            if (code)
                found.emplace(
                    item.position,
                    model::FailedItem{item.position, std::nullopt, {}, std::string{to_string(*code)}});
        }
        if (found.size() >= PackageBuilds::kMostFailures || stop.stopped() || Steady::now() > until) break;
        next = page->back().position + 1;
    }
    items.clear();
    for (auto& [position, item] : found)
        items.push_back(std::move(item));
}

/// Why an entry's object can't be what was laid out, as far as the store tells without sending it.
std::optional<ErrorCode> BuildPackage::problem_of(const model::PackageItem& item) const {
    if (item.region.empty() || item.size == 0) return std::nullopt;
    const auto* store = dependencies_.stores.of(item.region);
    if (store == nullptr) return std::nullopt;
    const auto info =
        store->objects->head(item.bucket.empty() ? store->region.published : item.bucket, item.key, {});
    if (!info) {
        if (is_final(info.error().code)) return info.error().code;
        return std::nullopt;
    }
    if (info->etag != item.etag) return ErrorCode::store_precondition_failed;
    if (info->size != item.size) return ErrorCode::size_mismatch;
    return std::nullopt;
}

jobs::JobOutcome BuildPackage::remove(const model::Job& job, const PackageBuild& build,
                                      const StopSignal& stop) const {
    const auto& id = build.package.id;
    if (build.package.object) {
        const Store* store = dependencies_.stores.of(build.package.object->region);
        if (store == nullptr)
            return jobs::Retry{
                error_of(ErrorCode::unavailable, "the region of the package's object is not configured")};
        const auto& [region, bucket, key] = *build.package.object;
        if (build.multipart) {
            if (auto aborted = store->objects->abort_multipart(bucket, key, *build.multipart); !aborted)
                return jobs::Retry{aborted.error()};
        }
        if (auto aborted = abort_unnamed(*store, *build.package.object); !aborted)
            return jobs::Retry{aborted.error()};
        if (auto gone = store->objects->remove(bucket, key, std::nullopt); !gone)
            return jobs::Retry{gone.error()};
        failpoint::pass(failpoint::Point::after_package_removed);
        log::info("package.removed", {{"package", id.str()}});
    }
    const auto removed = jobs::persist(stop, [&] { return dependencies_.builds.removed(job.lease, id); });
    if (!removed) return jobs::Unrecorded{"removed", removed.error()};
    return jobs::Recorded{};
}

}  // namespace photogate::pipeline::packages
