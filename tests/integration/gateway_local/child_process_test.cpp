// What a child that root starts has of root: nothing.
#include "gateway/local/child_process.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace photogate::gateway::local {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string output_of(const std::string& script, const std::optional<Identity>& identity) {
    const auto done = run({{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin"}, identity});
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

}  // namespace
}  // namespace photogate::gateway::local
