// A 12-megapixel JPEG through the jailed imager (proof, facts, strip, decode, 2048, encode, clean,
// independent check, hashes, and the way there and back) against libvips alone doing the same decode, resize
// and encode in this process. One core, the two taking turns; the figure is the ratio of the medians, the
// target at most 1.25.
//
//   imaging_bench [ROUNDS [PHOTO.jpg]]        prints a table; the last line is JSON
//   imaging_bench --make PHOTO.jpg            writes the photo that it uses where none is given
//
// libvips alone is asked for what the imager is asked for: sRGB only where the photo brings a profile,
// because without one the transform is work that nobody needs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sched.h>
#include <vips/vips.h>

#include "imaging/imager_pool.hpp"
#include "imaging/memory_file.hpp"

namespace {

using namespace photogate;
using namespace photogate::imaging;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "imaging_bench: %s\n", why.c_str());
    std::exit(1);
}

void must(int failed, const char* what) {
    if (failed != 0) give_up(std::string(what) + ": " + vips_error_buffer());
}

/// Clouds with sensor noise: about 4 MB at quality 92, as a phone's photo.
Bytes make_photo() {
    constexpr int kWidth = 4032;
    constexpr int kHeight = 3024;
    VipsImage* bands[3] = {};
    for (int i = 0; i < 3; ++i) {
        VipsImage* clouds = nullptr;
        VipsImage* noise = nullptr;
        VipsImage* scaled = nullptr;
        must(vips_perlin(&clouds, kWidth, kHeight, "cell_size", 90 + 30 * i, "seed", i + 1, nullptr),
             "perlin");
        must(vips_linear1(clouds, &scaled, 90, 128, nullptr), "linear");
        must(vips_gaussnoise(&noise, kWidth, kHeight, "sigma", 4.0, "mean", 0.0, "seed", i + 7, nullptr),
             "noise");
        must(vips_add(scaled, noise, &bands[i], nullptr), "add");
    }
    VipsImage* joined = nullptr;
    VipsImage* cast = nullptr;
    VipsImage* tagged = nullptr;
    must(vips_bandjoin(bands, &joined, 3, nullptr), "bandjoin");
    must(vips_cast_uchar(joined, &cast, nullptr), "cast");
    must(vips_copy(cast, &tagged, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr), "copy");
    void* memory = nullptr;
    std::size_t size = 0;
    must(vips_jpegsave_buffer(tagged, &memory, &size, "Q", 92, "strip", TRUE, nullptr), "jpegsave");
    const auto* start = static_cast<const std::uint8_t*>(memory);
    return Bytes(start, start + size);
}

/// The same work without distrust of the input, with the imager's encoder settings.
std::size_t by_libvips_alone(Bytes& photo, const char* profile) {
    VipsImage* small = nullptr;
    must(vips_thumbnail_buffer(photo.data(), photo.size(), &small, 2048, "height", 2048, "size",
                               VIPS_SIZE_DOWN, "export_profile", profile, "intent", VIPS_INTENT_PERCEPTUAL,
                               "fail_on", VIPS_FAIL_ON_ERROR, nullptr),
         "thumbnail");
    void* memory = nullptr;
    std::size_t size = 0;
    must(vips_jpegsave_buffer(small, &memory, &size, "Q", 82, "strip", TRUE, "optimize_coding", TRUE,
                              "interlace", TRUE, nullptr),
         "jpegsave");
    g_object_unref(small);
    g_free(memory);
    return size;
}

/// "srgb" where the photo has an ICC profile, nullptr where not.
const char* target_profile(Bytes& photo) {
    VipsImage* header = vips_image_new_from_buffer(photo.data(), photo.size(), "", nullptr);
    if (header == nullptr) give_up(vips_error_buffer());
    const char* profile = vips_image_get_typeof(header, VIPS_META_ICC_NAME) != 0 ? "srgb" : nullptr;
    g_object_unref(header);
    return profile;
}

std::size_t by_the_imager(ImagerPool& pool, const Task& task) {
    const auto outcome = pool.run(task);
    if (!outcome) give_up(outcome.error().detail);
    const auto* processed = std::get_if<Processed>(&*outcome);
    if (processed == nullptr) give_up(std::get<Rejection>(*outcome).detail);
    return processed->picture().bytes.size();
}

double milliseconds(const std::function<void()>& what) {
    const auto before = std::chrono::steady_clock::now();
    what();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view{argv[1]} == "--make") {
        if (VIPS_INIT(argv[0]) != 0) give_up("libvips does not start");
        const Bytes photo = make_photo();
        std::ofstream file(argv[2], std::ios::binary);
        file.write(reinterpret_cast<const char*>(photo.data()), static_cast<std::streamsize>(photo.size()));
        return file.flush() ? 0 : 1;
    }
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 15;
    // Worker processes inherit this: both sides use the same single core.
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) give_up("can't bind to one core");
    ::setenv("VIPS_WARNING", "0", 1);
    if (VIPS_INIT(argv[0]) != 0) give_up("libvips does not start");
    vips_concurrency_set(1);
    vips_cache_set_max(0);

    Bytes photo;
    if (argc > 2) {
        std::ifstream file(argv[2], std::ios::binary);
        photo.assign(std::istreambuf_iterator<char>(file), {});
    } else {
        photo = make_photo();
    }
    const char* profile = target_profile(photo);
    auto spooled = MemoryFile::create("bench");
    if (!spooled || !spooled->append(photo) || !spooled->seal()) give_up("can't spool");
    Task task;
    task.file = spooled->descriptor();
    task.size = spooled->size();
    auto pool = ImagerPool::start({.program = PHOTOGATE_BINARY_DIR "/photogate-imager", .processes = 1});
    if (!pool) give_up(pool.error().detail);

    std::vector<double> ours;
    std::vector<double> theirs;
    std::size_t our_size = by_the_imager(**pool, task);
    std::size_t their_size = by_libvips_alone(photo, profile);
    for (int round = 0; round < rounds; ++round) {
        ours.push_back(milliseconds([&] { our_size = by_the_imager(**pool, task); }));
        theirs.push_back(milliseconds([&] { their_size = by_libvips_alone(photo, profile); }));
    }
    const double ratio = median(ours) / median(theirs);
    const double best =
        *std::min_element(ours.begin(), ours.end()) / *std::min_element(theirs.begin(), theirs.end());
    std::printf("photo of %zu bytes, %d rounds, one core\n", photo.size(), rounds);
    std::printf("%-28s %10s %10s %12s\n", "", "median ms", "best ms", "bytes out");
    std::printf("%-28s %10.1f %10.1f %12zu\n", "jailed imager, everything", median(ours),
                *std::min_element(ours.begin(), ours.end()), our_size);
    std::printf("%-28s %10.1f %10.1f %12zu\n", "libvips alone", median(theirs),
                *std::min_element(theirs.begin(), theirs.end()), their_size);
    std::printf("ratio %.3f (best of each %.3f), target at most 1.25: %s\n", ratio, best,
                ratio <= 1.25 ? "met" : "missed");
    std::vector<double> ratios;
    for (std::size_t i = 0; i < ours.size(); ++i)
        ratios.push_back(ours[i] / theirs[i]);
    std::sort(ratios.begin(), ratios.end());
    std::printf(
        "{\"bench\":\"imaging\",\"ratio\":%.3f,\"best_ratio\":%.3f,\"lowest_ratio\":%.3f,\"highest_ratio\":%."
        "3f,"
        "\"ours_ms\":%.1f,\"libvips_ms\":%.1f,\"photo_bytes\":%zu}\n",
        ratio, best, ratios.front(), ratios.back(), median(ours), median(theirs), photo.size());
    return 0;
}
