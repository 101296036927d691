#include "storage/variants/variant_backfills.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <utility>

#include <pqxx/pqxx>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "storage/database/columns.hpp"
#include "storage/database/transaction.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/rows.hpp"
#include "storage/variants/embedded_sql.hpp"

namespace photogate::storage::variants {

using database::Columns;
using database::Earlier;
using database::params;
using database::Params;
using database::SqlArray;
using database::Transaction;
using records::Database;
using records::least_id;
using records::UnknownWord;

namespace {

constexpr std::array<std::pair<BackfillState, std::string_view>, 4> kStates = {
    {{BackfillState::running, "running"},
     {BackfillState::finished, "finished"},
     {BackfillState::cancelled, "cancelled"},
     {BackfillState::outdated, "outdated"}}};

constexpr std::string_view kPrefix = "bkf_";
constexpr std::string_view kUploadPrefix = "upl_";

BackfillId make_backfill_id(Timestamp now, Random& random) {
    const auto like = make_upload_id(now, random).str();
    return BackfillId::trusted(std::string{kPrefix}.append(like, kUploadPrefix.size()));
}

BackfillState parse_state(const std::string& word) {
    for (const auto& [state, name] : kStates)
        if (word == name) return state;
    throw UnknownWord{word};
}

Backfill to_backfill(const Columns& columns, const pqxx::row& row) {
    const auto count = [&](const char* name) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(0, columns.number(row, name)));
    };
    Backfill backfill;
    backfill.id = BackfillId::trusted(columns.text(row, "id"));
    auto& order = backfill.order;
    order.app = AppName::trusted(columns.text(row, "app"));
    order.profile = ProfileName::trusted(columns.text(row, "profile"));
    if (auto variant = columns.text(row, "variant"); !variant.empty()) order.variant = std::move(variant);
    order.recipe = columns.text(row, "recipe");
    // Infinity is no time, and so none.
    order.created_after = database::parse_sql_timestamp(columns.text(row, "created_after"));
    order.created_before = database::parse_sql_timestamp(columns.text(row, "created_before"));
    backfill.state = parse_state(columns.text(row, "state"));
    backfill.is_counted = columns.is_null(row, "counted_to");
    backfill.total = count("total");
    backfill.looked_at = count("looked_at");
    backfill.found = count("found");
    backfill.made = count("made");
    backfill.failed = count("failed");
    backfill.waiting = count("waiting");
    backfill.started_at = columns.time(row, "started_at");
    backfill.finished_at = columns.maybe_time(row, "finished_at");
    return backfill;
}

Result<Backfill> look_up(Transaction& transaction, const AppName& app, const BackfillId& id) {
    const auto rows = transaction.run(statements(), "find_backfill", params(id.str(), app.str()));
    if (rows.empty()) return fail(ErrorCode::not_found, "no backfill has this id");
    return to_backfill(Columns{rows}, rows[0]);
}

Params order_params(const BackfillOrder& order) {
    return params(order.app.str(), order.profile.str(), order.variant.value_or(std::string{}), order.recipe,
                  order.created_after, order.created_before);
}

/// Ids of uploads that were created before are less.
std::string bound_of(const std::optional<Timestamp>& before, Timestamp now) {
    constexpr std::chrono::minutes kSlack{2};
    return least_id("upl_", std::min(before.value_or(now), now) + kSlack);
}

/// Where a walk is, and where its next step ends.
struct Step {
    std::optional<std::string> next;  ///< nullopt: nothing is left
    std::string last;                 ///< the least id of the step
    std::uint64_t uploads = 0;
};

Step step_of(Transaction& transaction, const BackfillOrder& order, const std::string& from,
             std::size_t most) {
    const auto least = least_id("upl_", order.created_after);
    const auto row = transaction.run(statements(), "count_backfill",
                                     params(order.app.str(), from, least, most, order.profile.str(),
                                            order.created_after, order.created_before))[0];
    Step step;
    step.uploads = row["uploads"].as<std::uint64_t>();
    if (row["rows"].as<std::size_t>() > 0) step.last = row["last"].c_str();
    if (row["rows"].as<std::size_t>() == most) step.next = step.last;
    return step;
}

std::vector<model::Upload> lacking(Transaction& transaction, std::vector<model::Upload> uploads,
                                   const VariantBackfills::Feeding& feeding) {
    SqlArray ids, keys;
    std::vector<std::pair<std::string, std::string>> wanted;
    for (const auto& upload : uploads) {
        for (auto& key : feeding.keys_of(upload)) {
            ids.add(upload.id.str());
            keys.add(key);
            wanted.emplace_back(upload.id.str(), std::move(key));
        }
    }
    std::set<std::pair<std::string, std::string>> there;
    if (!wanted.empty()) {
        const auto rows = transaction.run("find_versions", params(ids, keys));
        for (const auto& row : rows)
            there.emplace(row["upload_id"].c_str(), row["spec_key"].c_str());
    }
    std::set<std::string> lack;
    for (const auto& each : wanted)
        if (!there.contains(each)) lack.insert(each.first);
    std::erase_if(uploads, [&](const model::Upload& upload) { return !lack.contains(upload.id.str()); });
    return uploads;
}

struct Walked {
    std::optional<std::string> looked_to;
    std::uint64_t looked_at = 0;
    std::uint64_t found = 0;
};

/// At the next uploads, whose jobs are queued where they lack a version.
Walked walk(Transaction& transaction, const Backfill& backfill, const std::string& from,
            const VariantBackfills::Feeding& feeding) {
    const auto& order = backfill.order;
    const auto step = step_of(transaction, order, from, feeding.most_read);
    Walked walked{step.next, 0, 0};
    if (step.last.empty()) return walked;
    auto uploads = records::to_readable_uploads(
        transaction.run(statements(), "uploads_of_backfill",
                        params(order.app.str(), from, step.last, order.profile.str(), order.created_after,
                               order.created_before)));
    walked.looked_at = uploads.size();
    const auto found = lacking(transaction, std::move(uploads), feeding);
    walked.found = found.size();
    if (found.empty()) return walked;
    SqlArray ids, generations;
    for (const auto& upload : found) {
        ids.add(upload.id.str());
        generations.add(std::int64_t{upload.generation});
    }
    // As MakeVariants reads it.
    const auto payload = order.recipe + " " + order.variant.value_or(std::string{});
    transaction.run(statements(), "insert_backfill_jobs",
                    params(ids, generations, order.app.str(), backfill.id.str(), payload));
    return walked;
}

std::optional<std::string> cursor(const Columns& columns, const pqxx::row& row, const char* name) {
    return columns.maybe_text(row, name);
}

}  // namespace

std::optional<BackfillId> parse_backfill_id(std::string_view text) {
    if (!text.starts_with(kPrefix)) return std::nullopt;
    if (!parse_upload_id(std::string{kUploadPrefix}.append(text, kPrefix.size()))) return std::nullopt;
    return BackfillId::trusted(std::string{text});
}

std::string_view to_string(BackfillState state) {
    for (const auto& [known, name] : kStates)
        if (state == known) return name;
    throw std::logic_error("a backfill without a state");
}

VariantBackfills::VariantBackfills(Database& database) : state_(database.state()) {}

Result<VariantBackfills::Begun> VariantBackfills::begin(const BackfillOrder& order) {
    const auto now = state_.clock.now();
    BackfillId id;
    {
        const std::lock_guard lock{state_.random_mutex};
        id = make_backfill_id(now, state_.random);
    }
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<Begun> {
        transaction.run(statements(), "lock_backfills_of_app", params(order.app.str()));
        auto parameters = order_params(order);
        const auto same = transaction.run(statements(), "same_backfill", parameters);
        if (!same.empty()) {
            const auto running = BackfillId::trusted(same[0][0].c_str());
            auto backfill = look_up(transaction, order.app, running);
            if (!backfill) return fail(std::move(backfill.error()));
            const auto how = running == id ? Begun::How::begun : Begun::How::running_already;
            return Begun{how, std::move(*backfill)};
        }
        const auto count = transaction.run(statements(), "running_backfills_of_app", params(order.app.str()));
        if (count[0][0].as<std::size_t>() >= kMostRunning)
            return fail(ErrorCode::rate_limited, "the app has as many backfills as may run at once, " +
                                                     std::to_string(kMostRunning) +
                                                     ": wait for one, or cancel one");
        transaction.run(statements(), "begin_backfill",
                        parameters.add(id.str()).add(bound_of(order.created_before, now)).add(now));
        auto backfill = look_up(transaction, order.app, id);
        if (!backfill) return fail(std::move(backfill.error()));
        return Begun{Begun::How::begun, std::move(*backfill)};
    });
}

Result<Backfill> VariantBackfills::find(const AppName& app, const BackfillId& id) {
    return read(state_.pool, [&](Transaction& transaction) { return look_up(transaction, app, id); });
}

Result<Backfill> VariantBackfills::cancel(const AppName& app, const BackfillId& id) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<Backfill> {
        if (!transaction.run(statements(), "lock_running_backfill", params(id.str(), app.str())).empty()) {
            transaction.run(statements(), "delete_waiting_jobs_of_backfill", params(id.str()));
            transaction.run(
                statements(), "end_backfill",
                params(id.str(), to_string(BackfillState::cancelled), Timestamp{state_.clock.now()}));
        }
        return look_up(transaction, app, id);
    });
}

Result<std::vector<Backfill>> VariantBackfills::running(std::size_t most) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<Backfill>> {
        std::vector<Backfill> found;
        const auto rows = transaction.run(statements(), "running_backfills", params(most));
        const Columns columns{rows};
        for (const auto& row : rows)
            found.push_back(to_backfill(columns, row));
        return found;
    });
}

Result<VariantBackfills::Fed> VariantBackfills::feed(const BackfillId& id, const Feeding& feeding) {
    auto fed = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<Fed> {
        const auto rows = transaction.run(statements(), "lock_backfill", params(id.str()));
        if (rows.empty()) return Fed{};
        const Columns columns{rows};
        const auto backfill = to_backfill(columns, rows[0]);
        const auto end = [&](BackfillState state) {
            transaction.run(statements(), "end_backfill",
                            params(id.str(), to_string(state), Timestamp{state_.clock.now()}));
            log::info("backfill.ended", {{"backfill", id.str()},
                                         {"app", backfill.order.app.str()},
                                         {"state", to_string(state)},
                                         {"made", backfill.made},
                                         {"failed", backfill.failed}});
        };
        if (feeding.recipe != backfill.order.recipe) {
            if (!rows[0]["is_left"].as<bool>()) return Fed{};
            transaction.run(statements(), "delete_waiting_jobs_of_backfill", params(id.str()));
            end(BackfillState::outdated);
            return Fed{};
        }
        auto counted_to = cursor(columns, rows[0], "counted_to");
        auto looked_to = cursor(columns, rows[0], "looked_to");
        if (!looked_to && backfill.waiting == 0) {
            end(BackfillState::finished);
            return Fed{};
        }
        bool moved = false;
        std::uint64_t counted = 0;
        if (counted_to) {
            const auto step = step_of(transaction, backfill.order, *counted_to, feeding.most_counted);
            counted = step.uploads;
            counted_to = step.next;
            moved = true;
        }
        Walked walked{looked_to, 0, 0};
        const bool has_room = backfill.waiting < feeding.most_waiting;
        if (looked_to && has_room) {
            walked = walk(transaction, backfill, *looked_to, feeding);
            moved = true;
        }
        if (moved || rows[0]["is_due"].as<bool>())
            transaction.run(
                statements(), "feed_backfill",
                params(id.str(), counted_to, walked.looked_to, counted, walked.looked_at, walked.found));
        failpoint::pass(failpoint::Point::mid_backfill);
        const bool has_more =
            counted_to || (walked.looked_to && backfill.waiting + walked.found < feeding.most_waiting);
        return Fed{walked.looked_at, walked.found, has_more};
    });
    if (fed && fed->queued > 0) {
        state_.wakeups.signal(records::Work::jobs);
        failpoint::pass(failpoint::Point::after_backfill);
    }
    return fed;
}

}  // namespace photogate::storage::variants
