// SQLite for the built-in store's index; the only user of its API. Private to storage/builtin.
//
// Inside the built-in store a failed statement throws a StoreFailure, since nearly every line can fail in the
// same way. guarded() converts it back into a value.
//
// Thread safety: a connection, and every row of it, belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "storage/sql/named_queries.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace photogate::storage::builtin {

struct StoreFailure {
    Error error;
    /// At a commit: it is unknown whether the disk has it, and the next start may find it.
    bool may_have_landed = false;
};

/// Runs `call`, which returns a Result<T>; a StoreFailure becomes its error.
template <class Call>
auto guarded(Call call) -> decltype(call()) {
    try {
        return call();
    } catch (const StoreFailure& failure) {
        return fail(failure.error);
    }
}

/// The .sql files of this module, embedded by the build.
const std::vector<sql::SqlFile>& sql_files();

/// A running statement: bind in order, then step through its rows. The destructor resets it.
class Query {
  public:
    Query(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
    ~Query();
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    Query& number(std::int64_t value);
    Query& number(std::uint64_t value) { return number(static_cast<std::int64_t>(value)); }
    Query& text(std::string_view value);
    Query& blob(std::string_view value);
    Query& optional_blob(const std::optional<std::string>& value);
    /// True while there is a row.
    bool step();
    void run() {
        while (step()) {
        }
    }
    /// Prepares it to be bound and stepped again.
    void again();

    std::int64_t number_at(int column) const;
    std::uint64_t count_at(int column) const { return static_cast<std::uint64_t>(number_at(column)); }
    std::string text_at(int column) const;
    std::string blob_at(int column) const;
    std::optional<std::string> optional_blob_at(int column) const;

  private:
    void check(int code) const;
    sqlite3* database_;
    sqlite3_stmt* statement_;
    int bound_ = 0;
};

class Connection {
  public:
    enum class Use { read, write };
    /// A connection for writing creates the file and its tables. Throws StoreFailure.
    Connection(const std::filesystem::path& file, Use use);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The statement of that name; it can't be nested. An unknown name is a programming error.
    Query query(std::string_view name);
    void run(std::string_view name) { query(name).run(); }
    bool in_transaction() const;
    /// Rows that the last statement changed.
    int changes() const;
    std::int64_t last_id() const;

  private:
    void execute(const char* sql);
    sqlite3* database_ = nullptr;
    std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
};

}  // namespace photogate::storage::builtin
