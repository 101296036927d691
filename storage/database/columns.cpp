#include "storage/database/columns.hpp"

#include <tuple>

#include "storage/database/sql_array.hpp"

namespace photogate::storage::database {

Columns::Columns(const pqxx::result& result) {
    // Of two columns of one name the first counts.
    for (pqxx::row::size_type i = 0; i < result.columns(); ++i)
        numbers_.emplace(result.column_name(i), i);
}

pqxx::field Columns::field(const pqxx::row& row, const char* name) const {
    return row[numbers_.at(name)];
}

bool Columns::is_null(const pqxx::row& row, const char* name) const {
    return field(row, name).is_null();
}

std::string Columns::text(const pqxx::row& row, const char* name) const {
    const auto value = field(row, name);
    return value.is_null() ? std::string{} : std::string{value.c_str(), value.size()};
}

std::optional<std::string> Columns::maybe_text(const pqxx::row& row, const char* name) const {
    const auto value = field(row, name);
    return value.is_null() ? std::nullopt : std::make_optional<std::string>(value.c_str(), value.size());
}

std::int64_t Columns::number(const pqxx::row& row, const char* name) const {
    return maybe_number(row, name).value_or(0);
}

std::optional<std::int64_t> Columns::maybe_number(const pqxx::row& row, const char* name) const {
    const auto value = field(row, name);
    return value.is_null() ? std::nullopt : std::make_optional(value.as<std::int64_t>());
}

std::optional<bool> Columns::maybe_flag(const pqxx::row& row, const char* name) const {
    const auto value = field(row, name);
    return value.is_null() ? std::nullopt : std::make_optional(value.as<bool>());
}

Timestamp Columns::time(const pqxx::row& row, const char* name) const {
    return maybe_time(row, name).value_or(Timestamp{});
}

std::optional<Timestamp> Columns::maybe_time(const pqxx::row& row, const char* name) const {
    const auto value = field(row, name);
    return value.is_null() ? std::nullopt : parse_sql_timestamp({value.c_str(), value.size()});
}

std::vector<std::string> parse_text_array(const std::string& literal) {
    std::vector<std::string> elements;
    pqxx::array_parser parser{literal.c_str()};
    for (auto [juncture, text] = parser.get_next(); juncture != pqxx::array_parser::juncture::done;
         std::tie(juncture, text) = parser.get_next()) {
        if (juncture == pqxx::array_parser::juncture::string_value) elements.push_back(text);
    }
    return elements;
}

}  // namespace photogate::storage::database
