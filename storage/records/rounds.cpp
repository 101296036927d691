// Rounds, and the uploads that a round at the store is about: t9.
#include "model/object_layout.hpp"
#include "storage/records/records_state.hpp"

namespace photogate::storage::records {
namespace {

constexpr std::size_t kFew = 10'000;

RoundTally to_tally(const pqxx::row& row) {
    return {row["seen"].as<std::uint64_t>(), row["removed"].as<std::uint64_t>(),
            row["unknown"].as<std::uint64_t>()};
}

/// The statements that move a round on all begin with its name and token.
Result<bool> move_round(Pool& pool, const std::string& statement, const Params& parameters) {
    return transact(pool, [&](Transaction& transaction, Earlier) -> Result<bool> {
        return !transaction.run(statement, parameters).empty();
    });
}

}  // namespace

Result<std::optional<Round>> Records::begin_round(const std::string& name, std::chrono::seconds lease,
                                                  RoundStart start) {
    const auto token = state_->token();
    return transact(
        state_->pool, [&](Transaction& transaction, Earlier earlier) -> Result<std::optional<Round>> {
            pqxx::result rows;
            if (earlier == Earlier::in_doubt) rows = transaction.run("round_held", params(name, token));
            if (rows.empty())
                rows = transaction.run("begin_round",
                                       params(name, token, lease.count(), start == RoundStart::at_once));
            if (rows.empty()) return std::optional<Round>{};
            return std::optional<Round>{Round{name, token, rows[0]["cursor"].c_str(), to_tally(rows[0])}};
        });
}

Result<bool> Records::keep_round(const Round& round, std::chrono::seconds lease) {
    return move_round(state_->pool, "keep_round",
                      params(round.name, round.token, lease.count(), round.cursor, round.tally.seen,
                             round.tally.removed, round.tally.unknown));
}

Result<bool> Records::pause_round(const Round& round, std::chrono::milliseconds again_in) {
    return move_round(state_->pool, "pause_round",
                      params(round.name, round.token, again_in.count(), round.cursor, round.tally.seen,
                             round.tally.removed, round.tally.unknown));
}

Result<bool> Records::end_round(const Round& round, std::chrono::milliseconds again_in) {
    return move_round(state_->pool, "end_round",
                      params(round.name, round.token, again_in.count(), round.tally.seen, round.tally.removed,
                             round.tally.unknown));
}

Result<std::vector<model::Upload>> Records::past_grant(const PastGrant& after, std::chrono::seconds grace,
                                                       std::size_t limit) {
    return read(state_->pool, [&](Transaction& transaction) -> Result<std::vector<model::Upload>> {
        return to_uploads(transaction.run(
            "uploads_past_grant",
            params(after.expires_at, after.id, Timestamp{state_->clock.now() - grace}, limit)));
    });
}

Result<std::vector<std::string>> Records::open_minutes(std::chrono::seconds grace,
                                                       std::chrono::seconds longest_grant) {
    return read(state_->pool, [&](Transaction& transaction) -> Result<std::vector<std::string>> {
        const auto now = state_->clock.now();
        auto rows = transaction.run("open_minutes_of_few", params(Timestamp{now - grace}, kFew));
        const bool many = !rows.empty() && rows[rows.size() - 1][0].is_null();
        if (many) {
            const auto first = model::incoming_minute_prefix(now - grace - longest_grant);
            rows = transaction.run("minutes_since", params(first));
        }
        std::vector<std::string> prefixes;
        for (const auto& row : rows)
            prefixes.emplace_back(row[0].c_str());
        return prefixes;
    });
}

}  // namespace photogate::storage::records
