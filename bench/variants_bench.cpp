// What a profile's variants cost: five versions of a photo against the largest of them alone, each with all that an upload
// needs. Processor time, the ways taking turns; the figure is the ratio of the medians, the target at most 1.6.
//
//   variants_bench PHOTO.jpg [ROUNDS]         prints a table; the last line is JSON
//
// `imaging_bench --make PHOTO.jpg` writes a photo. The ways: the largest alone; the largest from the upload, and the
// others from it, in one decode of it (what photogate does); all five from one decode of the upload; one more of the largest, on
// demand; each by itself.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <unistd.h>

#include "imaging/imager_pool.hpp"
#include "imaging/memory_file.hpp"

namespace {

using namespace photogate;
using namespace photogate::imaging;

constexpr std::uint32_t kEdges[] = {2'048, 1'280, 960, 640, 320};
constexpr std::uint32_t kOneMore = 400;
constexpr std::size_t kOthers = std::size(kEdges) - 1;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "variants_bench: %s\n", why.c_str());
    std::exit(1);
}

MemoryFile spooled(BytesView bytes) {
    auto file = MemoryFile::create("bench");
    if (!file || !file->append(bytes) || !file->seal()) give_up("can't spool");
    return std::move(*file);
}

std::vector<VersionSpec> versions(std::size_t first, std::size_t last) {
    std::vector<VersionSpec> all;
    for (auto i = first; i < last; ++i) {
        all.emplace_back();
        all.back().max_edge = kEdges[i];
        all.back().format = Format::jpeg;
    }
    return all;
}

std::vector<Published> run(ImagerPool& pool, const MemoryFile& file, Task task) {
    task.file = file.descriptor();
    task.size = file.size();
    auto outcome = pool.run(task);
    if (!outcome) give_up(outcome.error().detail);
    auto* processed = std::get_if<Processed>(&*outcome);
    if (processed == nullptr) give_up(std::get<Rejection>(*outcome).detail);
    return std::move(processed->pictures);
}

Published largest(ImagerPool& pool, const MemoryFile& photo) {
    Task task;
    task.publish({}, versions(0, 1));
    return std::move(run(pool, photo, std::move(task)).front());
}

/// One that nobody asked for before, of what is published.
void one_more_of(ImagerPool& pool, const MemoryFile& published) {
    Task task;
    VersionSpec spec;
    spec.max_edge = kOneMore;
    spec.format = Format::jpeg;
    task.render(std::move(spec));
    run(pool, published, std::move(task));
}

void others_of(ImagerPool& pool, const MemoryFile& published) {
    Task task;
    task.facts.reset();
    task.versions = versions(1, kOthers + 1);
    if (run(pool, published, std::move(task)).size() != kOthers) give_up("versions lack");
}

/// Processor time of the worker process and of this one: on a shared machine, the only time that means anything.
double processor_time() {
    double sum = 0;
    const auto add = [&sum](clockid_t clock) {
        timespec time{};
        if (::clock_gettime(clock, &time) == 0)
            sum += static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
    };
    add(CLOCK_PROCESS_CPUTIME_ID);
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream children(task.path() / "children");
        for (pid_t child = 0; children >> child;) {
            clockid_t clock{};
            if (::clock_getcpuclockid(child, &clock) == 0) add(clock);
        }
    }
    return sum;
}

double milliseconds(const std::function<void()>& work) {
    const auto start = processor_time();
    work();
    return processor_time() - start;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct Way {
    const char* name;
    std::function<void()> work;
    std::vector<double> times = {};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) give_up("name a photo: variants_bench PHOTO.jpg [ROUNDS]");
    const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 15;
    std::ifstream file(argv[1], std::ios::binary);
    Bytes bytes{std::istreambuf_iterator<char>(file), {}};
    const auto photo = spooled(bytes);
    auto started = ImagerPool::start({.program = PHOTOGATE_BINARY_DIR "/photogate-imager", .processes = 1});
    if (!started) give_up(started.error().detail);
    auto& pool = **started;

    const auto published = spooled(largest(pool, photo).bytes);

    std::vector<Way> ways = {
        {"the largest alone", [&] { largest(pool, photo); }},
        {"the others of the largest",
         [&] {
             const auto whole = largest(pool, photo);
             others_of(pool, spooled(whole.bytes));
         }},
        {"all of the upload, one decode",
         [&] {
             Task task;
             task.publish({}, versions(0, kOthers + 1));
             run(pool, photo, std::move(task));
         }},
        {"one of 400 pixels, on demand", [&] { one_more_of(pool, published); }},
        {"each by itself",
         [&] {
             for (std::size_t i = 0; i <= kOthers; ++i) {
                 Task task;
                 task.facts.reset();
                 task.versions = versions(i, i + 1);
                 run(pool, photo, std::move(task));
             }
         }},
    };
    for (auto& way : ways)
        way.work();
    if (milliseconds(ways[0].work) < 1) give_up("the worker process's processor time can't be read");
    for (int round = 0; round < rounds; ++round)
        for (auto& way : ways)
            way.times.push_back(milliseconds(way.work));
    const auto alone = median(ways[0].times);
    const auto best = *std::min_element(ways[0].times.begin(), ways[0].times.end());
    std::printf("photo of %zu bytes, %d rounds, processor time\n", bytes.size(), rounds);
    std::printf("%-30s %10s %10s %8s %8s\n", "", "median ms", "best ms", "ratio", "of best");
    for (const auto& way : ways) {
        const auto fastest = *std::min_element(way.times.begin(), way.times.end());
        std::printf("%-30s %10.1f %10.1f %8.2f %8.2f\n", way.name, median(way.times), fastest,
                    median(way.times) / alone, fastest / best);
    }
    const auto ratio = median(ways[1].times) / alone;
    std::printf("ratio %.2f, target at most 1.60: %s\n", ratio, ratio <= 1.6 ? "met" : "missed");
    std::printf("{\"bench\":\"variants\",\"ratio\":%.3f,\"one_decode\":%.3f,\"each\":%.3f}\n", ratio,
                median(ways[2].times) / alone, median(ways[4].times) / alone);
    return 0;
}
