// Migrations, and that every statement fits the schema.
#include <thread>

#include "records_database.hpp"
#include "storage/records/embedded_sql.hpp"

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

TEST(SchemaTest, A_dry_run_says_what_it_would_do_and_does_nothing) {
    const Database database;
    EXPECT_FALSE(migrate(database.url(), MigrateMode::dry_run).value().empty());
    EXPECT_EQ(database.value("select count(*) from pg_tables where schemaname = 'public'"), "0");
}

TEST(SchemaTest, Migrating_twice_does_it_once) {
    const Database database;
    EXPECT_EQ(migrate(database.url(), MigrateMode::apply).value().size(), migration_files().size());
    EXPECT_TRUE(migrate(database.url(), MigrateMode::apply).value().empty());
    EXPECT_TRUE(migrate(database.url(), MigrateMode::dry_run).value().empty());
}

TEST(SchemaTest, Four_that_migrate_at_once_do_it_once) {
    const Database database;
    std::atomic<std::size_t> applied{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] { applied += migrate(database.url(), MigrateMode::apply).value().size(); });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(applied, migration_files().size());
}

TEST(SchemaTest, A_schema_behind_is_refused_and_the_remedy_named) {
    const Database database;
    const auto opened = try_open(database.url());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::invalid_configuration);
    EXPECT_NE(opened.error().detail.find("photogate migrate"), std::string::npos);
}

TEST(SchemaTest, A_schema_ahead_is_refused) {
    const Database database;
    ASSERT_TRUE(migrate(database.url(), MigrateMode::apply));
    database.run("insert into schema_migrations (version, name, checksum) values (9999, '9999_future', 'x')");
    EXPECT_EQ(try_open(database.url()).error().code, ErrorCode::invalid_configuration);
    EXPECT_EQ(migrate(database.url(), MigrateMode::apply).error().code, ErrorCode::invalid_configuration);
}

TEST(SchemaTest, A_migration_that_was_changed_after_it_was_applied_is_noticed) {
    const Database database;
    ASSERT_TRUE(migrate(database.url(), MigrateMode::apply));
    database.run("update schema_migrations set checksum = 'another'");
    EXPECT_EQ(migrate(database.url(), MigrateMode::apply).error().code, ErrorCode::invalid_configuration);
}

TEST(SchemaTest, Every_statement_fits_the_schema) {
    const Database database;
    ASSERT_TRUE(migrate(database.url(), MigrateMode::apply));
    pqxx::connection connection{database.url()};
    for (const auto& name : query_names()) {
        connection.prepare(name, query(name));
        pqxx::nontransaction work{connection};
        EXPECT_NO_THROW(connection.prepare_now(name)) << name;
    }
}

}  // namespace
}  // namespace photogate::storage::records::test
