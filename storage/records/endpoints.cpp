// Callback URLs: what attempts say of them, pauses and resumes.
#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/outbox.hpp"

namespace photogate::storage::records {
namespace {

constexpr std::size_t kBite = 5'000;  ///< rows that one statement holds back or lets go

SqlArray array_of(const std::set<std::string>& texts) {
    SqlArray array;
    for (const auto& text : texts)
        array.add(text);
    return array;
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
    endpoint.url = columns.text(row, "url");
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

Result<> check_known(DatabaseState& state, const EndpointQuery& whose, const std::string& url) {
    if (!whose.own_url.empty() && url == whose.own_url) return {};
    const auto app = whose.app ? std::make_optional(whose.app->str()) : std::nullopt;
    const auto known = read(state.pool, [&](Transaction& transaction) -> Result<bool> {
        return transaction.run("knows_endpoint", params(app, url))[0]["known"].as<bool>();
    });
    if (!known) return fail(known.error());
    if (!*known) return fail(ErrorCode::callback_not_found, "no callback of yours waits for this URL");
    return {};
}

/// One bite in a transaction of its own.
Result<std::size_t> unhold_bite(DatabaseState& state, const std::string& url) {
    return transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<std::size_t> {
        return static_cast<std::size_t>(
            transaction.run("unhold_callbacks", params(url, state.clock.now(), kBite)).affected_rows());
    });
}

}  // namespace

void tell_endpoints(DatabaseState& state, Transaction& transaction, const EndpointNews& news) {
    const auto now = state.clock.now();
    const auto& rule = state.options.breaker;
    if (!news.answered.empty())
        transaction.run("endpoints_answered", params(array_of(news.answered), now, rule.share));
    if (!news.failed.empty()) {
        SqlArray urls, counts, statuses, errors;
        for (const auto& [url, failure] : news.failed) {
            urls.add(url);
            counts.add(static_cast<std::int64_t>(failure.count));
            failure.status ? statuses.add(static_cast<std::int64_t>(*failure.status)) : statuses.add_null();
            errors.add(storable_text(failure.error, 64));
        }
        SqlArray opened, until;
        bool any = false;
        for (const auto& row :
             transaction.run("endpoints_failed", params(urls, counts, statuses, errors, now, rule.after))) {
            if (row["open"].as<bool>()) continue;
            const auto failures = row["failures"].as<std::uint32_t>();
            const auto hold = [&] {
                const std::lock_guard lock{state.random_mutex};
                return breaker_hold(failures, rule, state.random);
            }();
            if (!hold) continue;
            const auto url = row["url"].as<std::string>();
            opened.add(url);
            until.add(sql_timestamp(now + *hold));
            any = true;
            log::warn("callback.breaker_open",
                      {{"url", without_query(url)},
                       {"failures", failures},
                       {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(*hold).count()}});
        }
        if (any) transaction.run("open_endpoints", params(opened, until, now));
    }
    if (!news.gone.empty()) {
        const auto urls = array_of(news.gone);
        transaction.run("pause_endpoints", params(urls, now));
        // A first bite; tidy_endpoints() holds back the rest.
        transaction.run("hold_callbacks", params(urls, kBite));
    }
}

Result<std::size_t> resume_url(DatabaseState& state, const std::string& url) {
    std::size_t due = 0;
    for (;;) {  // while it is still paused, and so passed over
        const auto bite = unhold_bite(state, url);
        if (!bite) return fail(bite.error());
        due += *bite;
        if (*bite < kBite) break;
    }
    auto last = transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<std::size_t> {
        const auto now = state.clock.now();
        transaction.run("resume_endpoint", params(url));
        SqlArray urls;
        urls.add(url);
        transaction.run("hasten_probes", params(urls, now));
        // Whoever wrote while it was paused has committed: the deletion waited for them.
        return static_cast<std::size_t>(
            transaction.run("unhold_callbacks", params(url, now, kBite)).affected_rows());
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
        transaction.run("hold_callbacks", params(std::optional<std::string>{}, kBite));
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
        const auto rows = transaction.run(
            "list_endpoints",
            params(app, query.own_url, query.after, std::clamp<std::size_t>(query.limit, 1, 201)));
        const Columns columns{rows};
        const auto now = state_.clock.now();
        std::vector<model::CallbackEndpoint> endpoints;
        for (const auto& row : rows)
            endpoints.push_back(to_endpoint(columns, row, now));
        return endpoints;
    });
}

Result<> Outbox::pause_endpoint(const EndpointQuery& whose, const std::string& url) {
    if (auto known = check_known(state_, whose, url); !known) return known;
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        SqlArray urls;
        urls.add(url);
        transaction.run("pause_endpoints", params(urls, state_.clock.now()));
        transaction.run("hold_callbacks", params(urls, kBite));
        return {};
    });
}

Result<std::size_t> Outbox::resume_endpoint(const EndpointQuery& whose, const std::string& url) {
    if (auto known = check_known(state_, whose, url); !known) return fail(known.error());
    auto due = resume_url(state_, url);
    if (due) state_.wakeups.signal(Work::callbacks);
    return due;
}

}  // namespace photogate::storage::records
