#include "delivery/version_evictor.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "delivery/variants.hpp"

namespace photogate::delivery {

using storage::records::MaintenanceStart;
using storage::variants::UnusedVersion;

VersionEvictor::VersionEvictor(Options options, Dependencies dependencies)
    : options_(options), dependencies_(dependencies), pace_(options.requests_per_second, stop_) {}

void VersionEvictor::run() {
    if (options_.unused_for.count() == 0) return;
    do {
        const auto evicted = evict(MaintenanceStart::when_due);
        if (evicted) continue;
        ++failures_;
        log::warn("versions.not_evicted",
                  {{"code", photogate::to_string(evicted.error().code)}, {"detail", evicted.error().detail}});
    } while (!stop_.wait_for(options_.ask_every));
}

void VersionEvictor::stop() {
    stop_.stop();
}

bool VersionEvictor::is_named(const UnusedVersion& version) const {
    const auto apps = dependencies_.apps.now();
    const auto app = apps->find(version.app);
    if (app == apps->end()) return false;
    const auto profile = app->second.profiles.find(version.profile);
    if (profile == app->second.profiles.end()) return false;
    const auto source = source_of(version.main, version.exif_json);
    if (!source) return true;  // a newer gateway's: not ours to judge
    const auto keys = keys_of(choose_variants(profile->second.delivery, *source));
    return std::find(keys.begin(), keys.end(), version.name.spec_key) != keys.end();
}

Result<std::uint64_t> VersionEvictor::remove(const Batch& batch) {
    std::vector<std::int64_t> kept;
    std::map<std::pair<std::string, std::string>, std::vector<std::int64_t>> unwanted;
    for (const auto& version : batch) {
        const auto* store = dependencies_.stores.of(version.region);
        if (is_named(version) || store == nullptr || store->region.published != version.bucket)
            kept.push_back(version.id);
        else
            unwanted[{version.region, version.bucket.str()}].push_back(version.id);
    }
    if (auto done = dependencies_.versions.keep(kept); !done) return fail(std::move(done.error()));
    std::uint64_t removed = 0;
    for (const auto& [place, ids] : unwanted) {
        const auto* store = dependencies_.stores.of(place.first);
        const auto& bucket = store->region.published;
        const auto by =
            std::chrono::steady_clock::now() + storage::variants::VersionEviction::kLongestRemoval;
        const auto keys = dependencies_.versions.forget(bucket, ids, options_.unused_for);
        if (!keys) return fail(keys.error());
        failpoint::pass(failpoint::Point::after_versions_forgotten);
        std::vector<ObjectKey> gone;
        for (const auto& key : *keys) {
            // What is left behind is an orphan from here on.
            if (!pace_.next() || std::chrono::steady_clock::now() >= by) break;
            const auto done = store->objects->remove(bucket, key, std::nullopt);
            if (!done) {
                log::warn("version.left_behind", {{"bucket", bucket.str()}, {"key", key.str()}});
                continue;
            }
            gone.push_back(key);
        }
        removed += keys->size();
        removed_ += keys->size();
        if (auto closed = dependencies_.versions.removed(bucket, gone); !closed)
            return fail(std::move(closed.error()));
    }
    return removed;
}

Result<std::uint64_t> VersionEvictor::evict(MaintenanceStart start) {
    auto acquired = dependencies_.upkeep.acquire("unused_versions", options_.lease, start);
    if (!acquired) return fail(std::move(acquired.error()));
    if (!*acquired) return 0;
    auto& task = **acquired;
    for (;;) {
        const auto batch = dependencies_.versions.unused(options_.unused_for, options_.batch);
        const auto removed = batch ? remove(*batch) : fail(batch.error());
        if (!removed) {
            (void)dependencies_.upkeep.release(task, options_.ask_every);
            return fail(removed.error());
        }
        task.tally.seen += batch->size();
        task.tally.removed += *removed;
        if (stop_.stopped()) {
            (void)dependencies_.upkeep.release(task, std::chrono::milliseconds{0});
            return task.tally.removed;
        }
        if (batch->size() < options_.batch) break;
        const auto ours = dependencies_.upkeep.checkpoint(task, options_.lease);
        if (!ours) return fail(ours.error());
        if (!*ours) return task.tally.removed;
    }
    if (task.tally.removed > 0) log::info("versions.evicted", {{"versions", task.tally.removed}});
    const auto ended = dependencies_.upkeep.complete(task, options_.every);
    if (!ended) return fail(ended.error());
    return task.tally.removed;
}

}  // namespace photogate::delivery
