// What a sweep makes of the packages in the originals bucket.
#include <optional>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "model/object_layout.hpp"
#include "pipeline/orphan_collector.hpp"

namespace photogate::pipeline {
namespace {

using namespace std::chrono_literals;

bool is_package(const ObjectKey& key) {
    const auto role = model::classify(key);
    return role && role->kind == model::ObjectRole::Kind::package;
}

}  // namespace

Result<std::vector<Swept>> OrphanCollector::judge_packages(const Store& store, const Page& page) const {
    const auto& bucket = store.region.originals;
    std::vector<ObjectKey> keys;
    for (const auto& object : page) {
        if (is_package(object.key)) keys.push_back(object.key);
    }
    const auto named = dependencies_.named_packages(bucket, keys);
    if (!named) return fail(named.error());
    const auto began_at = dependencies_.upkeep.began_at();
    if (!began_at) return fail(began_at.error());
    std::vector<Swept> found;
    for (const auto& object : page) {
        if (!is_package(object.key)) {
            found.push_back({SweepFinding::unknown, bucket, object});
            continue;
        }
        if (named->contains(object.key) || !is_old(object)) continue;
        // What is older than the database is another's.
        const bool ours = object.last_modified && *object.last_modified >= *began_at - kClocksMayDiffer;
        found.push_back({ours ? SweepFinding::unreferenced : SweepFinding::unknown, bucket, object});
    }
    return found;
}

/// A row names its object before the object is begun, and no id is made twice: what no row names now, none will.
Result<std::size_t> OrphanCollector::remove_packages(const Store& store, const Page& objects) {
    std::size_t removed = 0;
    for (const auto& object : objects) {
        if (!pace_.next()) break;
        const auto done = remove_as_judged(store, store.region.originals, object);
        if (!done) return fail(done.error());
        if (*done) ++removed;
    }
    return removed;
}

Result<> OrphanCollector::abort_unnamed_packages(const BucketPass& pass,
                                                 storage::records::MaintenanceTally& tally) {
    const auto& bucket = pass.bucket();
    auto& objects = *pass.store.objects;
    std::optional<storage::objects::MultipartPage::Marker> after;
    do {
        if (!pace_.next()) return {};
        const auto page = objects.list_multipart(bucket, std::string{model::kPackagePrefix}, after);
        if (!page) return fail(page.error());
        std::vector<ObjectKey> keys;
        for (const auto& open : page->uploads) {
            if (is_package(open.key)) keys.push_back(open.key);
        }
        const auto named = dependencies_.named_packages(bucket, keys);
        if (!named) return fail(named.error());
        for (const auto& open : page->uploads) {
            const auto row = named->find(open.key);
            const bool is_named = row != named->end() && row->second == open.upload;
            const bool old = open.started && dependencies_.clock.now() - *open.started >= options_.min_age;
            if (!is_package(open.key) || is_named || !old) continue;
            if (!pace_.next()) return {};
            if (auto aborted = objects.abort_multipart(bucket, open.key, open.upload); !aborted)
                return aborted;
            log::info("sweep.aborted", {{"bucket", bucket.str()}, {"key", open.key.str()}});
            ++tally.removed;
        }
        after = page->next;
    } while (after);
    return {};
}

}  // namespace photogate::pipeline
