// A cluster of photogate's own, made, kept over runs, and ended with its process.
#include "gateway/local/private_postgres.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/privileges.hpp"
#include "storage/records/migrate.hpp"

namespace photogate::gateway::local {
namespace {

namespace fs = std::filesystem;
using storage::records::migrate;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PrivatePostgresTest : public ::testing::Test {
  protected:
    PrivatePostgresTest() {
        std::string pattern = fs::temp_directory_path() / "photogate-local-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        fs::permissions(folder_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    }
    ~PrivatePostgresTest() override { fs::remove_all(folder_); }
    fs::path folder_;
};

TEST_F(PrivatePostgresTest, keeps_data_across_restarts) {
    {
        const auto first = PrivatePostgres::start(folder_ / "postgres");
        ASSERT_TRUE(first) << first.error().detail;
        const auto applied = migrate((*first)->url(), RunMode::apply);
        ASSERT_TRUE(applied) << applied.error().detail;
        EXPECT_THAT(*applied, Not(IsEmpty()));
    }
    const auto second = PrivatePostgres::start(folder_ / "postgres");
    ASSERT_TRUE(second) << second.error().detail;
    const auto missing = migrate((*second)->url(), RunMode::dry_run);
    ASSERT_TRUE(missing) << missing.error().detail;
    EXPECT_THAT(*missing, IsEmpty());
}

TEST_F(PrivatePostgresTest, follows_a_folder_that_was_moved) {
    EXPECT_FALSE(PrivatePostgres::exists(folder_ / "old"));
    {
        const auto first = PrivatePostgres::start(folder_ / "old");
        ASSERT_TRUE(first) << first.error().detail;
        EXPECT_TRUE(PrivatePostgres::is_running(folder_ / "old"));
        ASSERT_TRUE(migrate((*first)->url(), RunMode::apply));
    }
    fs::rename(folder_ / "old", folder_ / "new");
    EXPECT_TRUE(PrivatePostgres::exists(folder_ / "new"));
    EXPECT_FALSE(PrivatePostgres::is_running(folder_ / "new"));
    const auto second = PrivatePostgres::start(folder_ / "new");
    ASSERT_TRUE(second) << second.error().detail;
    EXPECT_THAT(*migrate((*second)->url(), RunMode::dry_run), IsEmpty());
}

/// Root's PostgreSQL runs as another user, who can't pass to the folder: its cluster is in /var/tmp.
class FarClusterTest : public PrivatePostgresTest {
  protected:
    void SetUp() override {
        if (!runs_as_root()) GTEST_SKIP() << "needs root";
        fs::permissions(folder_, fs::perms::owner_all);
    }
    void TearDown() override {
        for (const auto& place : places_)
            fs::remove_all(place);
    }
    std::string start(const std::string& name) {
        const auto started = PrivatePostgres::start(folder_ / name);
        const auto place = fs::path{"/var/tmp"} / first_line(folder_ / name / "place");
        if (place.string().starts_with("/var/tmp/photogate-")) places_.insert(place);
        return started ? (*started)->url() : started.error().detail;
    }
    static std::string first_line(const fs::path& path) {
        std::ifstream file{path};
        std::string line;
        std::getline(file, line);
        return line;
    }
    std::set<fs::path> places_;
};

TEST_F(FarClusterTest, is_found_from_a_folder_that_was_moved) {
    const auto url = start("old");
    ASSERT_THAT(url, HasSubstr("%2Fvar%2Ftmp%2Fphotogate-"));
    fs::rename(folder_ / "old", folder_ / "new");
    EXPECT_EQ(start("new"), url);
    EXPECT_NE(start("old"), url) << "a new folder in the old place has a cluster of its own";
}

TEST_F(FarClusterTest, is_not_taken_by_a_copy_of_its_folder) {
    ASSERT_THAT(start("old"), HasSubstr("%2Fvar%2Ftmp%2Fphotogate-"));
    fs::copy(folder_ / "old", folder_ / "copy", fs::copy_options::recursive);
    const auto refused = start("copy");
    EXPECT_THAT(refused,
                HasSubstr((folder_ / "copy").string() + " is a copy of " + (folder_ / "old").string()));
}

TEST_F(PrivatePostgresTest, rejects_second_instance_on_the_same_folder_with_clear_message) {
    const auto first = PrivatePostgres::start(folder_ / "postgres");
    ASSERT_TRUE(first) << first.error().detail;
    const auto second = PrivatePostgres::start(folder_ / "postgres");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::store_in_use);
    EXPECT_THAT(second.error().detail, HasSubstr("another photogate is running on"));
}

TEST_F(PrivatePostgresTest, shares_running_server_when_sharing_is_allowed) {
    const auto first = PrivatePostgres::start(folder_ / "postgres");
    ASSERT_TRUE(first) << first.error().detail;
    {
        const auto second = PrivatePostgres::start(folder_ / "postgres", PrivatePostgres::Sharing::allowed);
        ASSERT_TRUE(second) << second.error().detail;
        EXPECT_EQ((*second)->url(), (*first)->url());
    }
    EXPECT_TRUE(migrate((*first)->url(), RunMode::dry_run));  // it did not end with the second
}

TEST_F(PrivatePostgresTest, restarts_after_being_killed_with_its_process) {
    const pid_t killed = ::fork();
    if (killed == 0) {
        const auto started = PrivatePostgres::start(folder_ / "postgres");
        ::kill(::getpid(), started ? SIGKILL : SIGTERM);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(killed, &status, 0), killed);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it did not start";
    const auto again = PrivatePostgres::start(folder_ / "postgres");
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_TRUE(migrate((*again)->url(), RunMode::dry_run));
}

TEST_F(PrivatePostgresTest, restarts_interrupted_initdb) {
    fs::create_directories(folder_ / "postgres" / "data.new" / "base");
    const auto started = PrivatePostgres::start(folder_ / "postgres");
    ASSERT_TRUE(started) << started.error().detail;
}

/// Every file below a folder: its content, and when it was written.
std::map<std::string, std::pair<std::string, fs::file_time_type>> files_of(const fs::path& folder) {
    std::map<std::string, std::pair<std::string, fs::file_time_type>> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file{entry.path(), std::ios::binary};
        files[entry.path().string()] = {std::string{std::istreambuf_iterator<char>{file}, {}},
                                        entry.last_write_time()};
    }
    return files;
}

TEST_F(PrivatePostgresTest, rejects_data_of_another_postgresql_and_leaves_them_alone) {
    {
        const auto first = PrivatePostgres::start(folder_ / "postgres");
        ASSERT_TRUE(first) << first.error().detail;
        ASSERT_TRUE(migrate((*first)->url(), RunMode::apply));
    }
    const auto data = folder_ / "postgres" / "data";
    std::string version;
    std::ifstream{data / "PG_VERSION"} >> version;
    std::ofstream{data / "PG_VERSION"} << "9\n";
    const auto before = files_of(data);
    const auto began = std::chrono::steady_clock::now();
    const auto refused = PrivatePostgres::start(folder_ / "postgres");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::database_unavailable);
    EXPECT_THAT(refused.error().detail, HasSubstr("was made by PostgreSQL 9, and PostgreSQL "));
    EXPECT_THAT(refused.error().detail, HasSubstr("apt install postgresql-9"));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{5});
    EXPECT_EQ(files_of(data), before);

    std::ofstream{data / "PG_VERSION"} << version << "\n";
    const auto again = PrivatePostgres::start(folder_ / "postgres");
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_THAT(*migrate((*again)->url(), RunMode::dry_run), IsEmpty());
}

TEST_F(PrivatePostgresTest, rejects_folder_path_too_long_for_a_socket_with_clear_message) {
    const auto started = PrivatePostgres::start(folder_ / std::string(90, 'x'));
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().detail, HasSubstr("too long a path"));
}

}  // namespace
}  // namespace photogate::gateway::local
