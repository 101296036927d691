#include "pipeline/part_collector.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"

namespace photogate::pipeline {
namespace {

using model::UploadState;
using storage::objects::MultipartPage;
using storage::records::MaintenanceStart;
using storage::records::PartsDue;

constexpr std::chrono::seconds kWhileProcessed{std::chrono::hours{1}};

}  // namespace

PartCollector::PartCollector(PartCollectorOptions options, PartCollectorDependencies dependencies)
    : options_(options), dependencies_(std::move(dependencies)), pace_(options.requests_per_second, stop_) {}

Result<std::size_t> PartCollector::collect() {
    auto round = dependencies_.upkeep.acquire("parts", options_.lease, MaintenanceStart::when_due);
    if (!round) return fail(round.error());
    if (!*round) return 0;
    std::size_t looked_at = 0;
    for (bool more = true; more && !stop_.stopped();) {
        const auto due = dependencies_.upkeep.parts_due(options_.batch);
        if (!due) return fail(due.error());
        for (const auto& each : *due) {
            if (!pace_.next()) break;
            if (const auto looked = look_at(each); !looked) {
                count(&Counters::failures, 1);
                log::warn("parts.look_failed", {{"upload", each.upload.id.str()},
                                                {"code", to_string(looked.error().code)},
                                                {"detail", looked.error().detail}});
                // One that can't be decided holds up nobody.
                if (auto later = dependencies_.upkeep.look_at_parts_again(each.upload.id,
                                                                          options_.again_after_failure);
                    !later)
                    return fail(std::move(later.error()));
            }
            ++looked_at;
        }
        more = due->size() == options_.batch;
        const auto kept = dependencies_.upkeep.checkpoint(**round, options_.lease);
        if (!kept) return fail(kept.error());
        if (!*kept) return looked_at;  // another gateway goes on
    }
    const auto ended = dependencies_.upkeep.complete(**round, options_.every);
    if (!ended) return fail(ended.error());
    return looked_at;
}

Result<> PartCollector::look_at(const PartsDue& due) {
    const auto& upload = due.upload;
    const auto again = [&](std::chrono::seconds later) {
        return dependencies_.upkeep.look_at_parts_again(upload.id, later);
    };
    switch (upload.state) {
        case UploadState::uploaded:
        case UploadState::processing:
            return again(kWhileProcessed);
        case UploadState::created:
        case UploadState::expired:
            break;
        case UploadState::published:
        case UploadState::rejected:
        case UploadState::failed:
        case UploadState::cancelled:
        case UploadState::deleted:
            return give_up(due);
    }
    const auto over =
        std::chrono::duration_cast<std::chrono::seconds>(dependencies_.clock.now() - upload.expires_at);
    if (over < std::chrono::seconds{0}) return again(-over + std::chrono::seconds{1});
    if (due.store_id) {
        const auto joined = join(upload);
        if (!joined) return fail(joined.error());
        if (*joined) return again(kWhileProcessed);
    }
    if (over < options_.keep) return again(options_.keep - over + std::chrono::seconds{1});
    return give_up(due);
}

Result<bool> PartCollector::join(const model::Upload& upload) {
    // Of a file whose size is not known only its client can say that it is all there.
    if (parts_of(upload).is_open()) return false;
    const auto joined =
        dependencies_.parts.join(upload, std::nullopt, Parts::Existing::refuse, *upload.declared_size);
    if (!joined && joined.error().code == ErrorCode::invalid_parts) return false;  // they are not all there
    if (!joined) return fail(joined.error());
    const auto there = dependencies_.look(upload);
    if (!there) return fail(there.error());
    if (*there) {
        count(&Counters::joined, 1);
        log::warn("parts.joined", {{"upload", upload.id.str()}});
    }
    return *there;
}

Result<> PartCollector::give_up(const PartsDue& due) {
    const Store* store = dependencies_.stores.of(due.upload.region);
    if (!store) return fail(ErrorCode::unknown_region, "the upload's region is no longer configured");
    const auto given_up =
        dependencies_.upkeep.give_up_parts(due, options_.keep, options_.again_after_failure);
    if (!given_up) return fail(given_up.error());
    if (!*given_up) return {};  // its client came back: the row is looked at anew
    failpoint::pass(failpoint::Point::after_parts_given_up);
    if (due.store_id) {
        if (auto aborted = abort(*store, due.upload, *due.store_id); !aborted) return aborted;
    }
    const bool ended = due.upload.state != UploadState::expired && due.upload.state != UploadState::created;
    const auto gone = abort_of_key(*store, due.upload, ended ? Which::all : Which::old);
    if (!gone) return fail(gone.error());
    if (!*gone) return dependencies_.upkeep.look_at_parts_again(due.upload.id, options_.unnamed_age);
    return dependencies_.upkeep.forget_parts(due.upload.id);
}

Result<> PartCollector::abort_all(const model::Upload& upload) {
    const Store* store = dependencies_.stores.of(upload.region);
    if (!store) return fail(ErrorCode::unknown_region, "the upload's region is no longer configured");
    const auto gone = abort_of_key(*store, upload, Which::all);
    if (!gone) return fail(gone.error());
    return {};
}

Result<bool> PartCollector::abort_of_key(const Store& store, const model::Upload& upload, Which which) {
    bool gone = true;
    std::optional<MultipartPage::Marker> after;
    do {
        const auto page = store.objects->list_multipart(upload.bucket, upload.key.str(), after);
        if (!page) return fail(page.error());
        for (const auto& open : page->uploads) {
            if (open.key != upload.key) continue;
            const bool old =
                open.started && dependencies_.clock.now() - *open.started >= options_.unnamed_age;
            if (which == Which::old && !old) {
                gone = false;
                continue;
            }
            if (auto aborted = abort(store, upload, open.upload); !aborted) return fail(aborted.error());
        }
        after = page->next;
    } while (after);
    return gone;
}

Result<> PartCollector::abort(const Store& store, const model::Upload& upload, const std::string& id) {
    const auto parts = store.objects->list_parts(upload.bucket, upload.key, id);
    if (!parts && parts.error().code == ErrorCode::store_no_such_upload) return {};
    if (!parts) return fail(parts.error());
    if (auto aborted = store.objects->abort_multipart(upload.bucket, upload.key, id); !aborted)
        return aborted;
    ByteSize bytes = 0;
    for (const auto& part : *parts)
        bytes += part.size;
    count(&Counters::uploads, 1);
    count(&Counters::bytes, bytes);
    log::info("parts.aborted", {{"upload", upload.id.str()},
                                {"state", model::to_string(upload.state)},
                                {"parts", parts->size()},
                                {"bytes", bytes}});
    return {};
}

void PartCollector::run() {
    const auto ask_every =
        std::max<std::chrono::milliseconds>(options_.every / 4, std::chrono::milliseconds{50});
    do {
        const auto collected = collect();
        if (collected) continue;
        count(&Counters::failures, 1);
        log::warn("parts.round_failed",
                  {{"code", to_string(collected.error().code)}, {"detail", collected.error().detail}});
    } while (!stop_.wait_for(ask_every));
}

void PartCollector::stop() {
    stop_.stop();
}

void PartCollector::count(std::uint64_t Counters::*counter, std::uint64_t by) {
    const std::lock_guard lock{mutex_};
    counters_.*counter += by;
}

PartCollector::Counters PartCollector::counters() const {
    const std::lock_guard lock{mutex_};
    return counters_;
}

}  // namespace photogate::pipeline
