#include "storage/builtin/sqlite.hpp"

#include <cerrno>
#include <stdexcept>

#include <fmt/format.h>
#include <sqlite3.h>

#include "storage/builtin/files.hpp"

namespace photogate::storage::builtin {

namespace {

Error translated(sqlite3* database, int code) {
    const char* words = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
    const int number = database != nullptr ? sqlite3_system_errno(database) : 0;
    switch (code & 0xFF) {
        case SQLITE_FULL:
            return file_failure("the store's index", ENOSPC);
        case SQLITE_IOERR:
            if (number == ENOSPC || number == EDQUOT || number == EFBIG)
                return file_failure("the store's index", number);
            return {ErrorCode::file_error, fmt::format("the store's index: {}", words)};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {ErrorCode::file_error, fmt::format("the store's index is damaged: {}", words)};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {ErrorCode::store_unavailable, fmt::format("the store's index is busy: {}", words)};
        default:
            return {ErrorCode::file_error, fmt::format("the store's index: {}", words)};
    }
}

[[noreturn]] void give_up(sqlite3* database, int code) {
    const bool unknown = (code & 0xFF) == SQLITE_IOERR && code != SQLITE_IOERR_WRITE;
    throw StoreFailure{translated(database, code), unknown};
}

const sql::NamedQueries& named_statements() {
    static const sql::NamedQueries all(sql_files());
    return all;
}

}  // namespace

Query::~Query() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

void Query::check(int code) const {
    if (code != SQLITE_OK) give_up(database_, code);
}

Query& Query::number(std::int64_t value) {
    check(sqlite3_bind_int64(statement_, ++bound_, value));
    return *this;
}

Query& Query::text(std::string_view value) {
    check(
        sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    return *this;
}

Query& Query::blob(std::string_view value) {
    // A null pointer would bind NULL, not an empty blob.
    check(sqlite3_bind_blob64(statement_, ++bound_, value.empty() ? "" : value.data(), value.size(),
                              SQLITE_TRANSIENT));
    return *this;
}

Query& Query::optional_blob(const std::optional<std::string>& value) {
    if (value) return blob(std::string_view{*value});
    check(sqlite3_bind_null(statement_, ++bound_));
    return *this;
}

bool Query::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) give_up(database_, code);
    return false;
}

void Query::again() {
    check(sqlite3_reset(statement_));
    bound_ = 0;
}

std::int64_t Query::number_at(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string Query::text_at(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return text != nullptr
               ? std::string{text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))}
               : std::string{};
}

std::string Query::blob_at(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return bytes != nullptr
               ? std::string{bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))}
               : std::string{};
}

std::optional<std::string> Query::optional_blob_at(int column) const {
    if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
    return blob_at(column);
}

Connection::Connection(const std::filesystem::path& file, Use use) {
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (use == Use::write ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(file.c_str(), &database_, flags, nullptr);
    try {
        if (code != SQLITE_OK) give_up(database_, code);
        sqlite3_extended_result_codes(database_, 1);
        sqlite3_busy_timeout(database_, 10'000);
        // FULL: a commit is on the disk when it returns. The log keeps its size, so that repeated writes need
        // no new blocks of the file system, and deletion works on a full disk.
        execute(
            "pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory;"
            "pragma foreign_keys = off; pragma journal_size_limit = -1;");
        execute(use == Use::write ? "pragma cache_size = -8192"
                                  : "pragma cache_size = -1024; pragma query_only = on");
        if (use == Use::write) execute(named_statements().at("schema").c_str());
        for (const auto& [name, text] : named_statements().all()) {
            if (name == "schema") continue;
            sqlite3_stmt* statement = nullptr;
            const int prepared = sqlite3_prepare_v3(database_, text.c_str(), static_cast<int>(text.size()),
                                                    SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
            if (prepared != SQLITE_OK) give_up(database_, prepared);
            statements_.emplace(name, statement);
        }
    } catch (...) {
        for (const auto& [name, statement] : statements_)
            sqlite3_finalize(statement);
        sqlite3_close(database_);
        throw;
    }
}

Connection::~Connection() {
    for (const auto& [name, statement] : statements_)
        sqlite3_finalize(statement);
    sqlite3_close(database_);
}

void Connection::execute(const char* sql) {
    const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) give_up(database_, code);
}

Query Connection::query(std::string_view name) {
    const auto found = statements_.find(name);
    if (found == statements_.end()) throw std::logic_error{fmt::format("no statement {}", name)};
    return {database_, found->second};
}

bool Connection::in_transaction() const {
    return sqlite3_get_autocommit(database_) == 0;
}

int Connection::changes() const {
    return sqlite3_changes(database_);
}

std::int64_t Connection::last_id() const {
    return sqlite3_last_insert_rowid(database_);
}

}  // namespace photogate::storage::builtin
