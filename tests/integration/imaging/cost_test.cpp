// Pictures as large as today's phones make them, animations that fill the limits, and results that have no more
// bytes than what came in.
#include <string>

#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

class Cost : public ::testing::Test {
  protected:
    Bytes made(const std::string& name, const std::string& options = "") {
        vips("copy " + source + " '" + folder.file(name) + options + "'");
        return read_file(folder.file(name));
    }
    /// A gradient, quickly made at any size.
    void draw(int width, int height) {
        source = folder.file("large.v");
        vips("grey " + folder.file("g.v") + " " + std::to_string(width) + " " + std::to_string(height) +
             " --uchar");
        vips("bandjoin '" + folder.file("g.v") + " " + folder.file("g.v") + " " + folder.file("g.v") + "' " +
             folder.file("b.v"));
        vips("copy " + folder.file("b.v") + " " + source + " --interpretation srgb");
    }
    Folder folder;
    std::string source;
};

TEST_F(Cost, publishes_pictures_of_todays_phones_by_default) {
    for (const auto& [width, height] : {std::pair{8192, 6144}, {16'382, 3'628}, {16'320, 12'240}}) {
        SCOPED_TRACE(std::to_string(width) + "×" + std::to_string(height));
        vips("black " + folder.file("p.jpg") + " " + std::to_string(width) + " " + std::to_string(height));
        const Processed processed = process_image(read_file(folder.file("p.jpg")));
        EXPECT_EQ(processed.width, static_cast<std::uint32_t>(width));
        EXPECT_EQ(processed.picture().width, 2048U);
    }
}

TEST_F(Cost, refuses_by_estimate_what_the_process_has_no_memory_for) {
    draw(4000, 3000);
    Order order;
    order.limits.max_memory = 30U << 20;
    EXPECT_EQ(verdict(run(shared_pool(), made("i.png", "[interlace,compression=1]"), order)),
              "too_many_pixels");
    EXPECT_EQ(verdict(run(shared_pool(), made("p.png", "[compression=1]"), order)), "too_many_pixels")
        << "its output is too large too";
    order.recipe.version.max_edge = 320;
    EXPECT_EQ(verdict(run(shared_pool(), made("p.png", "[compression=1]"), order)), "published");
    EXPECT_EQ(verdict(run(shared_pool(), made("i.png", "[interlace,compression=1]"), order)),
              "too_many_pixels");
}

TEST_F(Cost, refuses_by_estimate_what_takes_too_long) {
    draw(4000, 3000);
    Order order;
    order.limits.max_work = std::chrono::milliseconds(200);
    const auto outcome = run(shared_pool(), made("p.jpg"), order);
    EXPECT_EQ(verdict(outcome), "too_many_pixels");
    order.recipe.version.max_edge = 320;
    EXPECT_EQ(verdict(run(shared_pool(), made("p.jpg"), order)), "published");
}

TEST_F(Cost, counts_a_watermark_with_the_picture_that_it_is_laid_over) {
    draw(4000, 3000);
    vips("black " + folder.file("small.png") + " 64 64 --bands 3");
    vips("black " + folder.file("large.png") + " 4000 3900 --bands 3");
    const Bytes photo = made("p.jpg");
    Order order;
    order.limits.max_work = std::chrono::milliseconds(300);
    EXPECT_EQ(verdict(run(shared_pool(), photo, order)), "published");
    const auto with = [&](const char* name, Tiling tiling) {
        Watermark mark;
        mark.sha256 = std::string(64, 'a');
        mark.picture = std::make_shared<const Bytes>(read_file(folder.file(name)));
        mark.tiling = tiling;
        order.recipe.version.watermark = mark;
        return verdict(run(shared_pool(), photo, order));
    };
    EXPECT_EQ(with("small.png", Tiling::once), "published");
    EXPECT_EQ(with("small.png", Tiling::tiled), "too_many_pixels") << "it covers the whole picture";
    EXPECT_EQ(with("large.png", Tiling::once), "too_many_pixels") << "it has to be read itself";
}

TEST_F(Cost, encodes_long_animation_within_the_clock) {
    const std::string photo = make_photo(folder, 320, 240);
    // Every frame differs from the one before.
    vips("thumbnail " + photo + " " + folder.file("roll.v") + " 320 --height 18000 --size force");
    vips("copy " + folder.file("roll.v") + " '" + folder.file("film.webp") +
         "[page_height=240,Q=75,effort=0]'");
    const Processed processed = process_image(read_file(folder.file("film.webp")));
    EXPECT_EQ(processed.frames, 75U);
    EXPECT_EQ(processed.picture().format, Format::webp);
}

TEST_F(Cost, publishes_no_more_bytes_than_came_in) {
    source = make_photo(folder, 1000, 700);
    for (const auto& [name, options] : {std::pair{"low.jpg", "[Q=30]"},
                                        {"middle.jpg", "[Q=60]"},
                                        {"high.jpg", "[Q=95]"},
                                        {"low.webp", "[Q=20]"},
                                        {"photo.png", ""},
                                        {"progressive.jpg", "[Q=40,interlace]"}}) {
        SCOPED_TRACE(name);
        const Bytes file = made(name, options);
        for (const std::uint32_t edge : {2048U, 900U}) {
            Order order;
            order.recipe.version.max_edge = edge;
            EXPECT_LE(process_image(file, order).picture().bytes.size(), file.size()) << edge;
        }
    }
}

TEST_F(Cost, keeps_graphics_lossless_that_a_photo_codec_inflates) {
    vips("black " + folder.file("s.v") + " 600 400 --bands 3");
    source = folder.file("n.v");
    vips("copy " + folder.file("s.v") + " " + source + " --interpretation srgb");
    const Bytes png = made("flat.png", "[compression=9]");
    const Processed still = process_image(png);
    EXPECT_LE(still.picture().bytes.size(), png.size());
    EXPECT_NE(still.picture().format, Format::jpeg);

    // Dithered frames: WebP needs more bytes for them than GIF's palette does.
    vips("gaussnoise " + folder.file("z.v") + " 100 1000 --sigma 60 --mean 128");
    vips("linear " + folder.file("z.v") + " " + folder.file("c.v") + " 0.008 0 --uchar");
    vips("linear " + folder.file("c.v") + " " + folder.file("d.v") + " 200 0 --uchar");
    vips("copy " + folder.file("d.v") + " '" + folder.file("film.gif") + "[page_height=100,dither=0]'");
    const Bytes gif = read_file(folder.file("film.gif"));
    const Processed film = process_image(gif);
    EXPECT_EQ(film.frames, 10U);
    EXPECT_LE(film.picture().bytes.size(), gif.size());
}

TEST_F(Cost, grows_only_where_the_profile_accepts_it) {
    source = make_photo(folder, 1000, 700);
    const Bytes low = made("low.jpg", "[Q=10,optimize_coding]");
    Order order;
    order.recipe.version.growth = Growth::accept;
    EXPECT_GT(process_image(low, order).picture().bytes.size(), low.size());
}

}  // namespace
}  // namespace photogate::imaging::testing
