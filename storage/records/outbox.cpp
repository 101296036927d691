// The outbox: claims and attempts.
#include "storage/records/outbox.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/encoding.hpp"
#include "storage/records/database_state.hpp"

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

struct Nothing {};
using CommittedAttempts = Result<std::vector<Result<Nothing>>>;

std::string_view word(model::CallbackAttempt::Verdict verdict) {
    switch (verdict) {
        case model::CallbackAttempt::Verdict::delivered:
            return "delivered";
        case model::CallbackAttempt::Verdict::again:
            return "again";
        case model::CallbackAttempt::Verdict::dead:
            return "dead";
    }
    return "again";
}

struct AttemptRows {
    SqlArray callbacks, tokens, times, statuses, errors, latencies, answers, verdicts, next, apps, urls;

    void add(const model::CallbackAttempt& attempt) {
        constexpr std::size_t kAnswerKept = 1024;
        callbacks.add(attempt.callback.str());
        tokens.add(attempt.lease_token);
        times.add(database::sql_timestamp(attempt.at));
        attempt.status ? statuses.add(static_cast<std::int64_t>(*attempt.status)) : statuses.add_null();
        errors.add(database::storable_text(attempt.error, 256));
        latencies.add(static_cast<std::int64_t>(attempt.latency.count()));
        answers.add(database::storable_text(attempt.answer, kAnswerKept));
        verdicts.add(word(attempt.verdict));
        next.add(database::sql_timestamp(attempt.next_attempt_at.value_or(attempt.at + 60s)));
        apps.add(attempt.endpoint.app.str());
        urls.add(attempt.endpoint.url);
    }
    Params parameters() const {
        return params(callbacks, tokens, times, statuses, errors, latencies, answers, verdicts, next, apps,
                      urls);
    }
};

using LeaseOfCallback = std::pair<std::string, std::string>;

LeaseOfCallback lease_of(const model::CallbackAttempt& attempt) {
    return {attempt.callback.str(), attempt.lease_token};
}

std::set<LeaseOfCallback> leases_in(const pqxx::result& rows) {
    std::set<LeaseOfCallback> leases;
    for (const auto& row : rows)
        leases.emplace(row["id"].as<std::string>(), row["lease_token"].as<std::string>());
    return leases;
}

std::set<LeaseOfCallback> recorded_before(Transaction& transaction,
                                          std::span<const model::CallbackAttempt> items) {
    SqlArray callbacks, tokens;
    for (const auto& item : items) {
        callbacks.add(item.callback.str());
        tokens.add(item.lease_token);
    }
    return leases_in(transaction.run("attempts_recorded_before", params(callbacks, tokens)));
}

/// What a group of attempts says of each endpoint, in their order.
EndpointNews news_of(std::span<const model::CallbackAttempt> items,
                     const std::set<LeaseOfCallback>& recorded) {
    EndpointNews news;
    for (const auto& item : items) {
        if (!recorded.contains(lease_of(item))) continue;
        if (item.pause_endpoint) {
            news.gone.insert(item.endpoint);
        } else if (item.verdict == model::CallbackAttempt::Verdict::delivered) {
            news.failed.erase(item.endpoint);
            news.answered.insert(item.endpoint);
        } else if (item.error != "no_secret" &&
                   item.error != "no_hook") {  // which are ours, not the receiver's
            auto& failure = news.failed[item.endpoint];
            ++failure.count;
            failure.status = item.status;
            failure.error = item.error;
        }
    }
    return news;
}

CommittedAttempts write_group(DatabaseState& state, Transaction& transaction, Earlier earlier,
                              std::span<const model::CallbackAttempt> items) {
    std::set<LeaseOfCallback> recorded;
    if (earlier == Earlier::in_doubt) recorded = recorded_before(transaction, items);

    AttemptRows rows;
    std::set<LeaseOfCallback> fresh;
    for (const auto& item : items) {
        if (!recorded.contains(lease_of(item)) && fresh.insert(lease_of(item)).second) rows.add(item);
    }
    if (!fresh.empty()) {
        auto written = leases_in(transaction.run("record_attempts", rows.parameters()));
        tell_endpoints(state, transaction, news_of(items, written));
        recorded.merge(written);
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

CommittedAttempts commit_attempts(DatabaseState& state, std::span<const model::CallbackAttempt> items) {
    return transact(state.pool, [&](Transaction& transaction, Earlier earlier) {
        return write_group(state, transaction, earlier, items);
    });
}

}  // namespace

/// Of one app in one turn, as `callback_turns` has it.
constexpr std::size_t kMostUrls = 64;

/// Who was served last; the next claim begins behind them.
struct Turn {
    std::string app;                          ///< empty: from the first app on
    std::map<std::string, std::string> urls;  ///< by app; an app that is absent: from its first URL on

    /// Continues behind the rows of `callback_turns`. True if a party was not reached.
    bool advance(const pqxx::result& rows) {
        const bool from_the_start = app.empty();
        app.clear();
        bool left = rows.empty() && !from_the_start;
        std::map<std::string, std::size_t> reached;
        for (const auto& row : rows) {
            const std::string name = row["app"].c_str();
            urls.erase(name);
            if (!row["url"].is_null() && ++reached[name] == kMostUrls) {
                urls[name] = row["url"].c_str();
                left = true;
            }
            if (row["goes_on"].as<bool>()) {
                app = name;
                left = true;
            }
        }
        return left;
    }
};

struct Outbox::Attempts {
    explicit Attempts(DatabaseState& state)
        : committer(state.group_options(), [&state](std::span<const model::CallbackAttempt> items) {
              return commit_attempts(state, items);
          }) {}
    std::mutex mutex;
    Turn turn;
    GroupCommitter<model::CallbackAttempt, Nothing> committer;
};

Outbox::Outbox(Database& database)
    : state_(database.state()), attempts_(std::make_unique<Attempts>(state_)) {}

Outbox::~Outbox() = default;

void Outbox::wait_for_callbacks(std::chrono::milliseconds timeout) {
    state_.wakeups.wait(Work::callbacks, timeout);
}

void Outbox::stop_waiting() {
    state_.wakeups.stop();
}

Result<std::vector<model::Callback>> Outbox::claim(std::size_t most, std::size_t per_url,
                                                   std::chrono::seconds lease) {
    const auto token = state_.token();
    const auto wanted = std::clamp<std::size_t>(most, 1, 1'000);
    Turn turn;
    {
        const std::lock_guard lock{attempts_->mutex};
        turn = attempts_->turn;
    }
    SqlArray turn_apps, turn_urls;
    for (const auto& [app, url] : turn.urls) {
        turn_apps.add(app);
        turn_urls.add(url);
    }
    struct Claimed {
        std::vector<model::Callback> callbacks;
        Turn next;
        bool go_on = false;
    };
    const auto now = state_.clock.now();
    auto claimed = transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<Claimed> {
        const auto turns = transaction.run("callback_turns", params(turn.app, turn_apps, turn_urls, now));
        SqlArray next_apps, next_urls;
        for (const auto& row : turns) {
            if (row["url"].is_null()) continue;
            next_apps.add(row["app"].c_str());
            next_urls.add(row["url"].c_str());
        }
        pqxx::result rows;
        if (earlier == Earlier::in_doubt) rows = transaction.run("callbacks_claimed_before", params(token));
        if (rows.empty()) {
            rows = transaction.run("claim_callbacks",
                                   params(token, lease.count(), wanted, per_url, now, next_apps, next_urls));
        }
        const Columns columns{rows};
        Claimed result;
        for (const auto& row : rows) {
            try {
                result.callbacks.push_back(to_claimed_callback(columns, row));
            } catch (const UnknownWord& problem) {
                log_unreadable("callbacks", columns.text(row, "id"), problem);
            }
        }
        result.next = turn;
        const bool left = result.next.advance(turns);
        // Behind more than one look can see, the turn goes round before anybody waits.
        result.go_on = left && (turns.empty() || turns[0]["deep"].as<bool>());
        return result;
    });
    if (!claimed) return fail(claimed.error());
    {
        const std::lock_guard lock{attempts_->mutex};
        attempts_->turn = std::move(claimed->next);
    }
    auto& callbacks = claimed->callbacks;
    std::sort(callbacks.begin(), callbacks.end(),
              [](const model::Callback& a, const model::Callback& b) { return a.id < b.id; });
    if (callbacks.size() == wanted || claimed->go_on) state_.wakeups.signal_here(Work::callbacks);
    return std::move(callbacks);
}

void Outbox::record_attempt(model::CallbackAttempt attempt, std::function<void(Result<>)> done) {
    attempts_->committer.submit(std::move(attempt), [done = std::move(done)](Result<Nothing> recorded) {
        if (recorded) {
            done({});
        } else {
            done(fail(std::move(recorded.error())));
        }
    });
}

}  // namespace photogate::storage::records
