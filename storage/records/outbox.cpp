// The outbox: claims, attempts, replays.
#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/encoding.hpp"
#include "storage/records/records_state.hpp"

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

std::string_view word(CallbackAttempt::Verdict verdict) {
    switch (verdict) {
        case CallbackAttempt::Verdict::delivered:
            return "delivered";
        case CallbackAttempt::Verdict::again:
            return "again";
        case CallbackAttempt::Verdict::dead:
            return "dead";
    }
    return "again";
}

std::optional<std::string> text_of(const std::optional<AppName>& app) {
    return app ? std::make_optional(app->str()) : std::nullopt;
}

struct AttemptRows {
    SqlArray callbacks, tokens, times, statuses, errors, latencies, answers, verdicts, next;

    void add(const CallbackAttempt& attempt) {
        constexpr std::size_t kAnswerKept = 1024;
        callbacks.add(attempt.callback.str());
        tokens.add(attempt.lease_token);
        times.add(sql_timestamp(attempt.at));
        attempt.status ? statuses.add(static_cast<std::int64_t>(*attempt.status)) : statuses.add_null();
        errors.add(storable_text(attempt.error, 256));
        latencies.add(static_cast<std::int64_t>(attempt.latency.count()));
        answers.add(storable_text(attempt.answer, kAnswerKept));
        verdicts.add(word(attempt.verdict));
        next.add(sql_timestamp(attempt.next_attempt_at.value_or(attempt.at + 60s)));
    }
    Params parameters() const {
        return params(callbacks, tokens, times, statuses, errors, latencies, answers, verdicts, next);
    }
};

using LeaseOfCallback = std::pair<std::string, std::string>;

LeaseOfCallback lease_of(const CallbackAttempt& attempt) {
    return {attempt.callback.str(), attempt.lease_token};
}

std::set<LeaseOfCallback> leases_in(const pqxx::result& rows) {
    std::set<LeaseOfCallback> leases;
    for (const auto& row : rows)
        leases.emplace(row["id"].as<std::string>(), row["lease_token"].as<std::string>());
    return leases;
}

std::set<LeaseOfCallback> recorded_before(Transaction& transaction, std::span<const CallbackAttempt> items) {
    SqlArray callbacks, tokens;
    for (const auto& item : items) {
        callbacks.add(item.callback.str());
        tokens.add(item.lease_token);
    }
    return leases_in(transaction.run("attempts_recorded_before", params(callbacks, tokens)));
}

CommittedAttempts write_group(Transaction& transaction, Earlier earlier,
                              std::span<const CallbackAttempt> items, Timestamp now) {
    std::set<LeaseOfCallback> recorded;
    if (earlier == Earlier::in_doubt) recorded = recorded_before(transaction, items);

    AttemptRows rows;
    std::set<LeaseOfCallback> fresh;
    for (const auto& item : items) {
        if (!recorded.contains(lease_of(item)) && fresh.insert(lease_of(item)).second) rows.add(item);
    }
    if (!fresh.empty()) recorded.merge(leases_in(transaction.run("record_attempts", rows.parameters())));

    SqlArray paused;
    bool pause_any = false;
    for (const auto& item : items) {
        if (!item.pause_endpoint || !recorded.contains(lease_of(item))) continue;
        paused.add(item.url);
        pause_any = true;
    }
    if (pause_any) {
        transaction.run("pause_endpoints", params(paused, now));
        transaction.run("hold_callbacks", params(paused));
    }

    std::vector<Result<Nothing>> outcomes;
    for (const auto& item : items) {
        // Each lease answers once: the same attempt twice in a group is one attempt.
        if (recorded.erase(lease_of(item)) == 1) {
            outcomes.emplace_back(Nothing{});
        } else {
            outcomes.emplace_back(fail(ErrorCode::lease_lost, "another sender has this callback"));
        }
    }
    return outcomes;
}

void resume(Transaction& transaction, const SqlArray& urls, Timestamp now) {
    transaction.run("resume_endpoints", params(urls));
    transaction.run("unhold_callbacks", params(urls, now));
}

struct ReplayPage {
    std::size_t replayed = 0;
    std::string last;
};

}  // namespace

CommittedAttempts commit_attempts(RecordsState& state, std::span<const CallbackAttempt> items) {
    return transact(state.pool, [&](Transaction& transaction, Earlier earlier) {
        return write_group(transaction, earlier, items, state.clock.now());
    });
}

Result<std::vector<Callback>> Records::claim_callbacks(std::size_t most, std::size_t per_url,
                                                       std::chrono::seconds lease) {
    const auto token = state_->token();
    const auto wanted = std::clamp<std::size_t>(most, 1, 1'000);
    std::string turn;
    {
        const std::lock_guard lock{state_->turns_mutex};
        turn = state_->turn_url;
    }
    struct Claimed {
        std::vector<Callback> callbacks;
        std::string last_url;
    };
    const auto now = state_->clock.now();
    auto claimed = transact(state_->pool, [&](Transaction& transaction, Earlier earlier) -> Result<Claimed> {
        pqxx::result rows;
        if (earlier == Earlier::in_doubt) rows = transaction.run("callbacks_claimed_before", params(token));
        if (rows.empty()) {
            rows =
                transaction.run("claim_callbacks", params(token, lease.count(), wanted, per_url, now, turn));
        }
        const Columns columns{rows};
        Claimed result;
        for (const auto& row : rows)
            result.callbacks.push_back(to_callback(columns, row));
        const auto last = transaction.run("last_url_in_turn", params(turn));
        if (!last[0][0].is_null()) result.last_url = last[0][0].as<std::string>();
        return result;
    });
    if (!claimed) return fail(claimed.error());
    {
        const std::lock_guard lock{state_->turns_mutex};
        state_->turn_url = claimed->last_url;  // empty at the end: from the start again
    }
    auto& callbacks = claimed->callbacks;
    std::sort(callbacks.begin(), callbacks.end(),
              [](const Callback& a, const Callback& b) { return a.id < b.id; });
    if (callbacks.size() == wanted) state_->wakeups.signal_here(Work::callbacks);
    return std::move(callbacks);
}

void Records::record_attempt(CallbackAttempt attempt, std::function<void(Result<>)> done) {
    state_->attempts.submit(std::move(attempt), [done = std::move(done)](Result<Nothing> recorded) {
        if (recorded) {
            done({});
        } else {
            done(fail(std::move(recorded.error())));
        }
    });
}

Result<std::vector<CallbackDetails>> Records::callbacks(const CallbackQuery& query) {
    std::optional<std::string> state, before;
    if (query.state) state = to_string(*query.state);
    if (query.before) before = query.before->str();
    auto parameters = params(text_of(query.app), state, before, std::clamp<std::size_t>(query.limit, 1, 201));
    if (query.upload) parameters.add(query.upload->str());
    return read(state_->pool, [&](Transaction& transaction) -> Result<std::vector<CallbackDetails>> {
        const auto rows = transaction.run(query.upload                         ? "list_callbacks_of_upload"
                                          : query.state == CallbackState::dead ? "list_dead_callbacks"
                                                                               : "list_callbacks",
                                          parameters);
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
        const auto attempts = transaction.run("attempts_of", params(ids));
        const Columns attempt_columns{attempts};
        for (const auto& row : attempts) {
            AttemptRow attempt;
            attempt.at = attempt_columns.time(row, "at");
            if (const auto status = attempt_columns.maybe_number(row, "status"))
                attempt.status = static_cast<int>(*status);
            attempt.error = attempt_columns.text(row, "error");
            attempt.latency = std::chrono::milliseconds{attempt_columns.number(row, "latency_ms")};
            attempt.answer = attempt_columns.text(row, "answer");
            details[places.at(attempt_columns.text(row, "callback_id"))].attempts.push_back(
                std::move(attempt));
        }
        return details;
    });
}

Result<> Records::replay(const std::optional<AppName>& app, const CallbackId& id) {
    auto replayed = transact(state_->pool, [&](Transaction& transaction, Earlier) -> Result<> {
        const auto rows = transaction.run("find_callback", params(id.str(), text_of(app)));
        if (rows.empty()) return fail(ErrorCode::callback_not_found, "no callback has this id");
        const auto callback = to_callback(Columns{rows}, rows[0]);
        if (callback.body.empty()) {
            return fail(ErrorCode::state_conflict,
                        "the upload was deleted and this callback's body erased with it");
        }
        const auto now = state_->clock.now();
        SqlArray ids, urls;
        ids.add(id.str());
        urls.add(callback.url);
        transaction.run("replay_callbacks", params(ids, now));
        resume(transaction, urls, now);
        return {};
    });
    if (replayed) state_->wakeups.signal(Work::callbacks);
    return replayed;
}

Result<std::size_t> Records::replay_since(const std::optional<AppName>& app, Timestamp since,
                                          CallbackState state) {
    std::size_t replayed = 0;
    std::string last;
    for (;;) {  // a thousand a transaction
        auto page = transact(state_->pool, [&](Transaction& transaction, Earlier) -> Result<ReplayPage> {
            const auto rows =
                transaction.run("callbacks_since", params(last, since, to_string(state), text_of(app)));
            ReplayPage found;
            SqlArray ids, urls;
            std::set<std::string> distinct;
            for (const auto& row : rows) {
                found.last = row["id"].as<std::string>();
                ids.add(found.last);
                if (distinct.insert(row["url"].as<std::string>()).second)
                    urls.add(row["url"].as<std::string>());
                ++found.replayed;
            }
            if (found.replayed == 0) return found;
            const auto now = state_->clock.now();
            transaction.run("replay_callbacks", params(ids, now));
            resume(transaction, urls, now);
            return found;
        });
        if (!page) return fail(page.error());
        if (page->replayed == 0) break;
        replayed += page->replayed;
        last = page->last;
    }
    if (replayed > 0) state_->wakeups.signal(Work::callbacks);
    return replayed;
}

}  // namespace photogate::storage::records
