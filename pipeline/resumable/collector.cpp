#include "pipeline/resumable/collector.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/log.hpp"

namespace photogate::pipeline::resumable {
namespace {

using model::UploadState;
using storage::chunks::ChunkStore;
using storage::chunks::DueResumable;
using storage::chunks::ResumableState;
using storage::records::MaintenanceStart;

constexpr std::chrono::seconds kUntilItExpires{60};

}  // namespace

Collector::Collector(Options options, Dependencies dependencies)
    : options_(options), dependencies_(dependencies) {}

Result<std::size_t> Collector::collect() {
    auto round = dependencies_.upkeep.acquire("resumables", options_.lease, MaintenanceStart::when_due);
    if (!round) return fail(round.error());
    if (!*round) return 0;
    std::size_t looked_at = 0;
    for (bool more = true; more && !stop_.stopped();) {
        const auto due = dependencies_.chunks.due(options_.batch);
        if (!due) return fail(due.error());
        std::vector<UploadId> ids;
        for (const auto& each : *due)
            ids.push_back(each.id);
        const auto found = dependencies_.uploads.find_all(ids);
        if (!found) return fail(found.error());
        std::map<UploadId, const model::Upload*> uploads;
        for (const auto& upload : *found)
            uploads.emplace(upload.id, &upload);
        for (const auto& each : *due) {
            if (stop_.stopped()) break;
            const auto upload = uploads.find(each.id);
            if (upload == uploads.end()) continue;
            const auto looked = look_at(each, *upload->second);
            ++looked_at;
            if (looked) continue;
            ++failures_;
            log::warn("resumable.look_failed", {{"upload", each.id.str()},
                                                {"code", to_string(looked.error().code)},
                                                {"detail", looked.error().detail}});
            // One that can't be decided holds up nobody.
            if (auto later = dependencies_.chunks.look_again(each.id, options_.again_after_failure); !later)
                return fail(std::move(later.error()));
        }
        more = due->size() >= options_.batch;
        const auto kept = dependencies_.upkeep.checkpoint(**round, options_.lease);
        if (!kept) return fail(kept.error());
        if (!*kept) return looked_at;  // another gateway goes on
    }
    const auto ended = dependencies_.upkeep.complete(**round, options_.every);
    if (!ended) return fail(ended.error());
    return looked_at;
}

Result<> Collector::look_at(const DueResumable& due, const model::Upload& upload) {
    if (due.state == ResumableState::over) {
        // A second time: what a fenced connection put after the first. forget() leaves a row that is not due.
        const auto removed = dependencies_.assembler.remove_chunks(upload);
        if (!removed) return fail(removed.error());
        if (!*removed) return {};  // it is being sent anew
        if (auto due_now = dependencies_.chunks.look_again(upload.id, std::chrono::seconds{0}); !due_now)
            return due_now;
        return dependencies_.chunks.forget(upload.id);
    }
    const bool waits = upload.state == UploadState::created || upload.state == UploadState::expired;
    if (waits && due.state == ResumableState::received) {
        const auto made = dependencies_.assembler.assemble(upload, ChunkStore::When::due);
        // It is made, and is going to be refused.
        if (!made && made.error().code != ErrorCode::invalid_checksum) return fail(made.error());
        return {};
    }
    if (upload.state == UploadState::created) {
        const auto left =
            std::chrono::duration_cast<std::chrono::seconds>(upload.expires_at - dependencies_.clock.now());
        return dependencies_.chunks.look_again(upload.id,
                                               std::max(left, std::chrono::seconds{0}) + kUntilItExpires);
    }
    return dependencies_.assembler.remove_chunks(upload).map([](bool) {});
}

void Collector::run() {
    const auto ask_every =
        std::max<std::chrono::milliseconds>(options_.every / 4, std::chrono::milliseconds{50});
    do {
        const auto collected = collect();
        if (collected) continue;
        ++failures_;
        log::warn("resumable.round_failed",
                  {{"code", to_string(collected.error().code)}, {"detail", collected.error().detail}});
    } while (!stop_.wait_for(ask_every));
}

void Collector::stop() {
    stop_.stop();
}

}  // namespace photogate::pipeline::resumable
