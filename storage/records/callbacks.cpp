// Callbacks as their owner sees them: lists, the log of attempts, replays, and the feed.
#include <algorithm>
#include <map>
#include <set>

#include "storage/records/database_state.hpp"
#include "storage/records/outbox.hpp"

namespace photogate::storage::records {
namespace {

constexpr std::size_t kAttemptsInList = 20;
constexpr std::size_t kAttemptsOfOne = 100;
constexpr std::size_t kReplayedAtOnce = 1'000;  ///< in a transaction

std::vector<CallbackDetails> with_attempts(Transaction& transaction, const pqxx::result& rows,
                                           std::size_t most) {
    const Columns columns{rows};
    std::vector<CallbackDetails> details;
    std::map<std::string, std::size_t> places;
    SqlArray ids;
    for (const auto& row : rows) {
        details.push_back({to_callback(columns, row), {}});
        ids.add(details.back().callback.id.str());
        places.emplace(details.back().callback.id.str(), details.size() - 1);
    }
    if (details.empty()) return details;
    const auto attempts = transaction.run("attempts_of", params(ids, most));
    const Columns attempt_columns{attempts};
    for (const auto& row : attempts) {
        AttemptRow attempt;
        attempt.at = attempt_columns.time(row, "at");
        if (const auto status = attempt_columns.maybe_number(row, "status"))
            attempt.status = static_cast<int>(*status);
        attempt.error = attempt_columns.text(row, "error");
        attempt.latency = std::chrono::milliseconds{attempt_columns.number(row, "latency_ms")};
        attempt.answer = attempt_columns.text(row, "answer");
        details[places.at(attempt_columns.text(row, "callback_id"))].attempts.push_back(std::move(attempt));
    }
    return details;
}

struct ReplayedPage {
    std::size_t count = 0;
    std::string last;
    std::set<model::EndpointKey> endpoints;
};

Result<ReplayedPage> replay_page(DatabaseState& state, const ReplayRange& range, const std::string& after,
                                 std::size_t most) {
    const auto parameters = params(
        after, range.since, range.until, to_string(range.state), text_of(range.app),
        range.type ? std::make_optional(std::string{to_string(*range.type)}) : std::nullopt, range.url, most);
    return transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<ReplayedPage> {
        const auto rows = transaction.run(
            range.state == model::CallbackState::dead ? "dead_callbacks_in_range" : "callbacks_in_range",
            parameters);
        ReplayedPage page;
        SqlArray ids;
        for (const auto& row : rows) {
            page.last = row["id"].as<std::string>();
            ids.add(page.last);
            page.endpoints.insert({AppName::trusted(row["app"].c_str()), row["url"].as<std::string>()});
            ++page.count;
        }
        if (page.count > 0) transaction.run("replay_callbacks", params(ids, state.clock.now()));
        return page;
    });
}

}  // namespace

Result<std::vector<CallbackDetails>> Outbox::list(const CallbackQuery& query) {
    std::optional<std::string> state, before;
    if (query.state) state = to_string(*query.state);
    if (query.before) before = query.before->str();
    auto parameters = params(text_of(query.app), state, before, std::clamp<std::size_t>(query.limit, 1, 201));
    if (query.upload) parameters.add(query.upload->str());
    if (query.package && !query.upload) parameters.add(query.package->str());
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<CallbackDetails>> {
        const char* statement = "list_callbacks";
        if (query.upload || query.package)
            statement = "list_callbacks_of_subject";
        else if (query.state == model::CallbackState::dead)
            statement = "list_dead_callbacks";
        const auto rows = transaction.run(statement, parameters);
        return with_attempts(transaction, rows, kAttemptsInList);
    });
}

Result<CallbackDetails> Outbox::find(const std::optional<AppName>& app, const CallbackId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<CallbackDetails> {
        const auto rows = transaction.run("read_callback", params(id.str(), text_of(app)));
        if (rows.empty()) return fail(ErrorCode::callback_not_found, "no callback has this id");
        return std::move(with_attempts(transaction, rows, kAttemptsOfOne).front());
    });
}

Result<> Outbox::replay(const std::optional<AppName>& app, const CallbackId& id) {
    auto endpoint =
        transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<model::EndpointKey> {
            const auto rows = transaction.run("find_callback", params(id.str(), text_of(app)));
            if (rows.empty()) return fail(ErrorCode::callback_not_found, "no callback has this id");
            const auto callback = to_callback(Columns{rows}, rows[0]);
            if (callback.body.empty()) {
                return fail(ErrorCode::state_conflict,
                            "an upload was deleted and this callback's body erased with it");
            }
            if (callback.url.empty()) {
                return fail(ErrorCode::state_conflict,
                            "there was no URL to send this callback to; it is in GET /v1/events");
            }
            SqlArray ids;
            ids.add(id.str());
            transaction.run("replay_callbacks", params(ids, state_.clock.now()));
            return callback.endpoint();
        });
    if (!endpoint) return fail(endpoint.error());
    if (auto resumed = resume(state_, *endpoint); !resumed) return fail(resumed.error());
    state_.wakeups.signal(Work::callbacks);
    return {};
}

Result<Replayed> Outbox::replay(const ReplayRange& range) {
    Replayed replayed;
    std::set<model::EndpointKey> endpoints;
    std::string last =
        std::max(range.after ? range.after->str() : std::string{}, least_id("msg_", range.since));
    const auto most = std::clamp<std::size_t>(range.most, 1, 10'000);
    while (replayed.count < most) {
        const auto wanted = std::min(kReplayedAtOnce, most - replayed.count);
        auto page = replay_page(state_, range, last, wanted);
        if (!page) return fail(page.error());
        replayed.count += page->count;
        endpoints.merge(page->endpoints);
        if (page->count < wanted) {
            replayed.next.reset();
            break;
        }
        last = page->last;
        replayed.next = CallbackId::trusted(last);
    }
    for (const auto& endpoint : endpoints) {
        if (auto resumed = resume(state_, endpoint); !resumed) return fail(resumed.error());
    }
    if (replayed.count > 0) state_.wakeups.signal(Work::callbacks);
    return replayed;
}

Result<FeedPage> Outbox::feed(const AppName& app, const std::optional<FeedCursor>& after, std::size_t limit) {
    const auto from = after.value_or(FeedCursor{});
    const auto most = std::clamp<std::size_t>(limit, 1, 1'000);
    return read(state_.pool, [&](Transaction& transaction) -> Result<FeedPage> {
        const auto state = transaction.run("feed_state")[0];
        const auto horizon = state["horizon"].as<std::int64_t>();
        if (after && from.place <= state["forgotten"].as<std::int64_t>()) {
            return fail(ErrorCode::invalid_cursor,
                        "what follows this cursor is no longer kept; begin anew without 'after'");
        }
        const auto rows =
            transaction.run("read_feed", params(app.str(), from.place, from.id, most + 1, horizon));
        const Columns columns{rows};
        FeedPage page;
        for (const auto& row : rows) {
            if (page.callbacks.size() == most) {
                page.more = true;
                break;
            }
            page.callbacks.push_back(to_callback(columns, row));
            page.next = {columns.number(row, "placed"), page.callbacks.back().id.str()};
        }
        // All below the horizon was seen: a cursor that follows it does not grow old with a quiet app.
        if (!page.more) page.next = from.place < horizon ? FeedCursor{horizon, {}} : from;
        return page;
    });
}

}  // namespace photogate::storage::records
