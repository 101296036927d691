// More of what Debian's image stack does wrong, and that we step round it, seen from outside the worker process. As
// in traps_test.cpp, a look at libvips alone fails once a newer one behaves: then the workaround can go.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <future>
#include <vector>

#include "heif_pictures.hpp"
#include "imaging/imager_process.hpp"
#include "imaging/imager_wire.hpp"
#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

constexpr std::array<std::uint8_t, 2> kTables{0xFF, 0xDB};
constexpr std::array<std::uint8_t, 2> kScan{0xFF, 0xDA};

class StackTraps : public ::testing::Test {
  protected:
    Bytes photo_as(const std::string& name, const std::string& options = "", int width = 480,
                   int height = 320) {
        vips("copy " + make_photo(folder, width, height) + " '" + folder.file(name) + options + "'");
        return read_file(folder.file(name));
    }
    /// Whether the command line tool fails on a file of the folder.
    bool vips_refuses(const std::string& arguments) {
        return std::system(
                   ("VIPS_WARNING=0 vips " + arguments + " >" + folder.file("said") + " 2>&1").c_str()) != 0;
    }
    Folder folder;
};

bool is_grey_of(const Pixels& pixels, int level) {
    return !pixels.bytes.empty() && std::all_of(pixels.bytes.begin(), pixels.bytes.end(),
                                                [&](int value) { return std::abs(value - level) <= 4; });
}

// --- Traps 4 and 6

TEST_F(StackTraps, converts_cmyk_by_its_own_profile) {
    vips("icc_export " + make_photo(folder, 480, 320) + " '" + folder.file("c.jpg") +
         "[Q=95]' --output-profile cmyk");
    vips("icc_transform " + folder.file("c.jpg") + " " + folder.file("r.png") +
         " srgb --embedded --intent perceptual");
    Order order;
    order.recipe.version.format = Format::png;
    EXPECT_LE(mean_difference(pixels_of(process_image(read_file(folder.file("c.jpg")), order).picture()),
                              pixels_of_file(folder.file("r.png"))),
              2.0);
}

TEST_F(StackTraps, converts_display_p3_to_srgb_before_dropping_the_profile) {
    const std::string photo = make_photo(folder, 480, 320);
    vips("icc_transform " + photo + " '" + folder.file("p3.png") + "' p3 --input-profile srgb");
    // The same numbers without the profile are another picture.
    const double lost = mean_difference(pixels_of_file(folder.file("p3.png")), pixels_of_file(photo));
    EXPECT_GT(lost, 1.0);
    Order order;
    order.recipe.version.format = Format::png;
    EXPECT_LE(mean_difference(pixels_of(process_image(read_file(folder.file("p3.png")), order).picture()),
                              pixels_of_file(photo)),
              lost / 2);
}

// --- Trap 8

TEST_F(StackTraps, publishes_jpeg_with_stray_bytes_between_segments) {
    const Bytes jpeg = photo_as("p.jpg", "[Q=90]");
    const auto tables = std::search(jpeg.begin(), jpeg.end(), kTables.begin(), kTables.end());
    ASSERT_NE(tables, jpeg.end());
    Bytes stray(jpeg.begin(), tables);
    stray.insert(stray.end(), 20, 0x11);
    stray.insert(stray.end(), tables, jpeg.end());
    write_file(folder.file("stray.jpg"), stray);
    EXPECT_TRUE(vips_refuses("copy " + folder.file("stray.jpg") + "[fail_on=warning] " + folder.file("o.v")))
        << "fail_on=warning takes stray bytes now (trap 8)";
    EXPECT_EQ(pixels_of(process_image(stray).picture()).bytes,
              pixels_of(process_image(jpeg).picture()).bytes);
}

TEST_F(StackTraps, publishes_samsung_jpeg_with_spectral_end_of_zero) {
    const Bytes jpeg = photo_as("p.jpg", "[Q=90]");
    Bytes odd = jpeg;
    const auto scan = std::search(odd.begin(), odd.end(), kScan.begin(), kScan.end());
    ASSERT_GT(odd.end() - scan, 16);
    // Behind the marker: two bytes of length, the count of components, two bytes for each, Ss, Se, AhAl.
    ASSERT_EQ(scan[6 + 2 * scan[4]], 63);
    scan[6 + 2 * scan[4]] = 0;
    write_file(folder.file("odd.jpg"), odd);
    EXPECT_TRUE(vips_refuses("copy " + folder.file("odd.jpg") + "[fail_on=warning] " + folder.file("o.v")))
        << "fail_on=warning takes Samsung's scans now (trap 8)";
    EXPECT_EQ(pixels_of(process_image(odd).picture()).bytes, pixels_of(process_image(jpeg).picture()).bytes);
}

// --- Trap 11

TEST_F(StackTraps, judges_and_shows_heif_by_its_picture_instead_of_its_thumbnail) {
    const Bytes other = make_avif({.grey = 60, .thumbnail_grey = 230});
    write_file(folder.file("t.avif"), other);
    vips("thumbnail " + folder.file("t.avif") + " " + folder.file("o.png") + " 80");
    EXPECT_TRUE(is_grey_of(pixels_of_file(folder.file("o.png")), 230))
        << "libvips makes thumbnails from the picture now (trap 11)";
    Order order;
    order.recipe.version.max_edge = 80;
    EXPECT_TRUE(is_grey_of(pixels_of(process_image(other, order).picture()), 60));
}

TEST_F(StackTraps, publishes_heif_with_broken_thumbnail) {
    const Bytes broken = with_broken_item(make_avif({.grey = 60, .thumbnail_grey = 230}), 2);
    EXPECT_TRUE(is_grey_of(pixels_of(process_image(broken).picture()), 60));
}

TEST_F(StackTraps, rejects_heif_with_broken_picture_and_sound_thumbnail_as_corrupt) {
    const Bytes broken = with_broken_item(make_avif({.grey = 60, .thumbnail_grey = 230}), 1);
    const auto said = verdict(run(shared_pool(), broken));
    EXPECT_TRUE(said == "corrupt" || said == "truncated") << said;
}

// --- Trap 12

TEST_F(StackTraps, publishes_heif_with_orphaned_metadata_as_written_by_ios_18) {
    const Bytes file =
        with_metadata_of_no_picture(make_avif({.grey = 90, .metadata = AvifShape::Metadata::exif_and_xmp}));
    EXPECT_TRUE(is_grey_of(pixels_of(process_image(file).picture()), 90));
}

// --- Trap 13

TEST_F(StackTraps, rejects_animated_avif_as_unsupported_before_any_loader) {
    Bytes sequence = make_avif({});
    ASSERT_EQ(as_text(sequence).substr(8, 4), "avif");
    sequence[11] = 's';
    EXPECT_EQ(verdict(run(shared_pool(), sequence)), "unsupported_format");
    Order order;
    order.declared_type = "image/avif";
    EXPECT_EQ(verdict(run(shared_pool(), sequence, order)), "unsupported_format");
}

// --- Trap 15

TEST_F(StackTraps, shrinks_pictures_correctly_without_files_for_vector_code) {
    // Each pair of sizes has its own coefficients, and each of those a program that is compiled in the jail. With alpha,
    // because what has none is resized by our own filter.
    photo_as("o.png", "", 701, 467);
    vips("bandjoin_const " + folder.file("o.png") + " " + folder.file("p.png") + " 200");
    const Bytes png = read_file(folder.file("p.png"));
    for (const int edge : {650, 577, 480, 333, 251, 190, 123, 77, 41, 13}) {
        Order order;
        order.recipe.version.format = Format::png;
        order.recipe.version.max_edge = static_cast<std::uint32_t>(edge);
        vips("thumbnail " + folder.file("p.png") + " " + folder.file("r.png") + " " + std::to_string(edge));
        EXPECT_LE(mean_difference(pixels_of(process_image(png, order).picture()),
                                  pixels_of_file(folder.file("r.png"))),
                  1.0)
            << edge;
    }
}

// --- Trap 16

TEST_F(StackTraps, prints_no_file_content_from_warnings) {
    auto process = ImagerProcess::start(
        {.program = pool_options().program, .address_space = pool_options().address_space});
    ASSERT_TRUE(process) << process.error().detail;
    Bytes damaged = photo_as("w.jpg", "[Q=90]");
    std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(damaged.size() / 2), 500, std::uint8_t{0xA5});
    auto file = MemoryFile::create("test");
    ASSERT_TRUE(file && file->append(damaged));
    Task task;
    task.file = file->descriptor();
    task.size = file->size();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    ASSERT_TRUE((*process)->channel().send(write_order(task, 1U << 20), {}, task.file, deadline));
    ASSERT_TRUE((*process)->channel().receive({kMaxAnswerHeader, 1U << 20}, deadline));
    EXPECT_EQ((*process)->last_words(), "");
}

// --- Trap 17

TEST_F(StackTraps, decodes_more_than_a_hundred_megabytes_without_a_file) {
    // 6,000 × 5,900 × 3 bytes, through the loaders that can't shrink as they read.
    vips("black " + folder.file("b.v") + " 6000 5900 --bands 3");
    vips("linear " + folder.file("b.v") + " " + folder.file("l.v") + " 1 120 --uchar");
    vips("copy " + folder.file("l.v") + " " + folder.file("large.v") + " --interpretation srgb");
    for (const char* name : {"large.png[interlace,compression=1]", "large.tif[tile,compression=deflate]"}) {
        const std::string file = std::string(name).substr(0, std::string(name).find('['));
        vips("copy " + folder.file("large.v") + " '" + folder.file(name) + "'");
        Order order;
        order.recipe.version.max_edge = 5000;
        const Processed processed = process_image(read_file(folder.file(file)), order);
        EXPECT_EQ(processed.picture().width, 5000U) << name;
    }
}

// --- Trap 21

TEST_F(StackTraps, publishes_png_with_any_amount_of_text_unread) {
    const Bytes png = photo_as("p.png");
    const Bytes published = process_image(png).picture().bytes;
    write_file(folder.file("in.png"), png);
    // Nearly a gigabyte is less than one in the file; noise is no deflated text at all.
    for (const char* shape :
         {"900, zlib.compress(bytes(1 << 20), 9)", "1201, bytes(10)", "5, bytes(1000000)"}) {
        (void)shell("python3 - " + folder.file("in.png") + " " + folder.file("out.png") + R"( <<'PY'
import struct, sys, zlib
data = open(sys.argv[1], 'rb').read()
count, text = )" + std::string(shape) +
                    R"(
body = b'Comment\0\0' + text
chunk = struct.pack('>I', len(body)) + b'zTXt' + body + struct.pack('>I', zlib.crc32(b'zTXt' + body))
open(sys.argv[2], 'wb').write(data[:33] + chunk * count + data[33:])
PY
)");
        EXPECT_EQ(process_image(read_file(folder.file("out.png"))).picture().bytes, published) << shape;
    }
}

// --- Trap 22

TEST(StackMemory, keeps_eight_worker_processes_under_1200_mib) {
#ifdef PHOTOGATE_SANITIZED
    GTEST_SKIP() << "a sanitizer keeps freed memory";
#else
    const Folder folder;
    vips("gaussnoise " + folder.file("n.v") + " 4000 3000 --sigma 30 --mean 128");
    vips("cast " + folder.file("n.v") + " " + folder.file("c.v") + " uchar");
    vips("bandjoin '" + folder.file("c.v") + " " + folder.file("c.v") + " " + folder.file("c.v") + "' " +
         folder.file("p.jpg"));
    const Bytes photo = read_file(folder.file("p.jpg"));
    const auto before = children("photogate-imager");
    auto pool = ImagerPool::start(pool_options(8));
    ASSERT_TRUE(pool);
    std::vector<std::future<std::string> > verdicts;
    for (int i = 0; i < 24; ++i)
        verdicts.push_back(std::async(std::launch::async, [&] { return verdict(run(**pool, photo)); }));
    for (auto& said : verdicts)
        EXPECT_EQ(said.get(), "published");
    std::uint64_t peaks = 0;
    for (const pid_t process : children("photogate-imager")) {
        if (std::find(before.begin(), before.end(), process) == before.end()) peaks += peak_kib(process);
    }
    EXPECT_GT(peaks, 0U);
    EXPECT_LT(peaks >> 10, 1200U);
#endif
}

// --- Trap 24

TEST_F(StackTraps, ends_task_when_memory_runs_out_and_serves_the_next) {
#ifdef PHOTOGATE_SANITIZED
    GTEST_SKIP() << "a sanitizer's shadow memory is larger than any ceiling";
#else
    PoolOptions options = pool_options();
    options.address_space = 400ULL << 20;
    auto pool = ImagerPool::start(options);
    ASSERT_TRUE(pool) << pool.error().detail;
    vips("black " + folder.file("b.v") + " 7000 7000 --bands 4");
    vips("copy " + folder.file("b.v") + " '" + folder.file("large.png") + "[interlace,compression=1]'");
    Order order;
    order.recipe.version.max_edge = 7000;
    order.recipe.version.format = Format::png;
    const auto said = verdict(run(**pool, read_file(folder.file("large.png")), order));
    EXPECT_NE(said, "published");
    EXPECT_EQ(verdict(run(**pool, photo_as("p.jpg"))), "published");
#endif
}

}  // namespace
}  // namespace photogate::imaging::testing
