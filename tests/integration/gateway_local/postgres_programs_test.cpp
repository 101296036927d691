// Which of the installed PostgreSQLs a cluster gets.
#include "gateway/local/postgres_programs.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace photogate::gateway::local {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::vector<PostgresPrograms> kBoth{{17, "/usr/lib/postgresql/17/bin"},
                                          {15, "/usr/lib/postgresql/15/bin"}};

TEST(PostgresProgramsTest, new_cluster_gets_the_newest) {
    EXPECT_EQ(choose_programs(kBoth, std::nullopt, "/data").value().version, 17);
}

TEST(PostgresProgramsTest, cluster_gets_its_own_version) {
    EXPECT_EQ(choose_programs(kBoth, 15, "/data").value().folder, "/usr/lib/postgresql/15/bin");
    EXPECT_EQ(choose_programs(kBoth, 17, "/data").value().folder, "/usr/lib/postgresql/17/bin");
}

TEST(PostgresProgramsTest, cluster_of_a_version_that_is_not_installed_is_refused_with_what_to_do) {
    const auto refused = choose_programs({kBoth.front()}, 15, "/data");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::database_unavailable);
    EXPECT_EQ(refused.error().detail,
              "the database in /data was made by PostgreSQL 15, and PostgreSQL 17 is installed, which can't "
              "read it: apt install "
              "postgresql-15, or move it (docs/upgrading.md, \"Another PostgreSQL\"). Nothing was changed");
}

TEST(PostgresProgramsTest, nothing_installed_is_said_with_what_to_install) {
    EXPECT_THAT(choose_programs({}, 17, "/data").error().detail, HasSubstr("apt install postgresql-17"));
    EXPECT_THAT(choose_programs({}, std::nullopt, "/data").error().detail,
                HasSubstr("apt install postgresql-15"));
}

TEST(PostgresProgramsTest, version_is_the_first_number) {
    EXPECT_EQ(postgres_version("15\n"), 15);
    EXPECT_EQ(postgres_version("postgres (PostgreSQL) 17.6 (Debian 17.6-0+deb13u1)\n"), 17);
    EXPECT_EQ(postgres_version(""), 0);
    EXPECT_EQ(postgres_version("\n"), 0);
}

TEST(PostgresProgramsTest, programs_of_the_environment_come_first_with_the_version_that_they_say) {
    std::string pattern = fs::temp_directory_path() / "photogate-programs-XXXXXX";
    const fs::path folder = ::mkdtemp(pattern.data());
    for (const auto* name : {"initdb", "postgres"}) {
        std::ofstream{folder / name} << "#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n";
        fs::permissions(folder / name, fs::perms::owner_all);
    }
    const char* before = std::getenv("PG_BINDIR");
    const std::string kept = before == nullptr ? "" : before;
    ::setenv("PG_BINDIR", folder.c_str(), 1);
    const auto found = installed_programs();
    if (before == nullptr) {
        ::unsetenv("PG_BINDIR");
    } else {
        ::setenv("PG_BINDIR", kept.c_str(), 1);
    }
    fs::remove_all(folder);
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found.front().version, 99);
    EXPECT_EQ(found.front().folder, folder);
}

}  // namespace
}  // namespace photogate::gateway::local
