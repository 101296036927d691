// PostgreSQL started by root, and its user as the attacker: what that user plants in the folder, also in one
// that version 0.1 gave away whole, never makes root write to, or give away, what is root's.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/privileges.hpp"
#include "gateway/local/private_postgres.hpp"
#include "storage/records/migrate.hpp"

namespace photogate::gateway::local {
namespace {

namespace fs = std::filesystem;
using storage::records::migrate;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string text_of(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

struct stat facts_of(const fs::path& path) {
    struct stat facts {};
    EXPECT_EQ(::lstat(path.c_str(), &facts), 0) << path;
    return facts;
}

class PostgresAsRootTest : public ::testing::Test {
  protected:
    void SetUp() override {
        postgres_ = find_user({"postgres", "nobody"});
        if (!runs_as_root() || !postgres_) GTEST_SKIP() << "needs root, and a user to run PostgreSQL as";
        std::string pattern = fs::temp_directory_path() / "photogate-root-XXXXXX";
        base_ = ::mkdtemp(pattern.data());
        ::chmod(base_.c_str(), 0711);
        folder_ = base_ / "postgres";
        etc_ = base_ / "etc";
        fs::create_directory(etc_);
        std::ofstream{etc_ / "shadow"} << "root:secret\n";
        ::chmod((etc_ / "shadow").c_str(), 0600);
    }
    void TearDown() override {
        if (base_.empty()) return;
        EXPECT_EQ(text_of(etc_ / "shadow"), "root:secret\n");
        for (const auto& path : {etc_, etc_ / "shadow"})
            EXPECT_EQ(facts_of(path).st_uid, 0U) << path;
        EXPECT_EQ(facts_of(etc_ / "shadow").st_mode & 07777, 0600U);
        fs::remove_all(base_);
    }

    /// As version 0.1 left it: all of it PostgreSQL's user's.
    void give_folder_away() {
        fs::create_directory(folder_);
        ASSERT_EQ(::chown(folder_.c_str(), postgres_->user, postgres_->group), 0);
    }
    /// As PostgreSQL's user; its exit code.
    int as_postgres(const std::function<bool()>& act) const {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(become(*postgres_) && act() ? 0 : 1);
        int status = 0;
        ::waitpid(child, &status, 0);
        return WEXITSTATUS(status);
    }
    std::string refusal() const {
        const auto started = PrivatePostgres::start(folder_);
        return started ? "it started" : started.error().detail;
    }

    std::optional<Identity> postgres_;
    fs::path base_;
    fs::path folder_;
    fs::path etc_;
};

TEST_F(PostgresAsRootTest, gives_away_data_and_socket_alone_and_no_capability) {
    const auto started = PrivatePostgres::start(folder_);
    ASSERT_TRUE(started) << started.error().detail;
    EXPECT_EQ(facts_of(folder_).st_uid, 0U);
    EXPECT_EQ(facts_of(folder_).st_mode & 07777, 0711U);
    for (const char* given : {"data", "socket"}) {
        EXPECT_EQ(facts_of(folder_ / given).st_uid, postgres_->user) << given;
        EXPECT_EQ(facts_of(folder_ / given).st_mode & 07777, 0700U) << given;
    }
    for (const char* kept : {"lock", "postgres.log"})
        EXPECT_EQ(facts_of(folder_ / kept).st_uid, 0U) << kept;
    EXPECT_NE(as_postgres([&] { return ::symlink(etc_.c_str(), (folder_ / "data.new").c_str()) == 0; }), 0);
    EXPECT_NE(as_postgres([&] { return ::unlink((folder_ / "postgres.log").c_str()) == 0; }), 0);
    EXPECT_NE(
        as_postgres([&] { return ::rename((folder_ / "data").c_str(), (folder_ / "aside").c_str()) == 0; }),
        0);
    const auto pid_file = text_of(folder_ / "data" / "postmaster.pid");
    const auto status = text_of("/proc/" + pid_file.substr(0, pid_file.find('\n')) + "/status");
    const auto user = std::to_string(postgres_->user);
    EXPECT_THAT(status, HasSubstr("Uid:\t" + user + "\t" + user + "\t" + user + "\t" + user));
    EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
        EXPECT_THAT(status, HasSubstr(std::string{set} + ":\t0000000000000000"));
}

TEST_F(PostgresAsRootTest, refuses_symbolic_link_in_place_of_log) {
    give_folder_away();
    ASSERT_EQ(as_postgres([&] {
                  return ::symlink((etc_ / "shadow").c_str(), (folder_ / "postgres.log").c_str()) == 0;
              }),
              0);
    EXPECT_THAT(refusal(), HasSubstr((folder_ / "postgres.log").string() + " is a symbolic link"));
}

TEST_F(PostgresAsRootTest, refuses_symbolic_link_in_place_of_given_folder) {
    for (const char* given : {"data", "socket"}) {
        give_folder_away();
        ASSERT_EQ(as_postgres([&] { return ::symlink(etc_.c_str(), (folder_ / given).c_str()) == 0; }), 0);
        EXPECT_THAT(refusal(), HasSubstr((folder_ / given).string()));
        EXPECT_EQ(facts_of(etc_).st_uid, 0U) << given;
        fs::remove_all(folder_);
    }
}

TEST_F(PostgresAsRootTest, removes_no_file_of_root_with_an_unfinished_cluster) {
    give_folder_away();
    ASSERT_EQ(as_postgres([&] {
                  const auto fresh = folder_ / "data.new";
                  return ::mkdir(fresh.c_str(), 0700) == 0 &&
                         ::symlink(etc_.c_str(), (fresh / "base").c_str()) == 0;
              }),
              0);
    EXPECT_EQ(refusal(), "it started");
    EXPECT_EQ(as_postgres([&] { return ::symlink(etc_.c_str(), (folder_ / "data.new").c_str()) == 0; }), 1);
}

TEST_F(PostgresAsRootTest, replaces_symbolic_link_in_place_of_unfinished_cluster) {
    give_folder_away();
    ASSERT_EQ(as_postgres([&] { return ::symlink(etc_.c_str(), (folder_ / "data.new").c_str()) == 0; }), 0);
    EXPECT_EQ(refusal(), "it started");
    EXPECT_FALSE(fs::exists(etc_ / "PG_VERSION"));
}

TEST_F(PostgresAsRootTest, refuses_hard_link_to_a_file_of_root) {
    for (const char* name : {"lock", "postgres.log"}) {
        give_folder_away();
        fs::create_hard_link(etc_ / "shadow", folder_ / name);  // the kernel's protected_hardlinks may be off
        EXPECT_THAT(refusal(), HasSubstr((folder_ / name).string() + " has 2 names (hard links)"));
        fs::remove_all(folder_);
    }
}

TEST_F(PostgresAsRootTest, refuses_folder_of_yet_another_user) {
    fs::create_directory(folder_);
    ASSERT_EQ(::chown(folder_.c_str(), 12'345, 12'345), 0);
    EXPECT_THAT(refusal(), HasSubstr(folder_.string() + " belongs to user 12345"));
    EXPECT_TRUE(fs::is_empty(folder_));
    ASSERT_EQ(::chown(folder_.c_str(), 0, 0), 0);
    ASSERT_EQ(::chown(base_.c_str(), 12'345, 12'345), 0);
    EXPECT_THAT(refusal(), HasSubstr(base_.string() + " belongs to user 12345"));
    EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(PostgresAsRootTest, goes_on_with_a_folder_of_version_0_1) {
    {
        const auto first = PrivatePostgres::start(folder_);
        ASSERT_TRUE(first) << first.error().detail;
        ASSERT_TRUE(migrate((*first)->url(), RunMode::apply));
    }
    give_folder_away();
    const auto second = PrivatePostgres::start(folder_);
    ASSERT_TRUE(second) << second.error().detail;
    EXPECT_EQ(facts_of(folder_).st_uid, 0U);
    const auto missing = migrate((*second)->url(), RunMode::dry_run);
    ASSERT_TRUE(missing) << missing.error().detail;
    EXPECT_THAT(*missing, IsEmpty());
}

/// While root starts, PostgreSQL's user swaps each entry for a link to a folder or a file of root's.
TEST_F(PostgresAsRootTest, never_follows_an_entry_that_is_swapped_meanwhile) {
    give_folder_away();
    const pid_t attacker = ::fork();
    if (attacker == 0) {
        if (!become(*postgres_)) ::_exit(1);
        for (;;) {
            for (const char* name : {"postgres.log", "lock", "socket", "data", "data.new"}) {
                const auto entry = folder_ / name;
                const bool file =
                    std::string_view{name} == "postgres.log" || std::string_view{name} == "lock";
                (void)::rename(entry.c_str(), (folder_ / "aside").c_str());
                // Each of these may fail: the gateway moves things meanwhile.
                if (::symlink((file ? etc_ / "shadow" : etc_).c_str(), entry.c_str()) == 0)
                    (void)::unlink(entry.c_str());
                (void)::rename((folder_ / "aside").c_str(), entry.c_str());
            }
        }
    }
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(::chown(folder_.c_str(), postgres_->user, postgres_->group), 0);
        ::usleep(200);
        const auto started = PrivatePostgres::start(folder_);
        ASSERT_EQ(facts_of(etc_).st_uid, 0U) << i;
        ASSERT_EQ(text_of(etc_ / "shadow"), "root:secret\n") << i;
        if (started) break;  // it is root's now, and out of the attacker's hands
    }
    ::kill(attacker, SIGKILL);
    ::waitpid(attacker, nullptr, 0);
}

}  // namespace
}  // namespace photogate::gateway::local
