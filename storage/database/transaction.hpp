// One transaction: its statements by name, and what is done when it fails.
//
// transact() runs a body and commits. A body that answers an error is rolled back. 40001 and 40P01 are
// repeated up to three times with jitter, a lost connection on a new one. Where the answer to COMMIT is lost,
// the body is run again with Earlier::in_doubt, and must first look whether its work is done; a body whose
// work is idempotent need not.
//
// read() runs statements that each stand alone, without BEGIN and COMMIT. write_by_copy() is for a body that changes something by one
// COPY alone, its last statement: that is a transaction by itself, which saves the round trips of BEGIN and COMMIT. Where the answer
// to its end is lost, the body is run again as behind a lost COMMIT. Behind a pooler it is as transact(), because a session's limits
// are set inside a transaction there.
//
// Thread safety: each call from any thread; a body runs on the caller's, and may run several times.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pqxx/pqxx>

#include "base/result.hpp"
#include "storage/database/connection_pool.hpp"
#include "storage/database/copy_rows.hpp"
#include "storage/database/sql_array.hpp"

namespace photogate::storage::database {

/// The parameters of a statement, in order. A text with NUL throws std::invalid_argument.
class Params {
  public:
    Params& add(std::string text);
    Params& add(const char* text) { return add(std::string{text}); }
    Params& add(std::string_view text) { return add(std::string{text}); }
    Params& add(Timestamp at) { return add(sql_timestamp(at)); }
    Params& add(const SqlArray& array) { return add(array.literal()); }
    template <std::integral T>
    Params& add(T number) {
        return add(std::to_string(number));
    }
    template <class T>
    Params& add(const std::optional<T>& value) {
        return value ? add(*value) : add_null();
    }
    Params& add_null();

    const std::vector<std::optional<std::string>>& values() const { return values_; }

  private:
    std::vector<std::optional<std::string>> values_;
};

template <class... Values>
Params params(const Values&... values) {
    Params all;
    (all.add(values), ...);
    return all;
}

/// The statements of one transaction. Lives on one thread, inside a body.
class Transaction {
  public:
    Transaction(Pool& pool, Connection& connection, pqxx::transaction_base& work)
        : pool_(pool), connection_(connection), work_(work) {}
    /// A statement of the module that the pool is for (ConnectionOptions::statements). Throws what libpqxx throws.
    pqxx::result run(const std::string& name, const Params& parameters = {});
    /// One of another module that works on the same database. Throws likewise.
    pqxx::result run(const sql::NamedQueries& statements, const std::string& name,
                     const Params& parameters = {});
    /// COPY: new rows of as many values as `names`, cheaper than a statement with arrays; nothing where there are none. Throws likewise.
    template <std::size_t columns>
    void copy(const std::string& table, const std::array<const char*, columns>& names,
              const CopyRows<columns>& rows) {
        if (!rows.empty()) copy_text(table, {names.begin(), names.end()}, rows.text());
    }

    /// Whether the server was told that a COPY is complete.
    bool has_ended_copy() const { return has_ended_copy_; }

  private:
    void begin_statement();
    void copy_text(const std::string& table, const std::vector<const char*>& names, std::string_view rows);

    Pool& pool_;
    Connection& connection_;
    pqxx::transaction_base& work_;
    bool has_ended_copy_ = false;
};

enum class Earlier { none, in_doubt };
enum class Shape { transaction, single_statements, copy_writes };

namespace detail {

/// Runs the body once or more; nothing where it committed, else why not.
Result<> attempt(Pool& pool, Shape shape, const std::function<Result<>(Transaction&, Earlier)>& body);

}  // namespace detail

template <class Body>
auto run_in(Pool& pool, Shape shape, Body&& body) -> std::invoke_result_t<Body&, Transaction&, Earlier> {
    using Outcome = std::invoke_result_t<Body&, Transaction&, Earlier>;
    std::optional<Outcome> outcome;
    auto ended = detail::attempt(pool, shape, [&](Transaction& transaction, Earlier earlier) -> Result<> {
        outcome.emplace(body(transaction, earlier));
        if (!*outcome) return tl::unexpected<Error>(outcome->error());
        return {};
    });
    if (!ended) return tl::unexpected<Error>(std::move(ended.error()));
    return std::move(*outcome);
}

template <class Body>
auto transact(Pool& pool, Body&& body) {
    return run_in(pool, Shape::transaction, std::forward<Body>(body));
}

template <class Body>
auto write_by_copy(Pool& pool, Body&& body) {
    const bool pooled = pool.options().pooler != Pooler::none;
    return run_in(pool, pooled ? Shape::transaction : Shape::copy_writes, std::forward<Body>(body));
}

template <class Body>
auto read(Pool& pool, Body&& body) {
    return run_in(pool, Shape::single_statements,
                  [&](Transaction& transaction, Earlier) { return body(transaction); });
}

}  // namespace photogate::storage::database
