// Callback endpoints: what attempts say of them, pauses and resumes.
#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/outbox.hpp"

namespace photogate::storage::records {
namespace {

constexpr std::size_t kBite = 5'000;  ///< rows that one statement holds back or lets go

/// Endpoints as two arrays, which a statement reads side by side.
struct EndpointArrays {
    SqlArray apps, urls;
    void add(const model::EndpointKey& endpoint) {
        apps.add(endpoint.app.str());
        urls.add(endpoint.url);
    }
};

EndpointArrays arrays_of(const std::set<model::EndpointKey>& endpoints) {
    EndpointArrays arrays;
    for (const auto& endpoint : endpoints)
        arrays.add(endpoint);
    return arrays;
}

model::CallbackEndpoint::State state_of(const Columns& columns, const pqxx::row& row, Timestamp now) {
    using State = model::CallbackEndpoint::State;
    if (!columns.is_null(row, "paused_at")) return State::paused;
    if (const auto until = columns.maybe_time(row, "open_until"))
        return *until > now ? State::open : State::half_open;
    return columns.is_null(row, "share") ? State::failing : State::recovering;
}

model::CallbackEndpoint to_endpoint(const Columns& columns, const pqxx::row& row, Timestamp now) {
    model::CallbackEndpoint endpoint;
    endpoint.key = {AppName::trusted(columns.text(row, "app")), columns.text(row, "url")};
    endpoint.state = state_of(columns, row, now);
    endpoint.failures = static_cast<std::uint32_t>(columns.maybe_number(row, "failures").value_or(0));
    endpoint.failing_since = columns.maybe_time(row, "failing_since");
    endpoint.last_at = columns.maybe_time(row, "last_at");
    if (const auto status = columns.maybe_number(row, "last_status"))
        endpoint.last_status = static_cast<int>(*status);
    endpoint.last_error = columns.text(row, "last_error");
    if (endpoint.state != model::CallbackEndpoint::State::paused)
        endpoint.probe_at = columns.maybe_time(row, "open_until");
    endpoint.paused_at = columns.maybe_time(row, "paused_at");
    endpoint.waiting = static_cast<std::size_t>(columns.number(row, "waiting"));
    return endpoint;
}

/// Whose endpoint is meant: the caller's, or, for the operator, that of each app that has something to do with
/// the URL. Errors: callback_not_found.
Result<std::vector<model::EndpointKey>> known_endpoints(Transaction& transaction, const EndpointQuery& whose,
                                                        const std::string& url) {
    const auto app = whose.app ? std::make_optional(whose.app->str()) : std::nullopt;
    std::vector<model::EndpointKey> known;
    for (const auto& row : transaction.run("known_endpoints", params(app, url)))
        known.push_back({AppName::trusted(row["app"].c_str()), url});
    const bool own = whose.app && !whose.own_url.empty() && url == whose.own_url;
    if (known.empty() && own) known.push_back({*whose.app, url});
    if (known.empty()) return fail(ErrorCode::callback_not_found, "no callback of yours waits for this URL");
    return known;
}

/// One bite in a transaction of its own.
Result<std::size_t> unhold_bite(DatabaseState& state, const model::EndpointKey& endpoint) {
    return transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<std::size_t> {
        return static_cast<std::size_t>(
            transaction
                .run("unhold_callbacks", params(endpoint.app.str(), endpoint.url, state.clock.now(), kBite))
                .affected_rows());
    });
}

/// Each failure in a row of an endpoint; those whose breaker opens with it.
void tell_failures(DatabaseState& state, Transaction& transaction,
                   const std::map<model::EndpointKey, EndpointNews::Failure>& failed, Timestamp now) {
    const auto& rule = state.options.breaker;
    EndpointArrays endpoints;
    SqlArray counts, statuses, errors;
    for (const auto& [endpoint, failure] : failed) {
        endpoints.add(endpoint);
        counts.add(static_cast<std::int64_t>(failure.count));
        failure.status ? statuses.add(static_cast<std::int64_t>(*failure.status)) : statuses.add_null();
        errors.add(database::storable_text(failure.error, 64));
    }
    EndpointArrays opened;
    SqlArray until;
    bool any = false;
    for (const auto& row : transaction.run("endpoints_failed", params(endpoints.apps, endpoints.urls, counts,
                                                                      statuses, errors, now, rule.after))) {
        if (row["open"].as<bool>()) continue;
        const auto failures = row["failures"].as<std::uint32_t>();
        const auto hold = [&] {
            const std::lock_guard lock{state.random_mutex};
            return breaker_hold(failures, rule, state.random);
        }();
        if (!hold) continue;
        const model::EndpointKey endpoint{AppName::trusted(row["app"].c_str()), row["url"].as<std::string>()};
        opened.add(endpoint);
        until.add(database::sql_timestamp(now + *hold));
        any = true;
        log::warn("callback.breaker_open",
                  {{"app", endpoint.app.str()},
                   {"url", without_query(endpoint.url)},
                   {"failures", failures},
                   {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(*hold).count()}});
    }
    if (any) transaction.run("open_endpoints", params(opened.apps, opened.urls, until, now));
}

}  // namespace

void tell_endpoints(DatabaseState& state, Transaction& transaction, const EndpointNews& news) {
    const auto now = state.clock.now();
    if (!news.answered.empty()) {
        const auto endpoints = arrays_of(news.answered);
        transaction.run("endpoints_answered",
                        params(endpoints.apps, endpoints.urls, now, state.options.breaker.share));
    }
    if (!news.failed.empty()) tell_failures(state, transaction, news.failed, now);
    if (!news.gone.empty()) {
        const auto endpoints = arrays_of(news.gone);
        transaction.run("pause_endpoints", params(endpoints.apps, endpoints.urls, now));
        // A first bite; tidy_endpoints() holds back the rest.
        transaction.run("hold_callbacks", params(endpoints.apps, endpoints.urls, kBite));
    }
}

Result<std::size_t> resume(DatabaseState& state, const model::EndpointKey& endpoint) {
    // What was written while the pause was not committed yet is not held back; it is due now and counted like the rest.
    const auto held = transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        EndpointArrays endpoints;
        endpoints.add(endpoint);
        transaction.run("hold_callbacks", params(endpoints.apps, endpoints.urls, kBite));
        return {};
    });
    if (!held) return fail(held.error());
    std::size_t due = 0;
    for (;;) {  // while it is still paused, and so skipped
        const auto bite = unhold_bite(state, endpoint);
        if (!bite) return fail(bite.error());
        due += *bite;
        if (*bite < kBite) break;
    }
    auto last = transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<std::size_t> {
        const auto now = state.clock.now();
        transaction.run("resume_endpoint", params(endpoint.app.str(), endpoint.url));
        transaction.run("hasten_probe", params(endpoint.app.str(), endpoint.url, now));
        // Whoever wrote while it was paused has committed: the deletion waited for them.
        return static_cast<std::size_t>(
            transaction.run("unhold_callbacks", params(endpoint.app.str(), endpoint.url, now, kBite))
                .affected_rows());
    });
    if (!last) return fail(last.error());
    return due + *last;
}

Result<> tidy_endpoints(DatabaseState& state) {
    using namespace std::chrono_literals;
    // The whole schedule, with its jitter, takes 91 hours.
    constexpr auto kGiveUp = 96h;
    constexpr auto kStillFails = 1h;
    constexpr auto kBackForGood = 1min;
    const auto now = state.clock.now();
    return read(state.pool, [&](Transaction& transaction) -> Result<> {
        const std::optional<std::string> all;
        transaction.run("hold_callbacks", params(all, all, kBite));
        const auto buried =
            transaction
                .run("bury_callbacks", params(now, Timestamp{now - kGiveUp}, Timestamp{now - kStillFails}))
                .affected_rows();
        if (buried > 0) log::error("callback.buried", {{"callbacks", buried}});
        transaction.run("forget_endpoints", params(Timestamp{now - kBackForGood}, Timestamp{now - kGiveUp}));
        return {};
    });
}

Result<std::vector<model::CallbackEndpoint>> Outbox::endpoints(const EndpointQuery& query) {
    const auto app = query.app ? std::make_optional(query.app->str()) : std::nullopt;
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::CallbackEndpoint>> {
        const auto rows =
            transaction.run("list_endpoints", params(app, query.after ? query.after->app.str() : "",
                                                     query.after ? query.after->url : "",
                                                     std::clamp<std::size_t>(query.limit, 1, 201)));
        const Columns columns{rows};
        const auto now = state_.clock.now();
        std::vector<model::CallbackEndpoint> endpoints;
        for (const auto& row : rows)
            endpoints.push_back(to_endpoint(columns, row, now));
        return endpoints;
    });
}

Result<> Outbox::pause_endpoint(const EndpointQuery& whose, const std::string& url) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        const auto known = known_endpoints(transaction, whose, url);
        if (!known) return fail(known.error());
        EndpointArrays endpoints;
        for (const auto& endpoint : *known)
            endpoints.add(endpoint);
        transaction.run("pause_endpoints", params(endpoints.apps, endpoints.urls, state_.clock.now()));
        transaction.run("hold_callbacks", params(endpoints.apps, endpoints.urls, kBite));
        return {};
    });
}

Result<std::size_t> Outbox::resume_endpoint(const EndpointQuery& whose, const std::string& url) {
    const auto known =
        read(state_.pool, [&](Transaction& transaction) { return known_endpoints(transaction, whose, url); });
    if (!known) return fail(known.error());
    std::size_t due = 0;
    for (const auto& endpoint : *known) {
        const auto resumed = resume(state_, endpoint);
        if (!resumed) return fail(resumed.error());
        due += *resumed;
    }
    state_.wakeups.signal(Work::callbacks);
    return due;
}

}  // namespace photogate::storage::records
