// Upright and in the right colours, against independent renders; memory that stays flat.
#include <fstream>
#include <sstream>

#include <unistd.h>

#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

class Orientation : public ::testing::TestWithParam<int> {};

TEST_P(Orientation, turns_every_exif_orientation_upright) {
    const Folder folder;
    const std::string upright = make_photo(folder, 480, 320);
    // The inverse of what the tag will ask for.
    static const std::vector<std::vector<std::string>> kInverse = {{},
                                                                   {"flip horizontal"},
                                                                   {"rot d180"},
                                                                   {"flip horizontal", "rot d180"},
                                                                   {"flip horizontal", "rot d270"},
                                                                   {"rot d270"},
                                                                   {"flip horizontal", "rot d90"},
                                                                   {"rot d90"}};
    std::string stored = upright;
    int step = 0;
    for (const std::string& turn : kInverse.at(static_cast<std::size_t>(GetParam() - 1))) {
        const auto space = turn.find(' ');
        const std::string next = folder.file("s" + std::to_string(++step) + ".v");
        vips(turn.substr(0, space) + " " + stored + " " + next + " " + turn.substr(space + 1));
        stored = next;
    }
    const std::vector<std::string> extensions = {"jpg", "png", "webp", "tif"};
    for (const auto& extension : extensions)
        vips("copy " + stored + " " + folder.file("o." + extension) + (extension == "jpg" ? "'[Q=95]'" : ""));
    (void)shell("exiftool -q -overwrite_original -n -Orientation=" + std::to_string(GetParam()) + " " +
                folder.file("o.*"));
    const Pixels asked = pixels_of_file(upright);
    for (const auto& extension : extensions) {
        const Processed processed = process_image(read_file(folder.file("o." + extension)));
        EXPECT_EQ(processed.width, 480U) << extension;
        EXPECT_EQ(processed.height, 320U) << extension;
        EXPECT_GT(psnr(pixels_of(processed.picture()), asked), 30) << extension;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Orientation, ::testing::Range(1, 9));

/// The same picture by another way: the whole decode, the profile's transform, no shrinking on load.
Pixels reference(const std::string& file, int width) {
    const Folder folder;
    vips("icc_transform '" + file + "' " + folder.file("i.v") + " srgb --embedded --intent perceptual");
    vips("thumbnail_image " + folder.file("i.v") + " " + folder.file("r.png") + " " + std::to_string(width) +
         " --height " + std::to_string(width) + " --size down");
    return pixels_of_file(folder.file("r.png"));
}

TEST(Colour, converts_profiles_to_srgb_within_two_levels) {
    PHOTOGATE_NEEDS_CORPUS();
    for (const char* name :
         {"sharp-Channel_digital_image_CMYK_color.jpg", "dn-Multiple_ICC_segments.jpg", "vips-sample-xyb.jpg",
          "uhdr-Ultra_HDR_Samples_Originals_01.jpg", "exr-IMG_20180725_163423.jpg"}) {
        SCOPED_TRACE(name);
        const auto file = *corpus() / "photos" / "dev" / name;
        Order order;
        order.recipe.version.format = Format::png;
        order.recipe.version.max_edge = 512;
        const Processed processed = process_image(read_file(file), order);
        EXPECT_LE(mean_difference(pixels_of(processed.picture()), reference(file.string(), 512)), 2.0);
    }
}

TEST(Colour, reduces_sixteen_bits_to_eight_without_shift) {
    const Folder folder;
    const std::string photo = make_photo(folder, 300, 200);
    vips("linear " + photo + " " + folder.file("w.v") + " 257 0");
    vips("cast " + folder.file("w.v") + " " + folder.file("u.v") + " ushort");
    vips("copy " + folder.file("u.v") + " " + folder.file("x.v") + " --interpretation rgb16");
    for (const char* name : {"p.png", "p.tif"}) {
        vips("copy " + folder.file("x.v") + " " + folder.file(name));
        Order order;
        order.recipe.version.format = Format::png;
        const Processed processed = process_image(read_file(folder.file(name)), order);
        EXPECT_LE(mean_difference(pixels_of(processed.picture()), pixels_of_file(photo)), 1.0) << name;
    }
}

TEST(Colour, keeps_grey_and_accepts_cmyk_without_profile) {
    const Folder folder;
    vips("colourspace " + make_photo(folder, 300, 200) + " " + folder.file("g.png") + " b-w");
    const Processed grey = process_image(read_file(folder.file("g.png")));
    EXPECT_LE(mean_difference(pixels_of(grey.picture()), pixels_of_file(folder.file("g.png"))), 2.0);
    vips("colourspace " + folder.file("photo.v") + " " + folder.file("c.jpg") + " cmyk");
    const Processed cmyk = process_image(read_file(folder.file("c.jpg")));
    EXPECT_LE(mean_difference(pixels_of(cmyk.picture()), pixels_of_file(folder.file("photo.v"))), 12.0);
}

TEST(Memory, stays_flat_over_mixed_photos) {
#ifdef PHOTOGATE_SANITIZED
    GTEST_SKIP() << "a sanitizer keeps freed memory";
#else
    PoolOptions options = pool_options();
    options.max_tasks_per_process = 100'000;
    const auto before = children("photogate-imager");
    auto pool = ImagerPool::start(options);
    ASSERT_TRUE(pool);
    pid_t process = -1;
    for (const pid_t child : children("photogate-imager")) {
        if (std::find(before.begin(), before.end(), child) == before.end()) process = child;
    }
    const auto resident = [&] {
        std::ifstream statm("/proc/" + std::to_string(process) + "/statm");
        std::uint64_t total = 0;
        std::uint64_t pages = 0;
        statm >> total >> pages;
        return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) >> 20;
    };
    const Folder folder;
    const std::string photo = make_photo(folder, 800, 600);
    std::vector<Bytes> files;
    for (const char* name : {"a.jpg", "a.png", "a.webp", "a.gif", "a.tif"}) {
        vips("copy " + photo + " " + folder.file(name));
        files.push_back(read_file(folder.file(name)));
    }
    std::uint64_t warm = 0;
    for (std::size_t i = 0; i < 300; ++i) {
        Order order;
        order.recipe.version.max_edge = 400;
        EXPECT_EQ(verdict(run(**pool, files[i % files.size()], order)), "published");
        if (i == 60) warm = resident();
    }
    EXPECT_LT(resident(), warm + 20) << "MiB, after a warm-up with " << warm;
#endif
}

}  // namespace
}  // namespace photogate::imaging::testing
