// Files that are cheap to send and dear to read, through the real worker process: each ends in a verdict, and
// takes a bounded time of the processor.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include <unistd.h>

#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path{PHOTOGATE_BINARY_DIR} / "tests/unit/imaging_containers/costly";

/// What a process has used so far, in seconds (proc(5): fields 14 and 15 of stat).
double processor_time(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    const std::string stat((std::istreambuf_iterator<char>(file)), {});
    std::istringstream fields(stat.substr(stat.rfind(')') + 1));
    std::string ignored;
    for (int field = 3; field < 14; ++field)
        fields >> ignored;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::vector<fs::path> costly_pictures() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(kFolder))
        found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

TEST(Work, every_costly_file_gets_a_verdict_in_bounded_processor_time) {
    auto pool = ImagerPool::start(pool_options());
    ASSERT_TRUE(pool) << pool.error().detail;
    const auto before = children("photogate-imager");
    ASSERT_FALSE(before.empty());
    // Of several (another test's pool may be up), the one that this pool started is the latest.
    const pid_t worker = *std::max_element(before.begin(), before.end());
    for (const fs::path& path : costly_pictures()) {
        const Bytes file = read_file(path);
        const double start = processor_time(worker);
        const std::string said = verdict(run(**pool, file));
        const double spent = processor_time(worker) - start;
        EXPECT_FALSE(said.starts_with("error")) << path << ": " << said;
        // Two seconds for a megabyte to read; decoding and sanitizers come on top.
        EXPECT_LE(spent, 3.0 * std::max(1.0, static_cast<double>(file.size()) / 1e6)) << path << ": " << said;
        std::printf("%-26s %-20s %6.0f ms\n", path.filename().c_str(), said.c_str(), spent * 1000);
    }
    EXPECT_EQ((*pool)->counters().timed_out, 0U);
    EXPECT_EQ((*pool)->counters().started, 1U);
}

TEST(Work, a_photo_beside_costly_files_waits_for_little_of_their_processor_time) {
    auto pool = ImagerPool::start(pool_options(2));
    ASSERT_TRUE(pool) << pool.error().detail;
    auto workers = children("photogate-imager");
    ASSERT_GE(workers.size(), 2U);
    // Of several, this pool's are the latest.
    std::sort(workers.rbegin(), workers.rend());
    const auto spent = [&] { return processor_time(workers[0]) + processor_time(workers[1]); };
    const Bytes costly = read_file(kFolder / "xmp-open-tags.png");
    const Folder folder;
    vips("jpegsave " + make_photo(folder, 320, 240) + " " + folder.file("p.jpg"));
    const Bytes photo = read_file(folder.file("p.jpg"));
    std::vector<std::thread> senders;
    for (int i = 0; i < 6; ++i)
        senders.emplace_back([&] { EXPECT_EQ(verdict(run(**pool, costly)), "published"); });
    const double start = spent();
    EXPECT_EQ(verdict(run(**pool, photo)), "published");
    EXPECT_LE(spent() - start, 10.0);
    for (std::thread& sender : senders)
        sender.join();
}

}  // namespace
}  // namespace photogate::imaging::testing
