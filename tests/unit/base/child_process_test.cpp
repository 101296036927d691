// What a child has of its parent: nothing but what it is given, and none of root's privileges.
#include "base/child_process.hpp"

#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace photogate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string output_of(const std::string& script, const std::optional<Identity>& identity) {
    const auto done = run_command({{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin"}, identity});
    EXPECT_TRUE(done) << done.error().detail;
    return done ? done->output : "";
}

std::optional<Identity> attacker() {
    return runs_as_root() ? find_user({"nobody"}) : std::nullopt;
}

TEST(ChildProcess, has_the_user_it_is_started_as_and_no_capability) {
    if (!runs_as_root()) GTEST_SKIP() << "needs root";
    const auto status = output_of("cat /proc/self/status", attacker());
    EXPECT_THAT(status, HasSubstr("Uid:\t65534\t65534\t65534\t65534"));
    EXPECT_THAT(status, HasSubstr("Gid:\t65534\t65534\t65534\t65534"));
    EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
        EXPECT_THAT(status, HasSubstr(std::string{set} + ":\t0000000000000000"));
    EXPECT_THAT(output_of("id -G", attacker()), "65534\n") << "no supplementary groups";
}

TEST(ChildProcess, inherits_no_descriptor_and_no_environment) {
    const Descriptor secret{::open("/proc/self/status", O_RDONLY)};  // without O_CLOEXEC
    ::setenv("PHOTOGATE_TEST_SECRET", "secret", 1);
    EXPECT_THAT(output_of("env", attacker()), Not(HasSubstr("PHOTOGATE_TEST_SECRET")));
    ::unsetenv("PHOTOGATE_TEST_SECRET");
    // 3 is the folder that ls itself reads.
    EXPECT_EQ(output_of("ls /proc/self/fd | tr '\\n' ' '", attacker()), "0 1 2 3 ");
}

TEST(ChildProcess, has_a_session_of_its_own) {
    const auto session = output_of("ps -o sid= -p $$", attacker());
    EXPECT_NE(std::strtol(session.c_str(), nullptr, 10), ::getsid(0)) << session;
    EXPECT_THAT(output_of("(: < /dev/tty) 2>&1", attacker()), HasSubstr("/dev/tty"));
}

TEST(ChildProcess, makes_files_for_its_user_alone) {
    EXPECT_EQ(output_of("umask", attacker()), "0077\n");
}

TEST(ChildProcess, reads_from_the_descriptor_that_it_is_given) {
    std::array<int, 2> to{}, from{};
    ASSERT_EQ(::pipe2(to.data(), O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(from.data(), O_CLOEXEC), 0);
    const Descriptor input{to[0]}, answer{from[0]};
    Descriptor write_end{to[1]}, output{from[1]};
    auto child = ChildProcess::start({.arguments = {"/bin/cat"}}, {.input = &input, .output = &output});
    ASSERT_TRUE(child) << child.error().detail;
    output.reset();
    ASSERT_EQ(::write(write_end.get(), "word", 4), 4);
    write_end.reset();
    std::array<char, 8> said{};
    EXPECT_EQ(::read(answer.get(), said.data(), said.size()), 4);
    EXPECT_STREQ(said.data(), "word");
    EXPECT_EQ(child->wait().text(), "exit status 0");
}

TEST(ChildProcess, has_no_input_where_none_is_given) {
    EXPECT_EQ(output_of("cat; echo end", std::nullopt), "end\n");
}

TEST(ChildProcess, has_every_signal_at_its_default) {
    const auto before = ::signal(SIGTERM, SIG_IGN);
    const auto status = output_of("cat /proc/self/status", std::nullopt);
    ::signal(SIGTERM, before);
    const std::string field = "SigIgn:\t";
    ASSERT_THAT(status, HasSubstr(field));
    const auto ignored = std::stoull(status.substr(status.find(field) + field.size(), 16), nullptr, 16);
    constexpr auto kOfTheLibrary = 3ULL << 31U;  // 32 and 33: glibc lets nobody change them
    EXPECT_EQ(ignored & ~kOfTheLibrary, 0U) << status;
}

TEST(ChildProcess, says_how_it_ended) {
    const auto shell = [](const char* script) {
        return ChildProcess::start({.arguments = {"/bin/sh", "-c", script}}, {}).value();
    };
    EXPECT_EQ(shell("exit 3").wait().text(), "exit status 3");
    auto killed = shell("kill -TERM $$");
    const auto status = killed.wait();
    EXPECT_EQ(status.code(), 128 + SIGTERM);
    EXPECT_EQ(status.text(), "signal 15 (Terminated)");
    EXPECT_FALSE(killed.running());
    EXPECT_EQ(killed.end(SIGKILL, std::chrono::milliseconds{0}).text(), status.text()) << "not our signal";
}

TEST(ChildProcess, kills_one_that_ignores_the_signal_to_end) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Descriptor reading{ends[0]}, writing{ends[1]};
    auto child = ChildProcess::start({.arguments = {"/bin/sh", "-c", "trap '' TERM; echo; kill -STOP $$"}},
                                     {.output = &writing});
    ASSERT_TRUE(child) << child.error().detail;
    char line = 0;
    ASSERT_EQ(::read(reading.get(), &line, 1), 1) << "it ignores the signal from here on";
    EXPECT_TRUE(child->running());
    EXPECT_EQ(child->end(SIGTERM, std::chrono::milliseconds{1}).text(), "signal 9 (Killed)");
}

TEST(ChildProcess, names_the_program_that_is_not_there) {
    const auto none = ChildProcess::start({.arguments = {"/no/such/program"}}, {});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::file_error);
    EXPECT_EQ(none.error().detail, "/no/such/program can't be started: No such file or directory");
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nothing is left to be waited for";
    EXPECT_EQ(run_command({.arguments = {"/bin/sh", "-c", "exit 127"}}).value().exit_code, 127);
}

// The parent's heir is this process, which sees what its grandchild died of.
TEST(ChildProcess, dies_with_a_parent_that_is_killed) {
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Descriptor reading{ends[0]}, writing{ends[1]};
    const pid_t parent = ::fork();
    if (parent == 0) {
        auto child = ChildProcess::start({.arguments = {"/bin/sleep", "600"}}, {});
        const pid_t id = child ? child->id() : -1;
        (void)!::write(writing.get(), &id, sizeof id);
        for (;;)
            ::pause();
    }
    pid_t grandchild = -1;
    ASSERT_EQ(::read(reading.get(), &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));
    ASSERT_GT(grandchild, 0);
    ASSERT_EQ(::kill(parent, SIGKILL), 0);
    ASSERT_EQ(::waitpid(parent, nullptr, 0), parent);
    int status = 0;
    EXPECT_EQ(::waitpid(grandchild, &status, 0), grandchild);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace photogate
