#include "storage/database/database_error.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

#include <pqxx/pqxx>

#include "base/log.hpp"

namespace photogate::storage::database {
namespace {

DatabaseFailure from_sqlstate(const std::string& sqlstate, const char* what) {
    const Remedy remedy = remedy_for(sqlstate);
    switch (remedy) {
        case Remedy::repeat:
            return {remedy, {ErrorCode::database_conflict, "another change came first (" + sqlstate + ")"}};
        case Remedy::reconnect:
        case Remedy::leave_server:
        case Remedy::come_back_later:
            log::warn("database.unavailable", {{"sqlstate", sqlstate}, {"error", what}});
            return {remedy,
                    {ErrorCode::database_unavailable, "the database can not serve now (" + sqlstate + ")"}};
        case Remedy::look_again:
            return {remedy, {ErrorCode::commit_in_doubt, "the answer to COMMIT was lost (" + sqlstate + ")"}};
        case Remedy::give_up:
            break;
    }
    const bool is_about_the_row = sqlstate.starts_with("22") || sqlstate.starts_with("23");
    // DETAIL and CONTEXT, on further lines, say what stood in the row: a client's own words.
    const std::string_view said{what};
    log::error("database.refused", {{"sqlstate", sqlstate},
                                    {"error", is_about_the_row ? said.substr(0, said.find('\n')) : said}});
    if (is_about_the_row) {
        return {remedy, {ErrorCode::database_constraint, "the database refused the row (" + sqlstate + ")"}};
    }
    return {remedy, {ErrorCode::internal, "the database refused the statement (" + sqlstate + ")"}};
}

DatabaseFailure classify(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const pqxx::in_doubt_error&) {
        return {Remedy::look_again, {ErrorCode::commit_in_doubt, "the answer to COMMIT was lost"}};
    } catch (const pqxx::statement_completion_unknown&) {
        return {Remedy::look_again, {ErrorCode::commit_in_doubt, "the answer to COMMIT was lost (40003)"}};
    } catch (const pqxx::too_many_connections&) {
        return {Remedy::come_back_later,
                {ErrorCode::database_unavailable, "the database has too many connections"}};
    } catch (const pqxx::broken_connection& error) {
        log::warn("database.connection_lost", {{"error", error.what()}});
        return {Remedy::reconnect,
                {ErrorCode::database_unavailable, "the connection to the database was lost"}};
    } catch (const pqxx::serialization_failure&) {
        return {Remedy::repeat, {ErrorCode::database_conflict, "another change came first (40001)"}};
    } catch (const pqxx::deadlock_detected&) {
        return {Remedy::repeat, {ErrorCode::database_conflict, "another change came first (40P01)"}};
    } catch (const pqxx::sql_error& error) {
        return from_sqlstate(error.sqlstate(), error.what());
    } catch (const std::invalid_argument& error) {
        return {Remedy::give_up, {ErrorCode::database_constraint, error.what()}};
    } catch (const std::exception& error) {
        log::error("database.unexpected", {{"error", error.what()}});
        return {Remedy::give_up, {ErrorCode::internal, "the database layer failed"}};
    }
}

}  // namespace

Remedy remedy_for(std::string_view sqlstate) {
    if (sqlstate == "40003") return Remedy::look_again;
    if (sqlstate.starts_with("40") || sqlstate == "55P03") return Remedy::repeat;
    if (sqlstate == "25006") return Remedy::leave_server;
    // "cached plan must not change result type": a migration has added a column to a table that prepared statements read. A new
    // session prepares them anew; every other one has them too.
    if (sqlstate == "0A000") return Remedy::leave_server;
    // 57P01 to 57P05: the server ends us, or starts. 25P02, 25P03: our transaction is gone.
    if (sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate.starts_with("25"))
        return Remedy::reconnect;
    if (sqlstate.starts_with("53") || sqlstate.starts_with("58") || sqlstate == "57014")
        return Remedy::come_back_later;
    return Remedy::give_up;
}

DatabaseFailure translate(const std::exception_ptr& thrown) noexcept {
    try {
        return classify(thrown);
    } catch (...) {
        return {Remedy::give_up, {ErrorCode::internal, "the database layer failed"}};
    }
}

}  // namespace photogate::storage::database
