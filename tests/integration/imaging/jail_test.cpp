// The jail, tried from inside: each forbidden thing for real, by a probe that is locked in by the worker process's
// own code, and the same thing without the walls, where it works.
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

namespace fs = std::filesystem;

/// The probe's words; `killed` where the kernel ended it for a system call, `ended N` for any other end.
std::string probe(const std::string& walls, const std::string& who, const std::string& attempt) {
    const Folder folder;
    const std::string command = "exec " PHOTOGATE_BINARY_DIR "/tests/tools/imaging_jail_probe " + walls +
                                " " + who + " " + attempt + " " + folder.file("plain") + " 2>/dev/null";
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return "no probe";
    std::string words;
    std::array<char, 512> chunk{};
    for (std::size_t got; (got = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
        words.append(chunk.data(), got);
    const int status = ::pclose(pipe);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) return "killed";
    if (status != 0) return "ended " + std::to_string(status) + " " + words;
    while (words.ends_with('\n'))
        words.pop_back();
    return words;
}

bool has_landlock() {
    static const bool there = probe("landlock", "first", "work") == "done";
    return there;
}

class Refused : public ::testing::TestWithParam<const char*> {};

TEST_P(Refused, refuses_attempt_on_every_thread_only_inside_the_jail) {
    const std::string attempt = GetParam();
    EXPECT_EQ(probe("none", "first", attempt), "done") << "the attempt is no proof";
    for (const char* walls : {"all", "calls"}) {
        for (const char* who : {"first", "old", "young"}) {
            EXPECT_EQ(probe(walls, who, attempt), "refused EACCES") << walls << ", " << who;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Attempts, Refused,
                         ::testing::Values("read_file", "list_folder", "make_file", "look_at_file",
                                           "remove_file", "tcp_socket", "udp_socket", "unix_socket",
                                           "connect", "fork", "program"),
                         [](const auto& attempt) { return std::string(attempt.param); });

class Deadly : public ::testing::TestWithParam<const char*> {};

TEST_P(Deadly, kills_process_for_attempt_on_every_thread) {
    const std::string attempt = GetParam();
    const std::string outside = probe("none", "first", attempt);
    EXPECT_NE(outside, "killed") << "the attempt is no proof";
    // A kernel without the 32-bit door ends whoever knocks.
    if (outside.starts_with("ended")) GTEST_SKIP() << "this kernel has no such call: " << outside;
    for (const char* who : {"first", "old", "young"})
        EXPECT_EQ(probe("all", who, attempt), "killed") << who;
}

INSTANTIATE_TEST_SUITE_P(Attempts, Deadly,
                         ::testing::Values("signal_parent", "signal_parents_thread", "trace",
                                           "read_memory_of_parent", "raise_limit", "unshare", "io_uring",
                                           "watch_parent", "become_traceable", "outlive_parent"),
                         [](const auto& attempt) { return std::string(attempt.param); });

#ifdef __x86_64__
INSTANTIATE_TEST_SUITE_P(OtherDoors, Deadly, ::testing::Values("call_in_32_bits", "call_as_x32"),
                         [](const auto& attempt) { return std::string(attempt.param); });
#endif

TEST(Jail, keeps_files_and_programs_from_every_thread_with_landlock_alone) {
    if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
    for (const char* attempt : {"read_file", "list_folder", "make_file", "program"}) {
        for (const char* who : {"first", "old", "young"})
            EXPECT_EQ(probe("landlock", who, attempt), "refused EACCES") << attempt << ", " << who;
    }
}

TEST(Jail, allows_memory_threads_and_runtime_code_generation) {
    for (const char* attempt : {"work", "make_code"}) {
        for (const char* who : {"first", "old", "young"})
            EXPECT_EQ(probe("all", who, attempt), "done") << attempt << ", " << who;
    }
}

// Pango asks it of a font that it has open, and would draw nothing after a no (system_calls.cpp).
TEST(Jail, answers_yes_to_access_without_a_look_at_the_file) {
    EXPECT_EQ(probe("none", "first", "ask_for_nothing"), "refused ENOENT");
    for (const char* walls : {"all", "calls"})
        EXPECT_EQ(probe(walls, "first", "ask_for_nothing"), "done") << walls;
}

TEST(Jail, fails_writes_to_plain_files_without_killing) {
    EXPECT_EQ(probe("none", "first", "write_file"), "done");
    EXPECT_EQ(probe("all", "first", "write_file"), "refused EFBIG");
}

TEST(Jail, detects_each_hole_in_self_test) {
    EXPECT_EQ(probe("none", "first", "self_test"),
              "not tight: files can be opened, sockets can be made, programs can be started");
    EXPECT_TRUE(probe("calls", "first", "self_test").starts_with("tight: "));
    EXPECT_TRUE(probe("all", "first", "self_test").starts_with("tight: "));
    if (!has_landlock()) return;
    // Landlock alone leaves sockets that are no TCP port, and processes.
    EXPECT_EQ(probe("landlock", "first", "self_test"),
              "not tight: sockets can be made, programs can be started");
}

TEST(Jail, proves_its_jail_before_the_first_picture) {
    const JailReport jail = shared_pool().jail();
    EXPECT_TRUE(jail.is_tight()) << describe(jail);
    EXPECT_EQ(jail.landlock != 0, has_landlock());
    EXPECT_EQ(jail.missing, "");
}

TEST(Jail, filters_every_thread_and_drops_privileges) {
    (void)shared_pool();
    const auto processes = children("photogate-imager");
    ASSERT_FALSE(processes.empty());
    int threads = 0;
    for (const pid_t process : processes) {
        for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
            std::ifstream file(thread.path() / "status");
            const std::string status((std::istreambuf_iterator<char>(file)), {});
            EXPECT_NE(status.find("\nSeccomp:\t2\n"), std::string::npos) << thread.path();
            EXPECT_NE(status.find("\nNoNewPrivs:\t1\n"), std::string::npos) << thread.path();
            ++threads;
        }
    }
    EXPECT_GE(threads, static_cast<int>(processes.size()));
}

TEST(Jail, worker_process_of_root_has_another_user_and_no_capability) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    (void)shared_pool();
    const auto processes = children("photogate-imager");
    ASSERT_FALSE(processes.empty());
    for (const pid_t process : processes) {
        for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
            std::ifstream file(thread.path() / "status");
            const std::string status((std::istreambuf_iterator<char>(file)), {});
            EXPECT_EQ(status.find("\nUid:\t0"), std::string::npos) << status;
            EXPECT_EQ(status.find("\nGid:\t0"), std::string::npos) << status;
            EXPECT_NE(status.find("\nGroups:\t \n"), std::string::npos) << status;
            for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
                EXPECT_NE(status.find(std::string("\n") + set + ":\t0000000000000000\n"), std::string::npos)
                    << set << " of " << thread.path();
        }
    }
}

TEST(Jail, produces_same_bytes_in_another_worker_process) {
    const Folder folder;
    const std::string photo = make_photo(folder, 500, 400);
    std::vector<Bytes> files;
    for (const char* name : {"a.jpg[Q=90]", "a.png", "a.webp", "a.gif", "a.tif"}) {
        vips("copy " + photo + " '" + folder.file(name) + "'");
        files.push_back(read_file(folder.file(std::string(name).substr(0, std::string(name).find('[')))));
    }
    auto other = ImagerPool::start(pool_options());
    ASSERT_TRUE(other) << other.error().detail;
    // Its history: another order, other sizes, and a few that are refused.
    Order small;
    small.recipe.version.max_edge = 33;
    for (std::size_t i = files.size(); i-- > 0;) {
        (void)run(**other, files[i], small);
        (void)run(**other, BytesView(files[i]).first(files[i].size() / 2));
    }
    for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::gif, Format::avif}) {
        for (const Bytes& file : files) {
            Order order;
            order.recipe.version.format = format;
            order.recipe.version.max_edge = 300;
            const Processed here = process_image(file, order);
            const auto there = run(**other, file, order);
            ASSERT_EQ(verdict(there), "published");
            const auto& processed = std::get<Processed>(*there);
            EXPECT_EQ(here.picture().bytes, processed.picture().bytes) << to_string(format);
            EXPECT_EQ(here.exif_json, processed.exif_json);
            EXPECT_EQ(here.thumb_hash, processed.thumb_hash);
            EXPECT_EQ(here.perceptual_hash, processed.perceptual_hash);
            EXPECT_EQ(here.dominant_color, processed.dominant_color);
        }
    }
}

}  // namespace
}  // namespace photogate::imaging::testing
