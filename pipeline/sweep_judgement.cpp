// What a sweep makes of a page, and what it does about it.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/encoding.hpp"
#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "model/object_layout.hpp"
#include "pipeline/lost_objects.hpp"
#include "pipeline/orphan_collector.hpp"
#include "signer/digest.hpp"

namespace photogate::pipeline {
namespace {

using namespace std::chrono_literals;
using model::UploadState;
using storage::objects::ListedObject;
using storage::records::MaintenanceTally;
using storage::records::ReferredImage;
using storage::records::UploadAt;
using Steady = std::chrono::steady_clock;

/// How many keys share one opening of sweeps.
constexpr std::size_t kTogether = 100;
/// A DELETE is sent within this of the sweep's opening or not at all. With the store's own patience (half a
/// minute) it stays well below the five minutes after which a sweep counts as its sweeper's last act.
constexpr auto kDeleteWithin = 60s;
constexpr auto kTransactionsWithin = 15s;

/// An object that the images' table has to account for.
bool is_image(const ObjectKey& key) {
    const auto role = model::classify(key);
    return role && (role->kind == model::ObjectRole::Kind::published ||
                    role->kind == model::ObjectRole::Kind::version);
}

/// A canary of the store's proof (storage/objects/store_probe.hpp); a proof that was killed leaves them.
bool is_canary(const ObjectKey& key) {
    const auto role = model::classify(key);
    return role && role->kind == model::ObjectRole::Kind::canary;
}

std::vector<ObjectKey> keys_of(const std::vector<ListedObject>& objects) {
    std::vector<ObjectKey> keys;
    for (const auto& object : objects)
        keys.push_back(object.key);
    return keys;
}

enum class Age { young, old };

std::optional<SweepFinding> verdict(const UploadAt& upload, Age age) {
    switch (upload.state) {
        case UploadState::created:
        case UploadState::expired:
            return SweepFinding::lost;
        case UploadState::uploaded:
        case UploadState::processing:
        case UploadState::failed:
            return std::nullopt;
        case UploadState::cancelled:
        case UploadState::deleted:
            if (upload.has_jobs) return std::nullopt;
            return SweepFinding::unwanted;
        case UploadState::published:
        case UploadState::rejected:
            if (upload.has_jobs || age == Age::young) return std::nullopt;
            return SweepFinding::left_behind;
    }
    return std::nullopt;
}

}  // namespace

Result<std::vector<Swept>> OrphanCollector::judge_incoming(const Store& store, const Page& page) const {
    const auto& bucket = store.region.incoming;
    const auto uploads = dependencies_.upkeep.uploads_at(bucket, keys_of(page));
    if (!uploads) return fail(uploads.error());
    std::map<ObjectKey, const UploadAt*> by_key;
    for (const auto& upload : *uploads)
        by_key.emplace(upload.key, &upload);
    std::vector<Swept> found;
    for (const auto& object : page) {
        const bool old = is_old(object);
        const auto upload = by_key.find(object.key);
        std::optional<SweepFinding> finding;
        if (upload != by_key.end()) {
            finding = verdict(*upload->second, old ? Age::old : Age::young);
        } else if (old) {
            finding = is_canary(object.key) ? SweepFinding::left_behind : SweepFinding::unknown;
        }
        if (finding) found.push_back({*finding, bucket, object});
    }
    return found;
}

Result<bool> OrphanCollector::has_bytes_of(const Store& store, const ReferredImage& image) {
    if (!pace_.next()) return fail(ErrorCode::unavailable, "stopped");
    signer::Sha256Stream hash;
    const auto got = store.objects->get(store.region.published, image.key, {}, [&](BytesView piece) {
        hash.update(piece);
        return true;
    });
    if (!got && got.error().code == ErrorCode::store_no_such_key) return true;  // removed since it was listed
    if (!got) return fail(got.error());
    return hex_lower(hash.finish()) == image.sha256;
}

Result<std::vector<Swept>> OrphanCollector::judge_published(const Store& store, const Page& page) {
    const auto& bucket = store.region.published;
    std::vector<ObjectKey> keys;
    for (const auto& object : page) {
        if (is_image(object.key)) keys.push_back(object.key);
    }
    const auto images = dependencies_.publications.references(bucket, keys);
    if (!images) return fail(images.error());
    const auto began_at = dependencies_.upkeep.began_at();
    if (!began_at) return fail(began_at.error());
    std::map<ObjectKey, const ReferredImage*> referred;
    for (const auto& image : *images)
        referred.emplace(image.key, &image);

    std::vector<Swept> found;
    for (const auto& object : page) {
        if (is_canary(object.key)) {
            if (is_old(object)) found.push_back({SweepFinding::left_behind, bucket, object});
            continue;
        }
        if (!is_image(object.key)) {
            found.push_back({SweepFinding::unknown, bucket, object});
            continue;
        }
        const auto image = referred.find(object.key);
        if (image == referred.end()) {
            // What is older than the database is another's: none of its workers can have left it.
            const bool of_this_house =
                object.last_modified && *object.last_modified >= *began_at - kClocksMayDiffer;
            if (is_old(object))
                found.push_back(
                    {of_this_house ? SweepFinding::unreferenced : SweepFinding::unknown, bucket, object});
            continue;
        }
        if (image->second->etag == object.etag) continue;
        // The same bytes put twice may have two ETags (encryption, parts): the bytes decide.
        const auto same = has_bytes_of(store, *image->second);
        if (!same) return fail(same.error());
        if (!*same) found.push_back({SweepFinding::unknown, bucket, object});
    }
    return found;
}

Result<std::vector<Swept>> OrphanCollector::judge(const BucketPass& pass, const Page& page) {
    switch (pass.kind) {
        case BucketPass::Kind::incoming:
            return judge_incoming(pass.store, page);
        case BucketPass::Kind::published:
            return judge_published(pass.store, page);
        case BucketPass::Kind::packages:
            break;
    }
    return judge_packages(pass.store, page);
}

Result<> OrphanCollector::act(const BucketPass& pass, const std::vector<Swept>& found,
                              MaintenanceTally& tally) {
    const auto& store = pass.store;
    const auto& bucket = pass.bucket();
    Page lost, unwanted, unreferenced;
    std::vector<ObjectKey> left_behind;
    for (const auto& each : found) {
        switch (each.finding) {
            case SweepFinding::lost:
                lost.push_back(each.object);
                break;
            case SweepFinding::unwanted:
                unwanted.push_back(each.object);
                break;
            case SweepFinding::left_behind:
                left_behind.push_back(each.object.key);
                break;
            case SweepFinding::unreferenced:
                unreferenced.push_back(each.object);
                break;
            case SweepFinding::unknown:
                break;
        }
    }
    const auto received = take_in_lost(dependencies_.arrivals, store, lost, dependencies_.clock);
    if (!received) return fail(received.error());
    count(&Counters::lost, *received);

    // For an upload that wants no object, the listing is recorded as an event would be: that queues the removal.
    const auto told = observe_listed(dependencies_.arrivals, store, unwanted, dependencies_.clock);
    if (!told) return fail(told.error());
    tally.removed += unwanted.size();
    count(&Counters::left_behind, unwanted.size());

    std::vector<UploadId> ended;
    const auto uploads = dependencies_.upkeep.uploads_at(bucket, left_behind);
    if (!uploads) return fail(uploads.error());
    for (const auto& upload : *uploads)
        ended.push_back(upload.id);
    const auto queued = dependencies_.upkeep.queue_left_behind(ended);
    if (!queued) return fail(queued.error());
    std::size_t canaries = 0;
    for (const auto& key : left_behind) {
        if (!is_canary(key)) continue;
        if (!pace_.next()) return {};
        if (auto gone = store.objects->remove(bucket, key, std::nullopt); !gone) return gone;
        ++canaries;
    }
    tally.removed += *queued + canaries;
    count(&Counters::left_behind, *queued + canaries);

    for (std::size_t from = 0; from < unreferenced.size() && !stop_.stopped(); from += kTogether) {
        const auto until = std::min(from + kTogether, unreferenced.size());
        const Page together{unreferenced.begin() + static_cast<std::ptrdiff_t>(from),
                            unreferenced.begin() + static_cast<std::ptrdiff_t>(until)};
        const auto removed = pass.kind == BucketPass::Kind::packages ? remove_packages(store, together)
                                                                     : remove_unreferenced(store, together);
        if (!removed) return fail(removed.error());
        tally.removed += *removed;
        count(&Counters::unreferenced, *removed);
    }
    return {};
}

Result<bool> OrphanCollector::await_transactions(const std::string& horizon) {
    const auto until = Steady::now() + kTransactionsWithin;
    for (;;) {
        const auto ended = dependencies_.upkeep.transactions_ended(horizon);
        if (!ended || *ended) return ended;
        if (Steady::now() > until || stop_.wait_for(50ms)) return false;
    }
}

/// False: it is not as it was listed, or not there.
Result<bool> OrphanCollector::remove_as_judged(const Store& store, const Bucket& bucket,
                                               const ListedObject& object) {
    const auto now_there = store.objects->head(bucket, object.key, {});
    if (!now_there && now_there.error().code == ErrorCode::store_no_such_key) return false;
    if (!now_there) return fail(now_there.error());
    const bool old =
        now_there->last_modified && dependencies_.clock.now() - *now_there->last_modified >= options_.min_age;
    if (now_there->etag != object.etag || !old) return false;
    failpoint::pass(failpoint::Point::after_sweep_opened);
    if (auto removed = store.objects->remove(bucket, object.key, std::nullopt); !removed)
        return fail(std::move(removed.error()));
    log::info("sweep.removed", {{"bucket", bucket.str()}, {"key", object.key.str()}});
    failpoint::pass(failpoint::Point::mid_sweeper);
    return true;
}

Result<std::size_t> OrphanCollector::remove_unreferenced(const Store& store, const Page& objects) {
    const auto& bucket = store.region.published;
    const auto opened_at = Steady::now();
    const auto horizon = dependencies_.upkeep.mark_deleting(bucket, keys_of(objects));
    if (!horizon) return fail(horizon.error());

    std::vector<ObjectKey> removed, spared;
    std::optional<Error> error;
    const auto ended = await_transactions(*horizon);
    if (!ended) error = ended.error();
    std::set<ObjectKey> referred;
    if (ended && *ended) {
        const auto images = dependencies_.publications.references(bucket, keys_of(objects));
        if (!images) error = images.error();
        if (images) {
            for (const auto& image : *images)
                referred.insert(image.key);
        }
    }
    const bool judged = ended && *ended && !error;
    for (const auto& object : objects) {
        const bool in_time = Steady::now() - opened_at < kDeleteWithin;
        const bool may = judged && !error && in_time && !referred.contains(object.key) && pace_.next();
        if (!may) {
            spared.push_back(object.key);
            continue;
        }
        const auto done = remove_as_judged(store, bucket, object);
        // Whether a DELETE without an answer was done is not known: it counts as done.
        if (!done) error = done.error();
        (done && !*done ? spared : removed).push_back(object.key);
    }
    if (auto closed = dependencies_.upkeep.unmark_deleting(bucket, removed, spared); !closed)
        return fail(std::move(closed.error()));
    if (error) return fail(std::move(*error));
    return removed.size();
}

}  // namespace photogate::pipeline
