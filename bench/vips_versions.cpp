// What libvips alone makes of published images on all cores, to hold new versions against: each reduced to an edge and
// encoded as JPEG, of a file in memory, with nothing claimed, verified, stored or sent.
//
//   vips_versions QUALITY FIRST_EDGE SECONDS PICTURE.jpg…     the last line is JSON: versions a second, their mean size
//
// One thread a core, each with one picture at a time; libvips has no threads of its own beside them.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <vips/vips.h>

namespace {

using File = std::vector<char>;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "vips_versions: %s\n", why.c_str());
    std::exit(1);
}

std::size_t make_version(File& picture, int edge, int quality) {
    VipsImage* small = nullptr;
    if (vips_thumbnail_buffer(picture.data(), picture.size(), &small, edge, "height", edge, "size",
                              VIPS_SIZE_DOWN, nullptr) != 0)
        give_up(vips_error_buffer());
    void* memory = nullptr;
    std::size_t size = 0;
    if (vips_jpegsave_buffer(small, &memory, &size, "Q", quality, "strip", TRUE, "optimize_coding", TRUE,
                             nullptr) != 0)
        give_up(vips_error_buffer());
    g_object_unref(small);
    g_free(memory);
    return size;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) give_up("QUALITY FIRST_EDGE SECONDS PICTURE.jpg… are wanted");
    const int quality = std::atoi(argv[1]), first_edge = std::atoi(argv[2]);
    const std::chrono::duration<double> length{std::atof(argv[3])};
    if (VIPS_INIT(argv[0]) != 0) give_up("libvips does not start");
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    std::vector<File> pictures;
    for (int number = 4; number < argc; ++number) {
        std::ifstream file(argv[number], std::ios::binary);
        pictures.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        if (pictures.back().empty()) give_up(std::string(argv[number]) + " can't be read");
    }

    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (::sched_getaffinity(0, sizeof cores, &cores) != 0) give_up("can't tell the cores");
    std::atomic<std::size_t> next{0}, bytes{0}, made{0};
    const auto started = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (int core = 0; core < CPU_COUNT(&cores); ++core) {
        threads.emplace_back([&] {
            while (std::chrono::steady_clock::now() - started < length) {
                const std::size_t number = next++;
                auto picture = pictures[number % pictures.size()];
                bytes +=
                    make_version(picture, first_edge + static_cast<int>(number / pictures.size()), quality);
                ++made;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    std::printf("{\"rate\":%.2f,\"bytes\":%zu,\"next_edge\":%zu}\n",
                static_cast<double>(made) / taken.count(), bytes / made,
                static_cast<std::size_t>(first_edge) + next / pictures.size() + 1);
}
