#include "storage/database/transaction.hpp"

#include <stdexcept>
#include <thread>

#include "base/log.hpp"
#include "base/random.hpp"
#include "storage/database/database_error.hpp"
#include "storage/database/libpqxx.hpp"

namespace photogate::storage::database {
namespace {

using namespace std::chrono_literals;

constexpr int kMostRepeats = 3;
constexpr int kMostReconnects = 3;
constexpr int kMostDoubts = 3;
constexpr auto kPauseInDoubt = 50ms;

void wait_with_jitter(int repeats) {
    SystemRandom random;
    std::this_thread::sleep_for(std::chrono::microseconds{1'000 * (1 << repeats) + random.below(5'000)});
}

}  // namespace

Params& Params::add(std::string text) {
    if (text.find('\0') != std::string::npos) {
        throw std::invalid_argument("a text holds NUL, which PostgreSQL cannot keep");
    }
    values_.emplace_back(std::move(text));
    return *this;
}

Params& Params::add_null() {
    values_.emplace_back();
    return *this;
}

pqxx::result Transaction::run(const std::string& name, const Params& parameters) {
    const auto* statements = pool_.options().statements;
    if (statements == nullptr) throw std::logic_error("a pool without statements is asked for " + name);
    return run(*statements, name, parameters);
}

pqxx::result Transaction::run(const sql::NamedQueries& statements, const std::string& name,
                              const Params& parameters) {
    begin_statement();
    ParameterTexts values;
    values.reserve(parameters.values().size());
    for (const auto& value : parameters.values())
        values.push_back(value ? value->c_str() : nullptr);
    return connection_.run(work_, statements, name, values);
}

void Transaction::copy_text(const std::string& table, const std::vector<const char*>& names,
                            std::string_view rows) {
    begin_statement();
    copy_escaped(work_, table, names, rows, has_ended_copy_);
}

void Transaction::begin_statement() {
    connection_.expect_answer_within(pool_.options().statement_timeout + kGrace);
}

namespace detail {
namespace {

/// One try: nullopt where the body ended it, by its answer in `outcome`.
std::optional<DatabaseFailure> try_once(Pool& pool, Pool::Lease& lease, Shape shape, Earlier earlier,
                                        const std::function<Result<>(Transaction&, Earlier)>& body,
                                        Result<>& outcome) {
    auto& connection = lease.connection();
    bool in_doubt = false;
    try {
        if (shape != Shape::transaction) {
            pqxx::nontransaction work{connection.raw()};
            Transaction transaction{pool, connection, work};
            try {
                outcome = body(transaction, earlier);
            } catch (...) {
                in_doubt = shape == Shape::copy_writes && transaction.has_ended_copy();
                throw;
            }
        } else {
            connection.expect_answer_within(pool.options().statement_timeout + kGrace);
            pqxx::work work{connection.raw()};
            connection.begin_shared(work);
            Transaction transaction{pool, connection, work};
            outcome = body(transaction, earlier);
            connection.expect_answer_within(pool.options().statement_timeout + kGrace);
            if (outcome) work.commit();
        }
        return std::nullopt;
    } catch (...) {
        auto failure = translate(std::current_exception());
        const bool lost = !connection.raw().is_open();
        if (lost || failure.remedy == Remedy::reconnect || failure.remedy == Remedy::look_again)
            lease.spoil();
        if (failure.remedy == Remedy::leave_server) lease.spoil_all();
        if (lost && in_doubt) {
            failure = {Remedy::look_again,
                       {ErrorCode::commit_in_doubt, "the answer to the end of COPY was lost"}};
        } else if (lost && failure.remedy != Remedy::look_again) {
            // Whatever the exception said, a lost connection before COMMIT means: rolled back.
            failure = {Remedy::reconnect,
                       {ErrorCode::database_unavailable, "the connection to the database was lost"}};
        }
        return failure;
    }
}

}  // namespace

Result<> attempt(Pool& pool, Shape shape, const std::function<Result<>(Transaction&, Earlier)>& body) {
    Earlier earlier = Earlier::none;
    int repeats = 0, reconnects = 0, doubts = 0;
    const auto give_up_looking = std::chrono::steady_clock::now() + pool.options().statement_timeout;
    const auto in_doubt = [] {
        return fail(ErrorCode::commit_in_doubt, "the database went away while it was saving");
    };
    for (;;) {
        std::optional<DatabaseFailure> failure;
        Result<> outcome;
        {
            auto lease = pool.acquire();
            if (!lease && earlier == Earlier::in_doubt) {
                if (std::chrono::steady_clock::now() > give_up_looking) return in_doubt();
                std::this_thread::sleep_for(kPauseInDoubt);
                continue;
            }
            if (!lease) return tl::unexpected<Error>(std::move(lease.error()));
            failure = try_once(pool, *lease, shape, earlier, body, outcome);
        }
        if (!failure) return outcome;
        switch (failure->remedy) {
            case Remedy::repeat:
                if (++repeats > kMostRepeats) return tl::unexpected<Error>(std::move(failure->error));
                wait_with_jitter(repeats);
                break;
            case Remedy::reconnect:
            case Remedy::leave_server:
                if (++reconnects > kMostReconnects) {
                    return earlier == Earlier::in_doubt ? in_doubt() : fail(std::move(failure->error));
                }
                break;
            case Remedy::look_again:
                if (++doubts > kMostDoubts) return in_doubt();
                log::warn("database.commit_in_doubt", {{"tries", doubts}});
                earlier = Earlier::in_doubt;
                break;
            case Remedy::come_back_later:
            case Remedy::give_up:
                return tl::unexpected<Error>(std::move(failure->error));
        }
    }
}

}  // namespace detail
}  // namespace photogate::storage::database
