// Root's handling of folders that an attacker can change. The attacker here is `nobody`; each test looks at a
// file that is only root's, and must be as it was.
#include "base/owned_folder.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace photogate {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr Identity kAttacker{65'534, 65'534};
constexpr OwnedFolder::Options kFound{};
constexpr OwnedFolder::Options kMade{OwnedFolder::Missing::made, 0700, std::nullopt};

std::string text_of(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void write_text(const fs::path& path, std::string_view text) {
    std::ofstream{path, std::ios::binary} << text;
}

struct stat facts_of(const fs::path& path) {
    struct stat facts {};
    EXPECT_EQ(::lstat(path.c_str(), &facts), 0) << path;
    return facts;
}

/// Runs as the attacker until this object goes.
class Attacker {
  public:
    explicit Attacker(const std::function<void()>& again_and_again) : process_(::fork()) {
        if (process_ != 0) return;
        if (!become(kAttacker)) ::_exit(1);
        for (;;)
            again_and_again();
    }
    ~Attacker() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    Attacker(const Attacker&) = delete;
    Attacker& operator=(const Attacker&) = delete;

  private:
    pid_t process_;
};

class OwnedFolderTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!runs_as_root()) GTEST_SKIP() << "needs root: only a process that may do more can be misused";
        std::string pattern = fs::temp_directory_path() / "photogate-owned-XXXXXX";
        base_ = ::mkdtemp(pattern.data());
        ::chmod(base_.c_str(), 0711);
        victim_ = base_ / "victim";
        write_text(victim_, "root:secret\n");
        ::chmod(victim_.c_str(), 0600);
    }
    void TearDown() override {
        if (base_.empty()) return;
        EXPECT_EQ(text_of(victim_), "root:secret\n");
        EXPECT_EQ(facts_of(victim_).st_uid, 0U);
        EXPECT_EQ(facts_of(victim_).st_mode & 07777, 0600U);
        fs::remove_all(base_);
    }

    fs::path folder_of(uid_t owner, mode_t mode = 0755) const {
        const auto folder = base_ / "folder";
        fs::create_directory(folder);
        EXPECT_EQ(::chown(folder.c_str(), owner, owner), 0);
        EXPECT_EQ(::chmod(folder.c_str(), mode), 0);
        return folder;
    }
    OwnedFolder ours() const {
        auto opened = OwnedFolder::open(folder_of(0), kFound);
        if (!opened) throw std::runtime_error{opened.error().detail};
        return std::move(*opened);
    }

    fs::path base_;
    fs::path victim_;
};

TEST_F(OwnedFolderTest, makes_missing_folders) {
    const auto made = OwnedFolder::open(base_ / "a" / "b", kMade);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(facts_of(base_ / "a" / "b").st_mode & 07777, 0700U);
    EXPECT_EQ(made->path(), base_ / "a" / "b");
}

TEST_F(OwnedFolderTest, refuses_folder_of_another_user) {
    const auto folder = folder_of(kAttacker.user);
    const auto opened = OwnedFolder::open(folder, kFound);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::file_error);
    EXPECT_THAT(opened.error().detail, HasSubstr(folder.string() + " belongs to nobody (65534)"));
    EXPECT_THAT(opened.error().detail, HasSubstr("run it as another user, or choose a folder"));
}

TEST_F(OwnedFolderTest, makes_nothing_below_folder_of_another_user) {
    const auto folder = folder_of(kAttacker.user);
    EXPECT_FALSE(OwnedFolder::open(folder / "deep" / "data", kMade));
    EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(OwnedFolderTest, refuses_folder_that_others_may_change) {
    for (const mode_t mode : {0777, 0757}) {
        const auto opened = OwnedFolder::open(folder_of(0, mode) / "data", kMade);
        ASSERT_FALSE(opened) << mode;
        EXPECT_THAT(opened.error().detail, HasSubstr("may be changed by everybody"));
    }
    const auto folder = folder_of(0, 0775);
    ASSERT_EQ(::chown(folder.c_str(), 0, kAttacker.group), 0);
    const auto opened = OwnedFolder::open(folder, kFound);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().detail, HasSubstr("may be changed by its group"));
}

TEST_F(OwnedFolderTest, accepts_sticky_folder_above) {
    EXPECT_TRUE(OwnedFolder::open(folder_of(0, 01777) / "data", kMade));
}

TEST_F(OwnedFolderTest, follows_links_of_root_alone) {
    const auto folder = folder_of(0, 01777);
    fs::create_directory(base_ / "elsewhere");
    fs::create_directory_symlink(base_ / "elsewhere", folder / "link");
    const auto followed = OwnedFolder::open(folder / "link" / "data", kMade);
    ASSERT_TRUE(followed) << followed.error().detail;
    EXPECT_EQ(followed->path(), base_ / "elsewhere" / "data");
    ASSERT_EQ(::lchown((folder / "link").c_str(), kAttacker.user, kAttacker.group), 0);
    const auto refused = OwnedFolder::open(folder / "link" / "data", kMade);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, HasSubstr("is a symbolic link of nobody"));
}

TEST_F(OwnedFolderTest, ends_on_links_that_lead_in_circles) {
    fs::create_symlink(base_ / "b", base_ / "a");
    fs::create_symlink(base_ / "a", base_ / "b");
    EXPECT_FALSE(OwnedFolder::open(base_ / "a", kFound));
}

TEST_F(OwnedFolderTest, accepts_folder_above_of_the_caller_of_sudo) {
    const auto folder = folder_of(kAttacker.user);
    ::setenv("SUDO_UID", "65534", 1);
    EXPECT_TRUE(OwnedFolder::open(folder / "data", kMade));
    EXPECT_FALSE(OwnedFolder::open(folder, kFound)) << "the folder itself must be root's";
    ::unsetenv("SUDO_UID");
}

TEST_F(OwnedFolderTest, refuses_symbolic_link_in_place_of_file) {
    const auto folder = ours();
    fs::create_symlink(victim_, folder.path() / "log");
    const auto opened = folder.open_file("log", O_WRONLY | O_CREAT | O_APPEND | O_TRUNC);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().detail, HasSubstr((folder.path() / "log").string() + " is a symbolic link"));
    EXPECT_THAT(opened.error().detail, HasSubstr("remove it"));
    EXPECT_FALSE(folder.find_file("log"));
}

TEST_F(OwnedFolderTest, makes_nothing_at_the_end_of_a_dangling_link) {
    const auto folder = ours();
    fs::create_symlink(base_ / "new", folder.path() / "log");
    EXPECT_FALSE(folder.open_file("log", O_WRONLY | O_CREAT));
    EXPECT_FALSE(fs::exists(base_ / "new"));
}

TEST_F(OwnedFolderTest, refuses_file_with_second_name) {
    const auto folder = ours();
    fs::create_hard_link(victim_, folder.path() / "log");
    const auto opened = folder.open_file("log", O_WRONLY | O_CREAT | O_TRUNC);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().detail, HasSubstr("has 2 names (hard links)"));
}

TEST_F(OwnedFolderTest, refuses_file_of_another_user) {
    const auto folder = ours();
    write_text(folder.path() / "key", "theirs");
    ASSERT_EQ(::chown((folder.path() / "key").c_str(), kAttacker.user, kAttacker.group), 0);
    const auto opened = folder.find_file("key");
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().detail, HasSubstr("belongs to nobody (65534), not to root (0)"));
    EXPECT_FALSE(read_owned_file(folder.path() / "key", 100));
}

TEST_F(OwnedFolderTest, does_not_wait_for_a_pipe) {
    const auto folder = ours();
    ASSERT_EQ(::mkfifo((folder.path() / "pid").c_str(), 0600), 0);
    const auto opened = folder.find_file("pid");
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().detail, HasSubstr("is not a plain file"));
}

TEST_F(OwnedFolderTest, reads_whole_file_and_tells_missing_from_large) {
    const auto folder = ours();
    write_text(folder.path() / "key", "0123456789");
    EXPECT_EQ(read_owned_file(folder.path() / "key", 10).value(), "0123456789");
    EXPECT_FALSE(read_owned_file(folder.path() / "key", 9));
    EXPECT_EQ(read_owned_file(folder.path() / "none", 10).value(), std::nullopt);
    EXPECT_EQ(read_owned_file(folder.path() / "none" / "key", 10).value(), std::nullopt);
}

TEST_F(OwnedFolderTest, gives_a_new_folder_away) {
    const auto folder = ours();
    const auto given = folder.give_folder("data", 0700, kAttacker);
    ASSERT_TRUE(given) << given.error().detail;
    EXPECT_EQ(facts_of(given->path()).st_uid, kAttacker.user);
    EXPECT_TRUE(folder.give_folder("data", 0700, kAttacker)) << "the second time it is theirs";
    EXPECT_EQ(facts_of(folder.path()).st_uid, 0U);
}

TEST_F(OwnedFolderTest, gives_nothing_away_through_a_link) {
    const auto folder = ours();
    fs::create_directory(base_ / "etc");
    fs::create_directory_symlink(base_ / "etc", folder.path() / "data");
    const auto given = folder.give_folder("data", 0700, kAttacker);
    ASSERT_FALSE(given);
    EXPECT_THAT(given.error().detail, HasSubstr("symbolic link"));
    EXPECT_EQ(facts_of(base_ / "etc").st_uid, 0U);
}

TEST_F(OwnedFolderTest, refuses_to_give_away_a_folder_that_holds_its_own_files) {
    const auto folder = ours();
    fs::create_directory(folder.path() / "data");
    write_text(folder.path() / "data" / "secret", "ours");
    const auto given = folder.give_folder("data", 0700, kAttacker);
    ASSERT_FALSE(given);
    EXPECT_THAT(given.error().detail, HasSubstr("chown -R -h 65534:65534"));
    EXPECT_EQ(facts_of(folder.path() / "data").st_uid, 0U);
}

TEST_F(OwnedFolderTest, takes_folder_back_from_its_former_owner) {
    const auto folder = folder_of(kAttacker.user, 0777);
    const auto refused = OwnedFolder::open(folder, {OwnedFolder::Missing::made, 0711, kAttacker});
    EXPECT_FALSE(refused) << "anybody may have put something there";
    ::chmod(folder.c_str(), 0711);
    const auto taken = OwnedFolder::open(folder, {OwnedFolder::Missing::made, 0711, kAttacker});
    ASSERT_TRUE(taken) << taken.error().detail;
    EXPECT_EQ(facts_of(folder).st_uid, 0U);
    EXPECT_EQ(facts_of(folder).st_mode & 07777, 0711U);
}

TEST_F(OwnedFolderTest, removes_links_and_not_what_they_lead_to) {
    const auto folder = ours();
    const auto given = folder.give_folder("data", 0700, kAttacker);
    fs::create_directories(base_ / "etc");
    write_text(base_ / "etc" / "passwd", "root");
    fs::create_directory(given->path() / "sub");
    fs::create_directory_symlink(base_ / "etc", given->path() / "sub" / "link");
    fs::create_hard_link(victim_, given->path() / "sub" / "hard");
    ASSERT_TRUE(folder.remove_folder("data"));
    EXPECT_FALSE(fs::exists(folder.path() / "data"));
    EXPECT_EQ(text_of(base_ / "etc" / "passwd"), "root");
    ASSERT_TRUE(folder.remove_folder("data")) << "what is not there is removed already";
}

TEST_F(OwnedFolderTest, refuses_to_remove_what_is_nested_without_end) {
    const auto folder = ours();
    auto deep = folder.path() / "data";
    for (int i = 0; i < 40; ++i)
        deep /= "d";
    fs::create_directories(deep);
    const auto removed = folder.remove_folder("data");
    ASSERT_FALSE(removed);
    EXPECT_THAT(removed.error().detail, HasSubstr("nested too deeply"));
}

TEST_F(OwnedFolderTest, writes_private_file_in_place_of_a_planted_link) {
    const auto folder = ours();
    for (const char* planted : {"key", "key.new"})
        fs::create_symlink(victim_, folder.path() / planted);
    ASSERT_TRUE(write_private_file(folder.path() / "key", "new"));
    EXPECT_EQ(text_of(folder.path() / "key"), "new");
    EXPECT_EQ(facts_of(folder.path() / "key").st_mode & (S_IFMT | 07777), S_IFREG | 0600U);
}

TEST_F(OwnedFolderTest, writes_no_private_file_into_folder_of_another_user) {
    const auto folder = folder_of(kAttacker.user);
    EXPECT_FALSE(write_private_file(folder / "key", "secret"));
    EXPECT_TRUE(fs::is_empty(folder));
}

/// The log of a folder that is taken back, while its former owner puts a link in its place and takes it away.
TEST_F(OwnedFolderTest, never_writes_through_a_link_that_comes_and_goes) {
    const auto folder = folder_of(kAttacker.user);
    const auto log = folder / "log";
    const Attacker attacker{[&] {
        [[maybe_unused]] const int linked = ::symlink(victim_.c_str(), log.c_str());
        (void)::unlink(log.c_str());
    }};
    int written = 0;
    for (int i = 0; i < 500; ++i) {
        ASSERT_EQ(::chown(folder.c_str(), kAttacker.user, kAttacker.group), 0);
        const auto taken = OwnedFolder::open(folder, {OwnedFolder::Missing::refused, 0755, kAttacker});
        ASSERT_TRUE(taken) << taken.error().detail;
        const auto file = taken->open_file("log", O_WRONLY | O_CREAT | O_APPEND);
        if (file) written += ::write(file->get(), "x", 1) == 1 ? 1 : 0;
        (void)taken->remove_file("log");
    }
    EXPECT_GT(written, 0);
}

/// An owner of a folder that is removed swaps an entry between a folder and a link to one of root's.
TEST_F(OwnedFolderTest, never_removes_through_a_folder_that_becomes_a_link) {
    const auto folder = ours();
    fs::create_directory(base_ / "etc");
    write_text(base_ / "etc" / "passwd", "root");
    const auto data = folder.path() / "data";
    const Attacker attacker{[entry = data / "sub", aside = data / "aside", etc = base_ / "etc"] {
        (void)::mkdir(entry.c_str(), 0700);
        (void)::rename(entry.c_str(), aside.c_str());
        [[maybe_unused]] const int linked = ::symlink(etc.c_str(), entry.c_str());
        (void)::unlink(entry.c_str());
        (void)::rmdir(aside.c_str());
    }};
    for (int i = 0; i < 200; ++i) {
        (void)folder.give_folder("data", 0700, kAttacker);
        (void)folder.remove_folder("data");
        ASSERT_EQ(text_of(base_ / "etc" / "passwd"), "root") << i;
        ASSERT_EQ(facts_of(base_ / "etc").st_uid, 0U) << i;
    }
}

TEST(Privileges, another_user_has_no_way_back) {
    if (!runs_as_root()) GTEST_SKIP() << "needs root";
    const pid_t child = ::fork();
    if (child == 0) {
        if (!become(kAttacker)) ::_exit(1);
        if (::setuid(0) == 0 || ::setgid(0) == 0 || ::getuid() != kAttacker.user) ::_exit(2);
        if (::getgroups(0, nullptr) != 0) ::_exit(3);
        const auto status = text_of("/proc/self/status");
        for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
            if (status.find(std::string{set} + ":\t0000000000000000") == std::string::npos) ::_exit(4);
        }
        ::_exit(status.find("NoNewPrivs:\t1") == std::string::npos ? 5 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace photogate
