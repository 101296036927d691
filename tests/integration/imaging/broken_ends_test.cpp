// Pictures whose end is missing, whose restart markers are damaged, or whose kept parts hold what must not be
// published: what the worker process makes of them.
#include <algorithm>

#include "imaging/containers/inspect.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;

Order stripping() {
    Order order;
    order.recipe.version.mode = PublishMode::strip;
    return order;
}

Bytes jpeg(const Folder& folder, const std::string& options) {
    const std::string photo = make_photo(folder, 640, 480);
    vips("jpegsave " + photo + " " + folder.file("p.jpg") + " --Q 85 --strip " + options);
    return read_file(folder.file("p.jpg"));
}

Bytes joined(BytesView front, std::string_view back) {
    Bytes out(front.begin(), front.end());
    out.insert(out.end(), back.begin(), back.end());
    return out;
}

bool has_end(BytesView picture) {
    return as_text(picture).ends_with("\xFF\xD9");
}

TEST(BrokenEnds, whole_jpeg_without_its_end_is_published_in_both_modes) {
    const Folder folder;
    Order encoded;  // whose quality does not follow the size of the file, which the trailer is a part of
    encoded.recipe.version.growth = Growth::accept;
    for (const char* options : {"", "--interlace", "--restart-interval 4", "--optimize-coding"}) {
        const Bytes file = jpeg(folder, options);
        const Bytes stripped = process_image(file, stripping()).picture().bytes;
        const Bytes reencoded = process_image(file, encoded).picture().bytes;
        const BytesView open = BytesView(file).first(file.size() - 2);
        const std::string film =
            "\0\0\0\x18"
            "ftypmp42\0\0\0\0mp42isom\0\0\0\x10mdatSECRET\xFF\xD9"s;
        for (const std::string& trailer : {""s, std::string(5000, '\0'), "\r\n"s, std::string(99, '\xFF'),
                                           film, std::string(as_text(file))}) {
            const Bytes broken = joined(open, trailer);
            const Bytes kept = process_image(broken, stripping()).picture().bytes;
            EXPECT_EQ(kept, stripped) << options;
            EXPECT_TRUE(has_end(kept));
            EXPECT_EQ(process_image(broken, encoded).picture().bytes, reencoded) << options;
        }
        const BytesView half = BytesView(file).first(file.size() / 2);
        EXPECT_EQ(verdict(run(shared_pool(), half)), "truncated") << options;
        EXPECT_EQ(verdict(run(shared_pool(), joined(half, as_text(file)))), "truncated") << options;
        EXPECT_EQ(verdict(run(shared_pool(), joined(half, std::string(90'000, '\0')))), "truncated")
            << options;
    }
}

TEST(BrokenEnds, gif_and_png_without_their_last_block_are_published) {
    const Folder folder;
    const std::string photo = make_photo(folder, 320, 240);
    vips("gifsave " + photo + " " + folder.file("p.gif"));
    vips("pngsave " + photo + " " + folder.file("p.png"));
    Order png = stripping();
    png.recipe.version.format = Format::png;
    Order gif = stripping();
    gif.recipe.version.format = Format::gif;
    const Bytes whole_gif = read_file(folder.file("p.gif"));
    const Bytes whole_png = read_file(folder.file("p.png"));
    EXPECT_EQ(process_image(BytesView(whole_gif).first(whole_gif.size() - 1), gif).picture().bytes,
              process_image(whole_gif, gif).picture().bytes);
    for (const std::size_t missing : {12U, 3U})
        EXPECT_EQ(process_image(BytesView(whole_png).first(whole_png.size() - missing), png).picture().bytes,
                  process_image(whole_png, png).picture().bytes);
    EXPECT_EQ(verdict(run(shared_pool(), BytesView(whole_gif).first(whole_gif.size() - 3), gif)),
              "truncated");
    EXPECT_EQ(verdict(run(shared_pool(), BytesView(whole_png).first(whole_png.size() / 2), png)),
              "truncated");
}

/// The place of the restart marker of that number, counted from 0.
std::size_t restart_at(const Bytes& file, std::size_t number) {
    std::size_t at = as_text(file).find("\xFF\xDA");
    while (true) {
        at = as_text(file).find('\xFF', at + 1);
        if (file[at + 1] >= 0xD0 && file[at + 1] <= 0xD7 && number-- == 0) return at;
    }
}

TEST(DamagedIntervals, are_refused_or_published_and_said) {
    const Folder folder;
    const Bytes sound = jpeg(folder, "--restart-interval 20");
    const std::size_t at = restart_at(sound, 12);
    const auto place = sound.begin() + static_cast<std::ptrdiff_t>(at);
    Bytes missing = sound;
    missing.erase(missing.begin() + (place - sound.begin()), missing.begin() + (place - sound.begin()) + 2);
    Bytes wrong = sound;
    wrong[at + 1] = static_cast<std::uint8_t>(wrong[at + 1] ^ 3U);
    Bytes twice = joined(BytesView(sound).first(at + 2), as_text(sound).substr(at));
    Order publishing;
    publishing.limits.damaged_intervals = DamagedIntervals::publish;
    const Pixels wanted = pixels_of(process_image(sound).picture());
    EXPECT_EQ(process_image(sound, publishing).exif_json.find("damaged_intervals"), std::string::npos);
    for (const Bytes& damaged : {missing, wrong, twice}) {
        EXPECT_EQ(verdict(run(shared_pool(), damaged)), "corrupt");
        for (const PublishMode mode : {PublishMode::reencode, PublishMode::strip}) {
            publishing.recipe.version.mode = mode;
            const Processed published = process_image(damaged, publishing);
            EXPECT_NE(published.exif_json.find(R"("damaged_intervals":)"), std::string::npos);
            EXPECT_LT(mean_difference(pixels_of(published.picture()), wanted), 8);
            EXPECT_EQ(verdict(run(shared_pool(), published.picture().bytes)), "published")
                << "it is sound now";
        }
    }
    // Most of the picture lost: not a matter of choice.
    const Bytes few = joined(BytesView(sound).first(restart_at(sound, 3)), "\xFF\xD9");
    EXPECT_NE(verdict(run(shared_pool(), few, publishing)), "published");
}

/// In a table that draws, which a strip can't take out.
TEST(KeptBytes, strip_that_still_holds_metadata_falls_back_to_encoding_anew) {
    const Folder folder;
    Bytes file = jpeg(folder, "");
    const std::size_t table = as_text(file).find("\xFF\xDB") + 5;
    const std::string_view packet = "<?xpacket begin";
    std::copy(packet.begin(), packet.end(), file.begin() + static_cast<std::ptrdiff_t>(table + 40));
    const auto inspection = inspect(file, Limits{});
    ASSERT_TRUE(inspection.has_value());
    ASSERT_EQ(metadata_remaining(file), std::vector<std::string>{"marker:xmp"}) << "a strip can't remove it";
    const Processed published = process_image(file, stripping());
    EXPECT_FALSE(as_text(published.picture().bytes).find(packet) != std::string_view::npos);
    EXPECT_EQ(metadata_remaining(published.picture().bytes), std::vector<std::string>{});
    EXPECT_EQ(published.picture().width, 640U);
}

/// Rows that a PNG's encoder stores as they are, since they can't be deflated: the published bytes hold the text.
TEST(KeptBytes, pixels_that_spell_metadata_are_rejected_and_no_internal_error) {
    const Folder folder;
    constexpr std::size_t kSide = 400;
    Bytes ppm = joined({}, "P6\n400 400\n255\n");
    std::uint64_t state = 88172645463325252ULL;
    for (std::size_t i = 0; i < kSide * kSide * 3; ++i) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        ppm.push_back(static_cast<std::uint8_t>(state >> 32));
    }
    // In the first row, whose filter may be none.
    const std::string_view packet = "<?xpacket<?xpacket";
    std::copy(packet.begin(), packet.end(), ppm.begin() + 15 + 300);
    write_file(folder.file("n.ppm"), ppm);
    vips("pngsave " + folder.file("n.ppm") + " " + folder.file("n.png") + " --compression 0");
    Order order;
    order.recipe.version.format = Format::png;
    for (const PublishMode mode : {PublishMode::reencode, PublishMode::strip}) {
        order.recipe.version.mode = mode;
        const std::string said = verdict(run(shared_pool(), read_file(folder.file("n.png")), order));
        EXPECT_TRUE(said == "corrupt" || said == "published") << said;
    }
}

TEST(KeptBytes, pictures_of_any_shape_are_never_an_internal_error) {
    const Folder folder;
    for (const auto& [width, height] : {std::pair{1, 1}, {2, 1}, {1, 16'383}, {16'383, 1}, {3, 5}, {17, 2}}) {
        vips("black " + folder.file("b.png") + " " + std::to_string(width) + " " + std::to_string(height) +
             " --bands 4");
        const Bytes file = read_file(folder.file("b.png"));
        for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::gif, Format::avif}) {
            Order order;
            order.recipe.version.format = format;
            order.recipe.version.max_edge = 16'383;
            const std::string said = verdict(run(shared_pool(), file, order));
            EXPECT_EQ(said.find("error"), std::string::npos)
                << width << "x" << height << ' ' << to_string(format) << said;
        }
    }
}

/// The same coded pixels with the profile as it came and rebuilt, both converted by an independent program.
TEST(Profiles, rebuilt_ones_convert_like_the_originals) {
    const Folder folder;
    const std::string photo = make_photo(folder, 320, 240);
    for (const char* profile : {"p3", "srgb", "cmyk"}) {
        vips("icc_transform " + photo + " " + folder.file("c.v") + " " + profile + " --input-profile srgb");
        for (const char* extension : {"jpg", "png", "webp"}) {
            if (profile == "cmyk"sv && extension != "jpg"sv) continue;
            const std::string original = folder.file(std::string("o.") + extension);
            vips("copy " + folder.file("c.v") + " " + original);
            const Processed kept = process_image(read_file(original), stripping());
            const std::string stripped = folder.file(std::string("s.") + extension);
            write_file(stripped, kept.picture().bytes);
            ASSERT_EQ(std::string(to_string(kept.picture().format)).substr(0, 1),
                      std::string(extension).substr(0, 1));
            for (const std::string& name : {original, stripped})
                vips("icc_transform " + name + " " + name + ".v srgb --embedded --intent perceptual");
            const double difference =
                mean_difference(pixels_of_file(original + ".v"), pixels_of_file(stripped + ".v"));
            EXPECT_LT(difference, 0.01) << profile << ' ' << extension;
        }
    }
}

}  // namespace
}  // namespace photogate::imaging::testing
