// The supervisor: what a worker process that dies, hangs or lies may cost, and what a worker process is given.
#include <fstream>
#include <future>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "fake_imager.hpp"
#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

namespace fs = std::filesystem;

PoolOptions liar(Lie lie) {
    PoolOptions options = pool_options();
    options.program = PHOTOGATE_BINARY_DIR "/tests/tools/imaging_fake_imager";
    options.address_space = static_cast<std::uint64_t>(lie);
    options.max_output = 8U << 20;
    options.wall_clock = std::chrono::seconds(30);
    return options;
}

Bytes small_jpeg() {
    static const Bytes bytes = [] {
        const Folder folder;
        vips("jpegsave " + make_photo(folder, 320, 240) + " " + folder.file("p.jpg"));
        return read_file(folder.file("p.jpg"));
    }();
    return bytes;
}

/// A picture that takes long enough to be interrupted.
Bytes slow_picture() {
    static const Bytes bytes = [] {
        const Folder folder;
        vips("gaussnoise " + folder.file("n.v") + " 5000 4000 --sigma 60 --mean 128");
        vips("cast " + folder.file("n.v") + " " + folder.file("c.v") + " uchar");
        vips("jpegsave " + folder.file("c.v") + " " + folder.file("p.jpg") + " --Q 50 --interlace");
        return read_file(folder.file("p.jpg"));
    }();
    return bytes;
}

ErrorCode error_of(const Result<Outcome>& outcome) {
    if (outcome) {
        ADD_FAILURE() << verdict(outcome);
        return ErrorCode::internal;
    }
    return outcome.error().code;
}

std::size_t open_descriptors() {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

long ticks(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string stat((std::istreambuf_iterator<char>(file)), {});
    std::istringstream cells(stat.substr(stat.rfind(')') + 2));
    std::string cell;
    for (int i = 0; i < 12; ++i)
        cells >> cell;
    return cell.empty() ? 0 : std::stol(cell);
}

TEST(ImagerPool, reports_missing_program_by_name) {
    PoolOptions options = pool_options();
    options.program = "/nonexistent/photogate-imager";
    const auto pool = ImagerPool::start(options);
    ASSERT_FALSE(pool);
    EXPECT_EQ(pool.error().code, ErrorCode::imager_unavailable);
    EXPECT_NE(pool.error().detail.find("/nonexistent/photogate-imager"), std::string::npos)
        << pool.error().detail;
}

TEST(ImagerPool, reports_startup_failure_with_the_process_output) {
    for (const Lie lie : {Lie::dies_first, Lie::greets_with_garbage, Lie::not_ready}) {
        const auto pool = ImagerPool::start(liar(lie));
        ASSERT_FALSE(pool);
        EXPECT_EQ(pool.error().code, ErrorCode::imager_unavailable);
    }
    const auto pool = ImagerPool::start(liar(Lie::not_ready));
    EXPECT_NE(pool.error().detail.find("no decoder for HEIC"), std::string::npos);
}

TEST(ImagerPool, rejects_process_with_leaky_jail_unless_unsafe_is_set) {
    for (const Lie lie : {Lie::sandbox, Lie::silent_about_its_jail}) {
        PoolOptions options = liar(lie);
        const auto refused = ImagerPool::start(options);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::imager_unavailable);
        EXPECT_NE(refused.error().detail.find("sockets can be made"), std::string::npos)
            << refused.error().detail;
        options.sandbox = Sandbox::best_effort;
        auto pool = ImagerPool::start(options);
        ASSERT_TRUE(pool) << pool.error().detail;
        EXPECT_FALSE((*pool)->jail().is_tight());
        EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
    }
}

TEST(ImagerPool, rejects_empty_and_oversized_files_without_a_process) {
    Order order;
    EXPECT_EQ(verdict(run(shared_pool(), {}, order)), "empty");
    order.limits.max_bytes = 10;
    EXPECT_EQ(verdict(run(shared_pool(), small_jpeg(), order)), "too_large");
}

TEST(ImagerPool, fails_task_cleanly_and_replaces_a_lying_process) {
    for (const Lie lie :
         {Lie::garbage, Lie::huge_header, Lie::huge_body, Lie::no_json, Lie::invalid_utf8, Lie::too_deep,
          Lie::deep_exif, Lie::exif_is_no_object, Lie::unknown_format, Lie::negative_width, Lie::no_picture,
          Lie::page_for_a_picture, Lie::two_pictures, Lie::picture_of_more_bytes, Lie::bytes_of_no_picture,
          Lie::unknown_rejection, Lie::foreign_error, Lie::dies}) {
        SCOPED_TRACE(static_cast<int>(lie));
        auto pool = ImagerPool::start(liar(lie));
        ASSERT_TRUE(pool);
        EXPECT_EQ(error_of(run(**pool, small_jpeg())), ErrorCode::imager_crashed);
        EXPECT_EQ(error_of(run(**pool, small_jpeg())), ErrorCode::imager_crashed);
        EXPECT_EQ((*pool)->counters().crashed, 2U);
    }
}

TEST(ImagerPool, replaces_process_that_sends_more_than_announced) {
    auto pool = ImagerPool::start(liar(Lie::endless_body));
    ASSERT_TRUE(pool);
    // The frame itself is sound; what follows it is the next task's answer, and no frame.
    EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
    EXPECT_EQ(error_of(run(**pool, small_jpeg())), ErrorCode::imager_crashed);
}

TEST(ImagerPool, is_not_blocked_by_output_on_standard_error) {
    auto pool = ImagerPool::start(liar(Lie::babbles));
    ASSERT_TRUE(pool);
    EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
}

TEST(ImagerPool, does_not_begin_what_is_not_wanted_when_its_turn_comes) {
    auto pool = ImagerPool::start(liar(Lie::hangs));
    ASSERT_TRUE(pool);
    const auto picture = small_jpeg();
    auto file = MemoryFile::create("test");
    ASSERT_TRUE(file && file->append(picture));
    Task task;
    task.file = file->descriptor();
    task.size = picture.size();
    task.publish({}, {VersionSpec{}});
    int asked = 0;
    const auto outcome = (*pool)->try_run(task, {.wanted = [&] {
                                              ++asked;
                                              return false;
                                          }});
    EXPECT_EQ(error_of(outcome), ErrorCode::overloaded);
    EXPECT_EQ(asked, 1);
    EXPECT_EQ((*pool)->counters().crashed + (*pool)->counters().timed_out, 0U) << "no process had it";
}

TEST(ImagerPool, kills_hanging_process_at_the_deadline) {
    for (const Lie lie : {Lie::hangs, Lie::announced_but_not_sent}) {
        PoolOptions options = liar(lie);
        options.wall_clock = std::chrono::milliseconds(300);
        auto pool = ImagerPool::start(options);
        ASSERT_TRUE(pool);
        EXPECT_EQ(error_of(run(**pool, small_jpeg())), ErrorCode::imager_timeout);
        EXPECT_EQ((*pool)->counters().timed_out, 1U);
        EXPECT_TRUE(eventually([&] { return (*pool)->counters().started == 2; }));
    }
}

TEST(ImagerPool, gives_more_time_to_a_process_that_a_busy_machine_keeps_waiting) {
    PoolOptions options = liar(Lie::works_now_and_then);
    options.wall_clock = std::chrono::seconds(1);
    auto pool = ImagerPool::start(options);
    ASSERT_TRUE(pool);
    EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
    EXPECT_EQ((*pool)->counters().timed_out, 0U);
}

TEST(ImagerPool, times_out_stopped_process_and_serves_the_next_task) {
    PoolOptions options = pool_options();
    auto pool = ImagerPool::start(options);
    ASSERT_TRUE(pool);
    const auto before = children("photogate-imager");
    options.wall_clock = std::chrono::seconds(2);
    auto impatient = ImagerPool::start(options);
    ASSERT_TRUE(impatient);
    for (const pid_t process : children("photogate-imager")) {
        if (std::find(before.begin(), before.end(), process) == before.end()) ::kill(process, SIGSTOP);
    }
    EXPECT_EQ(error_of(run(**impatient, small_jpeg())), ErrorCode::imager_timeout);
    EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
}

TEST(ImagerPool, reports_crash_of_killed_process_and_serves_the_next_task) {
    const auto before = children("photogate-imager");
    auto pool = ImagerPool::start(pool_options());
    ASSERT_TRUE(pool);
    pid_t process = -1;
    for (const pid_t child : children("photogate-imager")) {
        if (std::find(before.begin(), before.end(), child) == before.end()) process = child;
    }
    ASSERT_GT(process, 0);
    const long idle = ticks(process);
    const Bytes picture = slow_picture();
    auto outcome = std::async(std::launch::async, [&] { return run(**pool, picture); });
    EXPECT_TRUE(eventually([&] { return ticks(process) > idle + 5; }));
    ::kill(process, SIGKILL);
    EXPECT_EQ(error_of(outcome.get()), ErrorCode::imager_crashed);
    EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
    EXPECT_EQ((*pool)->counters().crashed, 1U);
}

TEST(ImagerPool, replaces_process_that_dies_while_idle_without_failing_a_task) {
    const auto before = children("photogate-imager");
    auto pool = ImagerPool::start(pool_options());
    ASSERT_TRUE(pool);
    EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
    for (const pid_t process : children("photogate-imager")) {
        if (std::find(before.begin(), before.end(), process) == before.end()) ::kill(process, SIGKILL);
    }
    EXPECT_TRUE(eventually([&] { return (*pool)->counters().crashed == 1; }));
    EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
}

TEST(ImagerPool, replaces_process_after_its_task_limit_or_memory_growth) {
    PoolOptions options = pool_options();
    options.max_tasks_per_process = 2;
    auto pool = ImagerPool::start(options);
    ASSERT_TRUE(pool);
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
    EXPECT_TRUE(eventually([&] { return (*pool)->counters().started == 3; }));
    options.max_tasks_per_process = 200;
    options.max_resident = 1;
    auto grown = ImagerPool::start(options);
    ASSERT_TRUE(grown);
    EXPECT_EQ(verdict(run(**grown, small_jpeg())), "published");
    EXPECT_TRUE(eventually([&] { return (*grown)->counters().started == 2; }));
    EXPECT_EQ((*grown)->counters().crashed, 0U);
}

TEST(ImagerPool, shows_each_process_one_picture_when_limited_to_one_task) {
    PoolOptions options = pool_options();
    options.max_tasks_per_process = 1;
    auto pool = ImagerPool::start(options);
    ASSERT_TRUE(pool);
    for (std::uint64_t pictures = 1; pictures <= 3; ++pictures) {
        EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
        EXPECT_TRUE(eventually([&] { return (*pool)->counters().started == pictures + 1; }));
    }
    EXPECT_EQ((*pool)->counters().crashed, 0U);
}

TEST(ImagerPool, returns_each_threads_own_result) {
    std::vector<std::future<std::string>> verdicts;
    for (int i = 0; i < 12; ++i) {
        verdicts.push_back(std::async(std::launch::async, [i] {
            return verdict(run(shared_pool(), i % 3 == 0 ? Bytes(100, 'x') : small_jpeg()));
        }));
    }
    for (int i = 0; i < 12; ++i)
        EXPECT_EQ(verdicts[static_cast<std::size_t>(i)].get(), i % 3 == 0 ? "not_an_image" : "published");
}

TEST(ImagerPool, rejects_published_picture_over_the_size_limit) {
    PoolOptions options = pool_options();
    options.max_output = 1000;
    auto pool = ImagerPool::start(options);
    ASSERT_TRUE(pool);
    EXPECT_EQ(verdict(run(**pool, small_jpeg())), "too_large");
    PoolOptions lying = liar(Lie::none);
    lying.max_output = 3;
    auto liars = ImagerPool::start(lying);
    ASSERT_TRUE(liars);
    EXPECT_EQ(error_of(run(**liars, small_jpeg())), ErrorCode::imager_crashed);
}

TEST(ImagerPool, gives_process_three_descriptors_and_nothing_of_its_environment) {
    ::setenv("PHOTOGATE_TEST_SECRET", "hunter2", 1);
    // One that a careless spawn would pass on.
    const Descriptor leaky(::open("/etc/hostname", O_RDONLY));
    ASSERT_TRUE(leaky);
    const auto before = children("photogate-imager");
    auto pool = ImagerPool::start(pool_options());
    ASSERT_TRUE(pool);
    for (const pid_t process : children("photogate-imager")) {
        if (std::find(before.begin(), before.end(), process) != before.end()) continue;
        const fs::path folder = "/proc/" + std::to_string(process);
        std::error_code denied;
        std::set<std::string> numbers;
        for (const auto& entry : fs::directory_iterator(folder / "fd", denied)) {
            numbers.insert(entry.path().filename().string());
        }
        // Not traceable means that only root may look.
        if (denied)
            GTEST_SKIP() << "the worker process's descriptors are hidden from this user, as they should be";
        EXPECT_EQ(numbers, (std::set<std::string>{"0", "1", "2"}));
        EXPECT_EQ(as_text(read_file(folder / "environ")), std::string_view("OMP_NUM_THREADS=1\0", 18));
        const Bytes status = read_file(folder / "status");
        EXPECT_NE(as_text(status).find("NoNewPrivs:\t1"), std::string_view::npos);
        const Bytes limits = read_file(folder / "limits");
        for (const char* limit : {"Max core file size", "Max file size"}) {
            const auto line = as_text(limits).substr(as_text(limits).find(limit));
            EXPECT_EQ(line.substr(26, 1), "0") << line.substr(0, line.find('\n'));
        }
    }
    ::unsetenv("PHOTOGATE_TEST_SECRET");
}

TEST(ImagerPool, leaves_no_descriptor_or_process_behind) {
    (void)shared_pool();
    const std::size_t descriptors = open_descriptors();
    const std::size_t processes = children("photogate-imager").size();
    for (int round = 0; round < 3; ++round) {
        auto pool = ImagerPool::start(pool_options());
        ASSERT_TRUE(pool);
        EXPECT_EQ(verdict(run(**pool, small_jpeg())), "published");
        EXPECT_EQ(verdict(run(**pool, Bytes(50, 'x'))), "not_an_image");
    }
    EXPECT_EQ(open_descriptors(), descriptors);
    EXPECT_EQ(children("photogate-imager").size(), processes);
}

TEST(ImagerPool, hands_over_unsealable_file_read_only) {
    const Folder folder;
    write_file(folder.file("p.jpg"), small_jpeg());
    const Descriptor file(::open(folder.file("p.jpg").c_str(), O_RDWR | O_CLOEXEC));
    Task task;
    task.file = file.get();
    task.size = small_jpeg().size();
    EXPECT_EQ(verdict(shared_pool().run(task)), "published");
}

TEST(MemoryFile, can_not_be_changed_once_sealed) {
    auto file = MemoryFile::create("test");
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append(as_bytes("abc")));
    ASSERT_TRUE(file->append(as_bytes("def")));
    ASSERT_TRUE(file->seal());
    ASSERT_TRUE(file->seal());
    EXPECT_FALSE(file->append(as_bytes("x")));
    EXPECT_NE(::ftruncate(file->descriptor(), 0), 0);
    EXPECT_EQ(file->size(), 6U);
    const auto mapped = file->map();
    ASSERT_TRUE(mapped);
    EXPECT_EQ(as_text(mapped->bytes()), "abcdef");
    EXPECT_FALSE(MappedFile::map(file->descriptor(), 7));
}

}  // namespace
}  // namespace photogate::imaging::testing
