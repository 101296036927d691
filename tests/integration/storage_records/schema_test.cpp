// Migrations, and that every statement fits the schema.
#include <set>
#include <string>
#include <thread>

#include "records_database.hpp"
#include "storage/database/embedded_sql.hpp"
#include "storage/packages/embedded_sql.hpp"
#include "storage/records/embedded_sql.hpp"
#include "storage/variants/embedded_sql.hpp"

namespace photogate::storage::records::test {
namespace {

Result<std::unique_ptr<Records>> try_open(const std::string& url) {
    static const Composer composer;
    static const SystemClock clock;
    static SystemRandom random;
    RecordsOptions options;
    options.database_url = url;
    return Records::open(options, composer, clock, random);
}

TEST(SchemaTest, reports_without_changes_in_dry_run) {
    const Database database;
    EXPECT_FALSE(migrate(database.url(), RunMode::dry_run).value().empty());
    EXPECT_EQ(database.value("select count(*) from pg_tables where schemaname = 'public'"), "0");
}

TEST(SchemaTest, migrates_once_when_run_twice) {
    const Database database;
    EXPECT_EQ(migrate(database.url(), RunMode::apply).value().size(), migrations_files().size());
    EXPECT_TRUE(migrate(database.url(), RunMode::apply).value().empty());
    EXPECT_TRUE(migrate(database.url(), RunMode::dry_run).value().empty());
}

TEST(SchemaTest, migrates_once_when_four_run_concurrently) {
    const Database database;
    std::atomic<std::size_t> applied{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] { applied += migrate(database.url(), RunMode::apply).value().size(); });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(applied, migrations_files().size());
}

TEST(SchemaTest, rejects_older_schema_and_names_the_remedy) {
    const Database database;
    const auto opened = try_open(database.url());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::invalid_configuration);
    EXPECT_NE(opened.error().detail.find("photogate migrate"), std::string::npos);
}

TEST(SchemaTest, rejects_newer_schema) {
    const Database database;
    ASSERT_TRUE(migrate(database.url(), RunMode::apply));
    database.run("insert into schema_migrations (version, name, checksum) values (9999, '9999_future', 'x')");
    EXPECT_EQ(try_open(database.url()).error().code, ErrorCode::invalid_configuration);
    EXPECT_EQ(migrate(database.url(), RunMode::apply).error().code, ErrorCode::invalid_configuration);
}

TEST(SchemaTest, detects_migration_changed_after_it_was_applied) {
    const Database database;
    ASSERT_TRUE(migrate(database.url(), RunMode::apply));
    database.run("update schema_migrations set checksum = 'another'");
    EXPECT_EQ(migrate(database.url(), RunMode::apply).error().code, ErrorCode::invalid_configuration);
}

TEST(SchemaTest, prepares_every_statement_against_the_schema) {
    const Database database;
    ASSERT_TRUE(migrate(database.url(), RunMode::apply));
    pqxx::connection connection{database.url()};
    std::set<std::string> names;
    for (const auto* module : {&storage::database::statements(), &statements(), &variants::statements(),
                               &packages::statements()}) {
        for (const auto& [name, text] : module->all()) {
            ASSERT_TRUE(names.insert(name).second) << "two modules have a statement called " << name;
            connection.prepare(name, text);
            pqxx::nontransaction work{connection};
            EXPECT_NO_THROW(connection.prepare_now(name)) << name;
        }
    }
}

}  // namespace
}  // namespace photogate::storage::records::test
