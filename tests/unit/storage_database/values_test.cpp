// Values as PostgreSQL reads them, and its failures as decisions.
#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include "storage/database/columns.hpp"
#include "storage/database/connection_pool.hpp"
#include "storage/database/copy_rows.hpp"
#include "storage/database/database_error.hpp"
#include "storage/database/sql_array.hpp"
#include "storage/sql/named_queries.hpp"

namespace photogate::storage::database {
namespace {

TEST(SqlArrayTest, writes_empty_array) {
    EXPECT_EQ(SqlArray{}.literal(), "{}");
}

TEST(SqlArrayTest, quotes_every_text) {
    SqlArray array;
    array.add("a").add("").add("NULL").add("x\"y\\z").add("{,}").add_null().add(std::int64_t{-7});
    EXPECT_EQ(array.literal(), R"({"a","","NULL","x\"y\\z","{,}",NULL,-7})");
}

TEST(SqlArrayTest, rejects_nul) {
    EXPECT_THROW(SqlArray{}.add(std::string_view{"a\0b", 3}), std::invalid_argument);
}

TEST(SqlArrayTest, is_read_back_as_written) {
    SqlArray array;
    array.add("a\"b").add("back\\slash").add("{}").add("ü, ö");
    EXPECT_EQ(parse_text_array(array.literal()),
              (std::vector<std::string>{"a\"b", "back\\slash", "{}", "ü, ö"}));
}

TEST(CopyRowsTest, separates_fields_and_rows_and_escapes_what_would_end_them) {
    CopyRows<3> rows;
    EXPECT_TRUE(rows.empty());
    rows.add("a\tb\nc\rd", std::optional<std::string>{}, 7);
    rows.add(std::string{"\\N"}, std::optional<std::string>{""}, -1);
    EXPECT_EQ(rows.text(), "a\\tb\\nc\\rd\t\\N\t7\n\\\\N\t\t-1");
}

TEST(CopyRowsTest, a_row_of_an_empty_text_is_a_row) {
    CopyRows<1> rows;
    rows.add("");
    EXPECT_FALSE(rows.empty());
    EXPECT_EQ(rows.text(), "");
    rows.add("");
    EXPECT_EQ(rows.text(), "\n");
}

TEST(CopyRowsTest, rejects_nul) {
    CopyRows<1> rows;
    EXPECT_THROW(rows.add(std::string_view{"a\0b", 3}), std::invalid_argument);
}

TEST(SqlTimestampTest, keeps_microseconds) {
    const Timestamp at{std::chrono::microseconds{1'795'177'496'123'456}};
    EXPECT_EQ(sql_timestamp(at).substr(19), ".123456Z");
    EXPECT_EQ(sql_timestamp(Timestamp{std::chrono::microseconds{1'795'177'496'000'007}}).substr(19),
              ".000007Z");
    EXPECT_EQ(sql_timestamp(Timestamp{std::chrono::microseconds{-1}}), "1969-12-31T23:59:59.999999Z");
    auto printed = sql_timestamp(at);
    printed[10] = ' ';
    printed.replace(printed.size() - 1, 1, "+00");
    EXPECT_EQ(parse_sql_timestamp(printed), at);
    EXPECT_EQ(parse_sql_timestamp("infinity"), std::nullopt);
}

TEST(StorableTextTest, is_utf8_without_nul_cut_at_a_character) {
    EXPECT_EQ(storable_text(std::string_view{"a\0b", 3}, 100),
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(storable_text("\xff", 100), "\xEF\xBF\xBD");
    for (std::size_t limit = 0; limit < 12; ++limit) {
        const auto cut = storable_text("aüöäñ€x", limit);
        EXPECT_LE(cut.size(), limit);
        EXPECT_EQ(storable_text(cut, 100), cut);
    }
}

TEST(DatabaseErrorTest, maps_each_sqlstate_to_its_remedy) {
    EXPECT_EQ(remedy_for("40001"), Remedy::repeat);
    EXPECT_EQ(remedy_for("40P01"), Remedy::repeat);
    EXPECT_EQ(remedy_for("55P03"), Remedy::repeat);
    EXPECT_EQ(remedy_for("40003"), Remedy::look_again);
    EXPECT_EQ(remedy_for("57P01"), Remedy::reconnect);
    EXPECT_EQ(remedy_for("08006"), Remedy::reconnect);
    EXPECT_EQ(remedy_for("25006"), Remedy::leave_server);
    EXPECT_EQ(remedy_for("0A000"), Remedy::leave_server);
    EXPECT_EQ(remedy_for("25P03"), Remedy::reconnect);
    EXPECT_EQ(remedy_for("53100"), Remedy::come_back_later);
    EXPECT_EQ(remedy_for("57014"), Remedy::come_back_later);
    EXPECT_EQ(remedy_for("23505"), Remedy::give_up);
    EXPECT_EQ(remedy_for("22021"), Remedy::give_up);
}

/// libpqxx 7 wants the statement too.
template <typename Rollback>
Rollback rollback(const std::string& words) {
    if constexpr (std::is_constructible_v<Rollback, std::string>)
        return Rollback{words};
    else
        return Rollback{words, ""};
}

TEST(DatabaseErrorTest, maps_each_exception_to_its_code_without_values) {
    const auto code = [](auto error) { return translate(std::make_exception_ptr(error)).error.code; };
    EXPECT_EQ(code(pqxx::in_doubt_error("?")), ErrorCode::commit_in_doubt);
    EXPECT_EQ(code(pqxx::broken_connection("gone")), ErrorCode::database_unavailable);
    EXPECT_EQ(code(rollback<pqxx::serialization_failure>("s")), ErrorCode::database_conflict);
    EXPECT_EQ(code(rollback<pqxx::deadlock_detected>("d")), ErrorCode::database_conflict);
    EXPECT_EQ(code(pqxx::unique_violation("u", "", "23505")), ErrorCode::database_constraint);
    EXPECT_EQ(code(std::runtime_error("x")), ErrorCode::internal);
    const auto failure =
        translate(std::make_exception_ptr(pqxx::unique_violation("Key (k)=(secret)", "", "23505")));
    EXPECT_EQ(failure.error.detail.find("secret"), std::string::npos);
}

TEST(ConnectionStringTest, keeps_parameters_set_by_the_operator) {
    using namespace std::chrono_literals;
    EXPECT_NE(with_defaults("postgresql://u@h/d", 5s).find("?connect_timeout=5&"), std::string::npos);
    EXPECT_NE(with_defaults("postgresql://u@h/d?sslmode=require", 5s).find("require&connect_timeout=5"),
              std::string::npos);
    EXPECT_NE(with_defaults("host=h dbname=d", 1s).find(" connect_timeout=2"), std::string::npos);
    const auto own = with_defaults("host=h application_name=mine", 5s);
    EXPECT_EQ(own.find("application_name=photogate"), std::string::npos);
}

TEST(NamedQueriesTest, takes_each_statement_up_to_the_next_name) {
    const sql::NamedQueries all(
        {{"a", "-- a file\n-- name: one\nselect 1;\n\n-- name: two\nselect 2; select 3;\n"},
         {"b", "-- name: three\nselect ';'"}});
    EXPECT_EQ(all.all().size(), 3U);
    EXPECT_EQ(all.at("one"), "\nselect 1");
    EXPECT_EQ(all.at("two"), "\nselect 2; select 3");
    EXPECT_EQ(all.at("three"), "\nselect ';'");
}

TEST(NamedQueriesTest, throws_for_a_name_that_is_there_twice_in_any_file) {
    const std::vector<sql::SqlFile> files{{"a", "-- name: one\nselect 1;\n"},
                                          {"b", "-- name: one\nselect 2;\n"}};
    EXPECT_THROW(sql::NamedQueries{files}, std::logic_error);
}

}  // namespace
}  // namespace photogate::storage::database
