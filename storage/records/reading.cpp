// Finding, listing, the timeline and the backlog.
#include <algorithm>
#include <iterator>

#include "base/encoding.hpp"
#include "model/enum_words.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/gauges.hpp"
#include "storage/records/picture_hash.hpp"
#include "storage/records/postgres.hpp"
#include "storage/records/records_wire.hpp"

namespace photogate::storage::records {
namespace {

SqlArray array_of(const std::vector<UploadId>& ids) {
    SqlArray array;
    for (const auto& id : ids)
        array.add(id.str());
    return array;
}

/// Which statement has an index for the question.
const char* list_for(const ListQuery& query) {
    if (!query.metadata.empty()) return "list_by_metadata";
    if (query.state) {
        switch (*query.state) {
            case model::UploadState::uploaded:
            case model::UploadState::processing:
                return "list_of_working";
            case model::UploadState::rejected:
            case model::UploadState::failed:
            case model::UploadState::expired:
            case model::UploadState::cancelled:
            case model::UploadState::deleted:
                return "list_of_unusual";
            case model::UploadState::created:
            case model::UploadState::published:
                break;
        }
    }
    return query.app ? "list_of_app" : "list_of_all";
}

/// Distances that are looked at together, the nearest first. Hashes up to the first are looked up one by one; a further one
/// needs each block's values with one bit more that may differ.
constexpr int kStages[] = {2, 3, 7, kMostDistance};
/// Hashes of each block that one stage looks at.
constexpr std::size_t kMostCandidates = 50'000;

/// What one stage asks for: distances from `from` to `to`. As bigint has it: signed.
void add_similar(Params& parameters, const SimilarTo& similar, int from, int to) {
    std::optional<std::string> except;
    if (similar.except) except = similar.except->str();
    parameters.add(static_cast<std::int64_t>(similar.hash)).add(to).add(except).add(from);
    if (to <= kStages[0]) {
        SqlArray hashes;
        for (const auto hash : hashes_near(similar.hash, from, to))
            hashes.add(static_cast<std::int64_t>(hash));
        parameters.add(hashes);
        return;
    }
    for (const auto block : blocks_of(similar.hash)) {
        SqlArray values;
        for (const auto near : near_blocks(block, to))
            values.add(std::int64_t{near});
        parameters.add(values);
    }
    parameters.add(kMostCandidates);
}

/// Distance by distance, until there are enough: of a heap of near pictures the nearest are found, and the rest is not read.
Result<std::vector<model::Upload>> list_similar(DatabaseState& state, const ListQuery& query) {
    const auto& similar = *query.similar;
    const auto limit = std::clamp<std::size_t>(query.limit, 1, 201);
    std::optional<std::string> word, profile;
    if (query.state) word = to_string(*query.state);
    if (query.profile) profile = query.profile->str();
    std::vector<model::Upload> found;
    int from = similar.from;
    for (const int stage : kStages) {
        const int to = std::min(stage, similar.distance);
        if (from > to) continue;
        // The cursor's id counts at its distance alone.
        std::optional<std::string> before;
        if (query.before && from == similar.from) before = query.before->str();
        auto parameters =
            params(text_of(query.app), before, least_id("upl_", query.created_after), word, profile,
                   query.created_after, to_json_text(query.metadata), limit - found.size());
        add_similar(parameters, similar, from, to);
        auto more = read(state.pool, [&](Transaction& transaction) -> Result<std::vector<model::Upload>> {
            return to_readable_uploads(
                transaction.run(to <= kStages[0] ? "list_similar_exact" : "list_similar", parameters));
        });
        if (!more) return more;
        std::move(more->begin(), more->end(), std::back_inserter(found));
        if (found.size() >= limit || to == similar.distance) break;
        from = to + 1;
    }
    return found;
}

}  // namespace

std::string least_id(std::string_view prefix, const std::optional<Timestamp>& at) {
    using namespace std::chrono;
    if (!at || *at < Timestamp{minutes{1}}) return std::string{prefix};
    const auto ms = static_cast<std::uint64_t>(
        duration_cast<milliseconds>((*at - minutes{1}).time_since_epoch()).count());
    Bytes raw(16, 0);
    for (std::size_t i = 0; i < 6; ++i)
        raw[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    return std::string{prefix} + base32_crockford(raw);
}

Result<model::Upload> PostgresUploadStore::find(const std::optional<AppName>& app, const UploadId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<model::Upload> {
        auto uploads = to_uploads(transaction.run("find_upload", params(id.str(), text_of(app))));
        if (uploads.empty()) return fail(ErrorCode::upload_not_found, "no upload has this id");
        return std::move(uploads.front());
    });
}

Result<std::vector<EndedUpload>> PostgresUploadStore::ended_among(const std::vector<UploadId>& ids) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<EndedUpload>> {
        std::vector<EndedUpload> ended;
        for (const auto& row : transaction.run("ended_uploads", params(array_of(ids))))
            ended.push_back({UploadId::trusted(row["id"].c_str()), row["has_jobs"].as<bool>()});
        return ended;
    });
}

Result<std::vector<MarkedUpload>> PostgresUploadStore::marks_of(const std::vector<UploadId>& ids) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<MarkedUpload>> {
        std::vector<MarkedUpload> marked;
        for (const auto& row : transaction.run("marks_of_uploads", params(array_of(ids))))
            marked.push_back({UploadId::trusted(row["id"].c_str()), row["mark"].as<std::uint64_t>()});
        return marked;
    });
}

Result<UploadSteps> PostgresUploadStore::steps(const std::optional<AppName>& app, const UploadId& id,
                                               std::int64_t place) {
    constexpr std::size_t kMost = 100;
    return read(state_.pool, [&](Transaction& transaction) -> Result<UploadSteps> {
        // The row first: whatever happens then leaves another mark, and is asked for again.
        const auto found = transaction.run("find_marked_upload", params(id.str(), text_of(app)));
        auto uploads = to_uploads(found);
        if (uploads.empty()) return fail(ErrorCode::upload_not_found, "no upload has this id");
        UploadSteps result{std::move(uploads.front()), found[0]["mark"].as<std::uint64_t>(), {}, false};
        if (place < 0) result.steps.push_back({0, result.upload.created_at, model::UploadState::created});
        const auto rows =
            transaction.run("steps_of_upload", params(id.str(), std::max<std::int64_t>(place, 0), kMost));
        const Columns columns{rows};
        for (const auto& row : rows) {
            const auto state = model::parse_word<model::UploadState>(columns.text(row, "state"));
            if (state) result.steps.push_back({columns.number(row, "id"), columns.time(row, "at"), *state});
        }
        result.more = static_cast<std::size_t>(rows.size()) == kMost;
        return result;
    });
}

Result<std::vector<model::Upload>> PostgresUploadStore::find_all(const std::vector<UploadId>& ids) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::Upload>> {
        return to_uploads(transaction.run("uploads_by_id", params(array_of(ids))));
    });
}

Result<std::optional<model::Upload>> PostgresPublications::find_public(const PublicId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::optional<model::Upload>> {
        auto uploads = to_uploads(transaction.run("find_public_upload", params(id.str())));
        if (!uploads.empty()) return std::optional<model::Upload>{std::move(uploads.front())};
        const auto gone = transaction.run("find_gone_image", params(id.str()));
        if (gone.empty()) return std::optional<model::Upload>{};
        model::Upload forgotten;
        forgotten.public_id = id;
        forgotten.app = AppName::trusted(gone[0]["app"].c_str());
        forgotten.profile = ProfileName::trusted(gone[0]["profile"].c_str());
        forgotten.state = model::UploadState::deleted;
        return std::optional<model::Upload>{std::move(forgotten)};
    });
}

Result<std::vector<model::Upload>> PostgresUploadStore::list(const ListQuery& query) {
    if (query.similar) return list_similar(state_, query);
    std::optional<std::string> state, profile, before;
    if (query.state) state = to_string(*query.state);
    if (query.profile) profile = query.profile->str();
    if (query.before) before = query.before->str();
    auto parameters = params(text_of(query.app), before, least_id("upl_", query.created_after), state,
                             profile, query.created_after, to_json_text(query.metadata),
                             std::clamp<std::size_t>(query.limit, 1, 201));
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::Upload>> {
        return to_readable_uploads(transaction.run(list_for(query), parameters));
    });
}

Result<std::vector<TimelineEntry>> PostgresUploadStore::timeline(const std::optional<AppName>& app,
                                                                 const UploadId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<TimelineEntry>> {
        if (transaction.run("find_upload", params(id.str(), text_of(app))).empty()) {
            return fail(ErrorCode::upload_not_found, "no upload has this id");
        }
        const auto rows = transaction.run("timeline", params(id.str()));
        const Columns columns{rows};
        std::vector<TimelineEntry> entries;
        for (const auto& row : rows) {
            entries.push_back(
                {columns.time(row, "at"), columns.text(row, "event"), columns.text(row, "detail")});
        }
        return entries;
    });
}

Gauges::Gauges(Database& database) : state_(database.state()) {}

Result<> Gauges::ping() {
    return read(state_.pool, [](Transaction& transaction) -> Result<> {
        database::require_writable(transaction.run("ping"));
        return {};
    });
}

Result<Backlog> Gauges::backlog() {
    return read(state_.pool, [&](Transaction& transaction) -> Result<Backlog> {
        const auto rows = transaction.run("backlog", params(state_.clock.now()));
        const Columns columns{rows};
        const auto row = rows[0];
        const auto count = [&](const char* name) {
            return static_cast<std::size_t>(columns.number(row, name));
        };
        const auto age = [&](const char* name) {
            return std::chrono::milliseconds{std::max<std::int64_t>(0, columns.number(row, name))};
        };
        Backlog backlog;
        backlog.jobs_ready = count("jobs_ready");
        backlog.jobs_leased = count("jobs_leased");
        backlog.oldest_ready = age("oldest_ready_ms");
        backlog.held_by_scanner = count("held_by_scanner");
        backlog.held_by_hooks = count("held_by_hooks");
        backlog.callbacks_waiting = count("callbacks_waiting");
        backlog.callbacks_dead = count("callbacks_dead");
        backlog.oldest_callback = age("oldest_callback_ms");
        const auto endpoints = transaction.run("count_endpoints")[0];
        backlog.endpoints = {endpoints["paused"].as<std::size_t>(), endpoints["open"].as<std::size_t>(),
                             endpoints["failing"].as<std::size_t>()};
        return backlog;
    });
}

Result<PipelineState> Gauges::pipeline_state() {
    return read(state_.pool, [&](Transaction& transaction) -> Result<PipelineState> {
        const SystemClock machine;  // its own clock, before it was set right
        const auto asked_at = machine.now();
        const auto rows = transaction.run("pipeline_state", params(state_.clock.now()));
        const auto answered_at = machine.now();
        const Columns columns{rows};
        const auto row = rows[0];
        // A table that was just made has no statistics yet.
        const auto count = [&](const char* name) {
            return static_cast<std::size_t>(
                std::max<std::int64_t>(0, columns.maybe_number(row, name).value_or(0)));
        };
        const auto age = [&](const char* name) {
            return std::chrono::milliseconds{std::max<std::int64_t>(0, columns.number(row, name))};
        };
        PipelineState state;
        state.awaited = count("created");
        state.oldest_past_grant = age("oldest_past_grant_ms");
        state.leases_over = count("leases_over");
        state.unknown_incoming = count("unknown_incoming");
        state.unknown_public = count("unknown_public");
        state.oldest_sweep = age("oldest_sweep_ms");
        state.oldest_listing = age("oldest_listing_ms");
        state.dead_jobs = count("dead_jobs");
        state.dead_callbacks = count("dead_callbacks");
        state.oldest_snapshot = age("oldest_snapshot_ms");
        const Timestamp there{std::chrono::microseconds{columns.number(row, "database_time_us")}};
        state.database_ahead = there - (asked_at + (answered_at - asked_at) / 2);
        return state;
    });
}

}  // namespace photogate::storage::records
