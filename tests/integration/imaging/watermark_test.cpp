// Watermarks through the real worker process, inside its jail: pictures and texts, on stills and animations.
#include <algorithm>
#include <filesystem>

#include "imaging/prove_watermark.hpp"
#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

constexpr const char* kFont = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
constexpr const char* kOtherFont = "/usr/share/fonts/truetype/dejavu/DejaVuSerif-Bold.ttf";

/// Worker processes that have read the fonts.
ImagerPool& pool() {
    static const std::unique_ptr<ImagerPool> pool = [] {
        auto options = pool_options();
        options.fonts = {kFont, kOtherFont};
        auto started = ImagerPool::start(options);
        EXPECT_TRUE(started) << started.error().detail;
        return started ? std::move(*started) : nullptr;
    }();
    return *pool;
}

Watermark of_picture(Bytes bytes) {
    Watermark mark;
    mark.sha256 = std::string(64, 'a');
    mark.picture = std::make_shared<const Bytes>(std::move(bytes));
    mark.opacity = 100;
    return mark;
}

Watermark of_text(std::string text, const char* font = kFont) {
    Watermark mark;
    mark.sha256 = std::string(64, 'b');
    mark.text = std::move(text);
    mark.font = font;
    mark.opacity = 100;
    mark.size = 50;
    return mark;
}

template <class Change>
Watermark changed(Watermark mark, const Change& change) {
    change(mark);
    return mark;
}

/// Red, 60 by 30.
Bytes red(const Folder& folder) {
    vips("black " + folder.file("b.v") + " 60 30 --bands 3");
    vips("linear " + folder.file("b.v") + " " + folder.file("red.png") + " '1 1 1' '255 0 0' --uchar");
    return read_file(folder.file("red.png"));
}

int at(const Pixels& pixels, int x, int y, int band) {
    return int{pixels.bytes[static_cast<std::size_t>((y * pixels.width + x) * pixels.bands + band)]};
}

bool is_red(const Pixels& pixels, int x, int y) {
    return at(pixels, x, y, 0) >= 240 && at(pixels, x, y, 1) <= 15 && at(pixels, x, y, 2) <= 15;
}

double share_of_red(const Pixels& pixels) {
    int count = 0;
    for (int y = 0; y < pixels.height; ++y)
        for (int x = 0; x < pixels.width; ++x)
            count += is_red(pixels, x, y) ? 1 : 0;
    return static_cast<double>(count) / (pixels.width * pixels.height);
}

class Watermarks : public ::testing::Test {
  protected:
    /// A picture without red.
    Bytes plain(const std::string& name, int width, int height) {
        vips("black " + folder.file("p.v") + " " + std::to_string(width) + " " + std::to_string(height) +
             " --bands 3");
        vips("linear " + folder.file("p.v") + " " + folder.file(name) + " '1 1 1' '40 90 160' --uchar");
        return read_file(folder.file(name));
    }
    Processed made(BytesView file, std::vector<VersionSpec> versions, const FactsPolicy* facts = nullptr) {
        auto spooled = MemoryFile::create("test");
        EXPECT_TRUE(spooled && spooled->append(file));
        Task task;
        task.file = spooled->descriptor();
        task.size = spooled->size();
        task.publish({}, std::move(versions));
        if (facts == nullptr) task.facts.reset();
        auto outcome = pool().run(task);
        if (outcome && std::holds_alternative<Processed>(*outcome))
            return std::get<Processed>(std::move(*outcome));
        ADD_FAILURE() << verdict(outcome);
        return {.pictures = {{}}};
    }
    Pixels marked(BytesView file, const Watermark& mark, VersionSpec version = {}) {
        version.format = Format::png;
        version.watermark = mark;
        return pixels_of(made(file, {version}).picture());
    }
    /// The code of the error that such a task ends with.
    ErrorCode error_of(const Watermark& mark) {
        const auto proved = prove_watermark(pool(), mark);
        return proved ? ErrorCode::internal : proved.error().code;
    }
    Folder folder;
};

TEST_F(Watermarks, are_in_their_corner_and_nowhere_else) {
    vips("copy " + make_photo(folder, 400, 300) + " " + folder.file("p.png"));
    const Bytes photo = read_file(folder.file("p.png"));
    const auto mark = of_picture(red(folder));
    const auto faint = changed(mark, [](Watermark& each) {
        each.gravity = Gravity::north_west;
        each.opacity = 50;
    });
    const Processed all = made(photo, {{.format = Format::png},
                                       {.format = Format::png, .watermark = mark},
                                       {.format = Format::png, .watermark = faint}});
    const Pixels clean = pixels_of(all.pictures[0]), full = pixels_of(all.pictures[1]),
                 half = pixels_of(all.pictures[2]);
    ASSERT_EQ(clean.bytes.size(), full.bytes.size());
    ASSERT_EQ(clean.bytes.size(), half.bytes.size());
    // 20 percent of 300 pixels are 60 by 30, 6 pixels from the edges.
    EXPECT_TRUE(is_red(full, 400 - 36, 300 - 21));
    const auto is_beside = [](int x, int y) {
        return x < 400 - 66 || x >= 400 - 6 || y < 300 - 36 || y >= 300 - 6;
    };
    int changed_beside = 0;
    for (int y = 0; y < 300; ++y)
        for (int x = 0; x < 400; ++x)
            changed_beside += is_beside(x, y) && at(full, x, y, 1) != at(clean, x, y, 1) ? 1 : 0;
    EXPECT_EQ(changed_beside, 0);
    EXPECT_NEAR(at(half, 36, 21, 0), (at(clean, 36, 21, 0) + 255) / 2, 3);
    EXPECT_NEAR(at(half, 36, 21, 1), at(clean, 36, 21, 1) / 2, 3);
}

TEST_F(Watermarks, are_at_every_place_that_can_be_named) {
    const Bytes picture = plain("p.png", 400, 300);
    const Bytes mark = red(folder);
    struct Place {
        Gravity gravity;
        int x, y;  ///< of the mark's middle
    };
    const Place places[] = {
        {Gravity::north_west, 60, 45},  {Gravity::north, 200, 45},   {Gravity::north_east, 340, 45},
        {Gravity::west, 60, 150},       {Gravity::centre, 200, 150}, {Gravity::east, 340, 150},
        {Gravity::south_west, 60, 255}, {Gravity::south, 200, 255},  {Gravity::south_east, 340, 255}};
    for (const auto& place : places) {
        const Pixels pixels = marked(picture, changed(of_picture(mark), [&](Watermark& each) {
                                         each.gravity = place.gravity;
                                         each.offset_x = each.offset_y = 10;
                                     }));
        for (const auto& other : places)
            EXPECT_EQ(is_red(pixels, other.x, other.y), other.gravity == place.gravity)
                << to_string(place.gravity) << " " << to_string(other.gravity);
        EXPECT_NEAR(share_of_red(pixels), 60.0 * 30 / (400 * 300), 0.001);
    }
}

TEST_F(Watermarks, are_as_large_as_the_picture_wants_them) {
    const Bytes picture = plain("p.png", 1600, 1200);
    const auto mark = of_picture(red(folder));
    for (const std::uint32_t edge : {1600U, 800U, 160U}) {
        const Pixels pixels = marked(picture, mark, {.max_edge = edge});
        EXPECT_NEAR(share_of_red(pixels), 0.2 * 0.1 * 0.75, 0.004) << edge;
    }
}

TEST_F(Watermarks, cover_the_whole_picture_in_tiles) {
    const Pixels pixels =
        marked(plain("p.png", 400, 300), changed(of_picture(red(folder)), [](Watermark& mark) {
                   mark.tiling = Tiling::tiled;
                   mark.offset_x = mark.offset_y = 10;
               }));
    // Cells of 90 by 60, half of them red in each direction.
    EXPECT_NEAR(share_of_red(pixels), 60.0 * 30 / (90 * 60), 0.05);
    for (int y = 0; y + 60 <= 300; y += 60)
        for (int x = 0; x + 90 <= 400; x += 90)
            EXPECT_TRUE(is_red(pixels, x + 45, y + 30)) << x << " " << y;
}

TEST_F(Watermarks, let_a_transparent_picture_be_transparent) {
    vips("black " + folder.file("t.v") + " 400 300 --bands 4");
    vips("copy " + folder.file("t.v") + " " + folder.file("t.png") + " --interpretation srgb");
    const Pixels pixels = marked(read_file(folder.file("t.png")), of_picture(red(folder)));
    ASSERT_EQ(pixels.bands, 4);
    EXPECT_EQ(at(pixels, 10, 10, 3), 0);
    EXPECT_TRUE(is_red(pixels, 400 - 36, 300 - 21));
    EXPECT_EQ(at(pixels, 400 - 36, 300 - 21, 3), 255);
}

TEST_F(Watermarks, let_a_grey_picture_have_colours) {
    vips("black " + folder.file("g.png") + " 400 300");
    const Pixels pixels = marked(read_file(folder.file("g.png")), of_picture(red(folder)));
    EXPECT_TRUE(is_red(pixels, 400 - 36, 300 - 21));
    EXPECT_EQ(at(pixels, 10, 10, 0), 0);
}

TEST_F(Watermarks, are_in_every_frame_of_an_animation) {
    // Frames that differ: equal ones become one.
    vips("linear " + make_photo(folder, 200, 450) + " " + folder.file("roll.v") +
         " '0.3 1 1' '0 0 0' --uchar");
    vips("webpsave " + folder.file("roll.v") + " " + folder.file("roll.webp") +
         " --page-height 150 --lossless");
    const Bytes file = read_file(folder.file("roll.webp"));
    VersionSpec version{.format = Format::webp};
    version.watermark = of_picture(red(folder));
    const Processed result = made(file, {version});
    EXPECT_EQ(result.frames, 3U);
    write_file(folder.file("out.webp"), result.picture().bytes);
    vips("copy " + folder.file("out.webp") + "[n=-1] " + folder.file("out.png"));
    const Pixels all = pixels_of_file(folder.file("out.png"));
    ASSERT_EQ(all.height, 450);
    for (int page = 0; page < 3; ++page) {
        // 30 by 15, 3 pixels from the edges.
        EXPECT_GE(at(all, 200 - 18, page * 150 + 150 - 10, 0), 200) << page;
        EXPECT_LE(at(all, 100, page * 150 + 75, 0), 120) << page;
    }
}

TEST_F(Watermarks, are_not_laid_over_what_shows_them_already) {
    // The left third of a picture whose mark is in its south-east corner does not show it; the right one does.
    const Bytes picture = plain("p.png", 600, 200);
    const auto carried =
        changed(of_picture(red(folder)), [](Watermark& mark) { mark.source = Watermark::Source::marked; });
    const auto cut = [&](Gravity gravity, std::uint32_t edge = 2048) {
        return share_of_red(
            marked(picture, carried, {.max_edge = edge, .crop = Aspect{1, 1}, .gravity = gravity}));
    };
    EXPECT_EQ(share_of_red(marked(picture, carried)), 0);
    EXPECT_EQ(share_of_red(marked(picture, carried, {.crop = Aspect{1, 1}, .reshape = Reshape::stretch})), 0);
    EXPECT_EQ(cut(Gravity::east), 0);
    EXPECT_EQ(cut(Gravity::east, 100), 0);
    EXPECT_GT(cut(Gravity::west), 0.01);
    EXPECT_GT(cut(Gravity::centre), 0.01);
    EXPECT_GT(cut(Gravity::centre, 100), 0.01);
}

TEST_F(Watermarks, are_not_laid_over_what_the_eye_is_drawn_to_where_that_shows_them) {
    vips("black " + folder.file("dark.v") + " 300 100 --bands 3");
    vips("copy " + make_photo(folder, 100, 100) + " " + folder.file("busy.png"));
    const auto carried =
        changed(of_picture(red(folder)), [](Watermark& mark) { mark.source = Watermark::Source::marked; });
    const auto share = [&](int left) {
        vips("insert " + folder.file("dark.v") + " " + folder.file("busy.png") + " " + folder.file("p.png") +
             " " + std::to_string(left) + " 0");
        return share_of_red(marked(read_file(folder.file("p.png")), carried,
                                   {.crop = Aspect{1, 1}, .gravity = Gravity::entropy}));
    };
    EXPECT_EQ(share(200), 0);
    EXPECT_GT(share(0), 0.01);
}

TEST_F(Watermarks, of_text_are_drawn_inside_the_jail_with_each_font_at_any_size) {
    ASSERT_TRUE(std::filesystem::exists(kFont)) << "fonts-dejavu-core is not installed";
    const Bytes picture = plain("p.png", 1200, 900);
    for (const char* font : {kFont, kOtherFont}) {
        for (const std::uint32_t edge : {2048U, 900U, 333U, 100U}) {
            const auto mark = of_text("© shop", font);
            const Pixels pixels = marked(picture, mark, {.max_edge = edge});
            int white = 0, dark = 0;
            for (int y = 0; y < pixels.height; ++y)
                for (int x = 0; x < pixels.width; ++x) {
                    white += at(pixels, x, y, 0) > 200 ? 1 : 0;
                    dark += at(pixels, x, y, 2) < 120 ? 1 : 0;
                }
            const double area = pixels.width * pixels.height;
            EXPECT_GT(white / area, 0.005) << font << edge;
            EXPECT_LT(white / area, 0.2) << font << edge;
            EXPECT_GT(dark / area, 0.001) << font << edge;  // its shadow
        }
    }
    const auto one = marked(picture, of_text("© shop", kFont));
    EXPECT_NE(one.bytes, marked(picture, of_text("© shop", kOtherFont)).bytes);
    EXPECT_NE(one.bytes, marked(picture, of_text("© shoe", kFont)).bytes);
    EXPECT_EQ(one.bytes, marked(picture, of_text("© shop", kFont)).bytes);
}

TEST_F(Watermarks, of_text_are_no_markup) {
    const Bytes picture = plain("p.png", 400, 300);
    const auto text = marked(picture, of_text("<b>x</b> &amp; <span size='1'>"));
    EXPECT_NE(text.bytes, marked(picture, of_text("x & ")).bytes);
    // Markup that is not sound would be an error.
    EXPECT_GT(mean_difference(marked(picture, of_text("</b> & <i")), pixels_of_file(folder.file("p.png"))),
              0.1);
}

TEST_F(Watermarks, of_text_tell_when_the_picture_was_taken) {
    (void)plain("p.jpg", 400, 300);
    (void)shell("exiftool -q -DateTimeOriginal='2024:03:10 12:34:56' " + folder.file("p.jpg"));
    const Bytes file = read_file(folder.file("p.jpg"));
    VersionSpec version{.format = Format::png};
    version.watermark = of_text("© shop {taken_at:%Y}");
    const FactsPolicy facts;
    const auto published = pixels_of(made(file, {version}, &facts).picture());
    // What is made of the published image has the moment from the records.
    const auto rendered =
        changed(*version.watermark, [](Watermark& mark) { mark.taken_at = "2024-03-10T12:34:56"; });
    EXPECT_EQ(published.bytes, marked(file, rendered).bytes);
    EXPECT_EQ(published.bytes, marked(file, of_text("© shop 2024")).bytes);
    EXPECT_EQ(marked(file, *version.watermark).bytes, marked(file, of_text("© shop")).bytes);
}

TEST_F(Watermarks, that_can_not_be_made_are_an_error_and_not_the_pictures_fault) {
    for (const auto& sound : {of_picture(red(folder)), of_text("© shop")}) {
        const auto proved = prove_watermark(pool(), sound);
        EXPECT_TRUE(proved) << proved.error().detail;
    }
    EXPECT_EQ(error_of(of_picture({'n', 'o'})), ErrorCode::invalid_configuration);
    Bytes torn = red(folder);
    torn.resize(torn.size() / 2);
    EXPECT_EQ(error_of(of_picture(torn)), ErrorCode::invalid_configuration);
    EXPECT_EQ(error_of(of_text("© shop", "/usr/share/fonts/another.ttf")), ErrorCode::invalid_configuration);
    EXPECT_EQ(error_of(Watermark{}), ErrorCode::invalid_configuration);
    vips("black " + folder.file("huge.png") + " 5000 5000");
    EXPECT_EQ(error_of(of_picture(read_file(folder.file("huge.png")))), ErrorCode::invalid_configuration);
}

TEST_F(Watermarks, of_a_font_that_is_none_stop_the_start_with_a_word) {
    write_file(folder.file("none.ttf"), as_bytes("no font"));
    auto options = pool_options();
    options.fonts = {folder.file("none.ttf")};
    const auto started = ImagerPool::start(options);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::imager_unavailable);
    EXPECT_NE(started.error().detail.find("none.ttf can't be read as a font"), std::string::npos)
        << started.error().detail;
}

}  // namespace
}  // namespace photogate::imaging::testing
