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

/// As `photogate migrate` of a later release leaves it.
void migrate_later(const Database& database, const std::string& oldest_program,
                   const std::string& name = "9999_future") {
    database.run("insert into schema_migrations (version, name, checksum, oldest_program) values (" +
                 name.substr(0, 4) + ", '" + name + "', 'x', " + oldest_program + ")");
}

std::string newest_of_ours() {
    return std::to_string(std::stoi(std::string{migrations_files().back().name}));
}

/// Everything that a start or a migration could have changed.
std::string everything(const Database& database) {
    return database.value(
        "select md5(concat_ws('|', (select string_agg(concat_ws(' ', table_name, column_name, data_type), "
        "',' "
        "order by table_name, ordinal_position) from information_schema.columns where table_schema = "
        "'public'), "
        "(select string_agg(indexdef, ',' order by indexdef) from pg_indexes where schemaname = 'public'), "
        "(select string_agg(m::text, ',' order by version) from schema_migrations m)))");
}

TEST(SchemaTest, starts_on_a_newer_schema_that_permits_it_and_leaves_it_alone) {
    const Database database;
    ASSERT_TRUE(migrate(database.url(), RunMode::apply));
    database.run("alter table uploads add column of_the_future text");
    migrate_later(database, newest_of_ours());
    const auto before = everything(database);
    const auto opened = try_open(database.url());
    ASSERT_TRUE(opened) << opened.error().detail;
    const auto standing = schema_standing(*(*opened)->database);
    ASSERT_TRUE(standing);
    EXPECT_TRUE(standing->permitted);
    EXPECT_EQ(std::to_string(standing->program), newest_of_ours());
    ASSERT_EQ(standing->later.size(), 1U);
    EXPECT_EQ(standing->later[0].name, "9999_future");
    for (const auto mode : {RunMode::dry_run, RunMode::apply}) {
        const auto migrated = migrate(database.url(), mode);
        ASSERT_TRUE(migrated) << migrated.error().detail;
        EXPECT_TRUE(migrated->empty());
    }
    EXPECT_EQ(later_migrations(database.url()).value().size(), 1U);
    EXPECT_EQ(everything(database), before);
}

TEST(SchemaTest, rejects_newer_schema_that_does_not_permit_it_and_leaves_it_alone) {
    for (const std::string oldest : {"null", "9999"}) {
        const Database database;
        ASSERT_TRUE(migrate(database.url(), RunMode::apply));
        migrate_later(database, oldest);
        const auto before = everything(database);
        EXPECT_EQ(try_open(database.url()).error().code, ErrorCode::invalid_configuration);
        EXPECT_EQ(migrate(database.url(), RunMode::apply).error().code, ErrorCode::invalid_configuration);
        EXPECT_EQ(migrate(database.url(), RunMode::dry_run).error().code, ErrorCode::invalid_configuration);
        EXPECT_EQ(later_migrations(database.url()).error().code, ErrorCode::invalid_configuration);
        EXPECT_EQ(everything(database), before);
    }
}

TEST(SchemaTest, running_program_finds_that_others_migrated_beneath_it) {
    const Database database;
    ASSERT_TRUE(migrate(database.url(), RunMode::apply));
    const auto opened = try_open(database.url());
    ASSERT_TRUE(opened);
    EXPECT_TRUE(schema_standing(*(*opened)->database).value().later.empty());
    migrate_later(database, "1");
    EXPECT_TRUE(schema_standing(*(*opened)->database).value().permitted);
    migrate_later(database, "9998", "9998_contract");
    const auto standing = schema_standing(*(*opened)->database).value();
    EXPECT_EQ(standing.later.size(), 2U);
    EXPECT_FALSE(standing.permitted);
}

/// Releases before 0.2.0 made the table without the column.
TEST(SchemaTest, table_of_a_release_before_gets_the_column_with_the_next_migration) {
    const Database database;
    ASSERT_TRUE(migrate(database.url(), RunMode::apply));
    database.run("alter table schema_migrations drop column oldest_program");
    EXPECT_TRUE(try_open(database.url()));
    EXPECT_TRUE(migrate(database.url(), RunMode::apply).value().empty());
    const std::string columns =
        "select count(*) from information_schema.columns where table_name = 'schema_migrations' and "
        "column_name = 'oldest_program'";
    EXPECT_EQ(database.value(columns), "0") << "nothing was to be migrated";

    const std::vector<sql::SqlFile> more{
        {"9998_table", "-- oldest_program: 0029\ncreate table later (id int);"},
        {"9999_contract", "-- Says nothing.\ndrop table later;"}};
    auto files = migrations_files();
    files.insert(files.end(), more.begin(), more.end());
    const auto migrated = database::migrate(database.url(), files, RunMode::apply, database::Pooler::none);
    ASSERT_TRUE(migrated) << migrated.error().detail;
    EXPECT_EQ(migrated->size(), 2U);
    EXPECT_EQ(database.value("select oldest_program from schema_migrations where version = 9998"), "29");
    EXPECT_EQ(database.value("select oldest_program is null from schema_migrations where version = 9999"),
              "t");
    EXPECT_EQ(try_open(database.url()).error().code, ErrorCode::invalid_configuration);
    database.run("delete from schema_migrations where version = 9999");
    EXPECT_TRUE(try_open(database.url()));
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
