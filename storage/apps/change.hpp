// What the changes of apps share: one transaction with its entry in the log; and rows as values.
//
// For this module alone. Thread safety: as the transaction's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pqxx/pqxx>

#include "storage/apps/app_store.hpp"
#include "storage/apps/embedded_sql.hpp"
#include "storage/database/columns.hpp"
#include "storage/database/transaction.hpp"

namespace photogate::storage::apps {

template <class Item>
std::vector<Item> all_of(const pqxx::result& rows, Item (*read)(const database::Columns&, const pqxx::row&)) {
    std::vector<Item> items;
    const database::Columns columns{rows};
    for (const auto& row : rows)
        items.push_back(read(columns, row));
    return items;
}

template <class Item>
std::optional<Item> one_of(const pqxx::result& rows,
                           Item (*read)(const database::Columns&, const pqxx::row&)) {
    if (rows.empty()) return std::nullopt;
    return read(database::Columns{rows}, rows[0]);
}

StoredProfile to_profile(const database::Columns& columns, const pqxx::row& row);

/// One change: what every statement of it needs.
struct Change {
    database::Transaction& transaction;
    const Actor& actor;
    Timestamp now;

    /// Before anything is read: one change follows the other. Its number.
    std::int64_t begin() const {
        return transaction.run(statements(), "change_apps")[0][0].as<std::int64_t>();
    }
    void log(std::string_view action, const AppName& app, const std::optional<std::string>& subject = {},
             std::string_view detail = "{}") const {
        const auto request = actor.request_id.empty() ? std::nullopt : std::make_optional(actor.request_id);
        transaction.run(statements(), "insert_app_audit",
                        database::params(now, actor.name, action, app.str(), subject, detail, request));
    }
};

}  // namespace photogate::storage::apps
