// What Debian's image stack does wrong, and that we step round it. Where a test looks at libvips alone, it
// fails once a newer one behaves: then the workaround beside it can go.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "imaging/containers/metadata_verifier.hpp"
#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

using Names = std::vector<std::string>;

class Traps : public ::testing::Test {
  protected:
    /// A JPEG that tells who took it and where, with an embedded thumbnail.
    Bytes telling_jpeg() {
        vips("jpegsave " + make_photo(folder, 640, 480) + " " + folder.file("t.jpg") + " --Q 90");
        vips("thumbnail " + folder.file("t.jpg") + " " + folder.file("thumb.jpg") + " 80");
        (void)shell(
            "exiftool -q -overwrite_original -Make=SECRETMAKE -Artist=SECRETARTIST -GPSLatitude=47.5 "
            "-GPSLatitudeRef=N "
            "-GPSLongitude=8.25 -GPSLongitudeRef=E -XMP:Creator=SECRETXMP -IPTC:City=SECRETCITY "
            "-Comment=SECRETCOM '-ThumbnailImage<=" +
            folder.file("thumb.jpg") + "' " + folder.file("t.jpg"));
        return read_file(folder.file("t.jpg"));
    }
    Bytes photo_as(const std::string& saver, const std::string& name, const std::string& options = "") {
        vips(saver + " " + make_photo(folder, 640, 480) + " " + folder.file(name) + " " + options);
        return read_file(folder.file(name));
    }
    Processed as(BytesView bytes, Format format) {
        Order order;
        order.recipe.version.format = format;
        return process_image(bytes, order);
    }
    Folder folder;
};

bool holds(BytesView bytes, std::string_view token) {
    return as_text(bytes).find(token) != std::string_view::npos;
}

TEST_F(Traps, removes_webp_metadata_that_libvips_strip_leaves) {
    const Bytes jpeg = telling_jpeg();
    vips("webpsave " + folder.file("t.jpg") + " " + folder.file("vips.webp") + " --strip");
    EXPECT_TRUE(holds(read_file(folder.file("vips.webp")), "SECRETARTIST"))
        << "libvips strips WebP now (trap 1)";
    const Processed ours = as(jpeg, Format::webp);
    EXPECT_FALSE(holds(ours.picture().bytes, "SECRET"));
    EXPECT_EQ(metadata_remaining(ours.picture().bytes), Names{});
}

TEST_F(Traps, removes_embedded_thumbnail_in_every_output_format) {
    const Bytes jpeg = telling_jpeg();
    for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::gif, Format::avif}) {
        const Processed ours = as(jpeg, format);
        EXPECT_EQ(metadata_remaining(ours.picture().bytes), Names{}) << to_string(format);
        EXPECT_FALSE(holds(ours.picture().bytes, "Exif")) << to_string(format);
        EXPECT_FALSE(holds(ours.picture().bytes, "SECRET")) << to_string(format);
    }
}

TEST_F(Traps, reports_facts_that_the_published_picture_has_lost) {
    const Processed ours = process_image(telling_jpeg());
    const auto exif = nlohmann::json::parse(ours.exif_json);
    EXPECT_EQ(exif["make"], "SECRETMAKE");
    EXPECT_NEAR(exif["gps"]["latitude"].get<double>(), 47.5, 1e-6);
    EXPECT_NE(ours.privacy_json.find(R"("exif.gps")"), std::string::npos);
    EXPECT_NE(ours.privacy_json.find(R"("metadata_remaining":[],"gps_removed":true})"), std::string::npos);
    Order silent;
    silent.recipe.facts.gps = GpsPolicy::drop;
    EXPECT_FALSE(nlohmann::json::parse(process_image(telling_jpeg(), silent).exif_json).contains("gps"));
}

TEST_F(Traps, writes_avif_that_the_libvips_saver_can_not) {
    vips("copy " + make_photo(folder, 320, 240) + " " + folder.file("p.png"));
    shell("vips heifsave " + folder.file("p.png") + " " + folder.file("v.avif") +
          " --compression av1 --effort 0 2>/dev/null || true");
    EXPECT_TRUE(!std::filesystem::exists(folder.file("v.avif")) ||
                std::filesystem::file_size(folder.file("v.avif")) == 0)
        << "libvips writes AVIF with this libheif now";
    const Processed ours = as(read_file(folder.file("p.png")), Format::avif);
    EXPECT_GT(psnr(pixels_of(ours.picture()), pixels_of_file(folder.file("p.png"))), 28);
}

TEST_F(Traps, rejects_damaged_jpeg_scan_that_libjpeg_only_warns_about) {
    Bytes jpeg = photo_as("jpegsave", "d.jpg", "--Q 90");
    for (std::size_t i = jpeg.size() / 2; i < jpeg.size() / 2 + 2000; ++i)
        jpeg[i] = static_cast<std::uint8_t>(i * 37 % 251);
    const auto said = verdict(run(shared_pool(), jpeg));
    EXPECT_TRUE(said == "corrupt" || said == "truncated") << said;
}

TEST_F(Traps, rejects_damaged_png_pixels_that_thumbnail_accepts) {
    Bytes png = photo_as("pngsave", "d.png");
    // A stored block's worth of zeros in the middle of the compressed pixels, with the chunk's checksum made
    // right again.
    const Folder other;
    write_file(other.file("in.png"), png);
    (void)shell("python3 - " + other.file("in.png") + " " + other.file("out.png") + R"( <<'PY'
import struct, sys, zlib
data = open(sys.argv[1], 'rb').read()
out, at = data[:8], 8
while at < len(data):
    size, kind = struct.unpack('>I4s', data[at:at + 8])
    body = bytearray(data[at + 8:at + 8 + size])
    if kind == b'IDAT' and size > 2000:
        body[size // 2:size // 2 + 400] = bytes(400)
    out += struct.pack('>I4s', size, kind) + bytes(body) + struct.pack('>I', zlib.crc32(kind + bytes(body)))
    at += 12 + size
open(sys.argv[2], 'wb').write(out)
PY
)");
    const auto said = verdict(run(shared_pool(), read_file(other.file("out.png"))));
    EXPECT_TRUE(said == "corrupt" || said == "truncated") << said;
}

TEST_F(Traps, reports_half_gif_as_truncated_despite_its_first_frames) {
    vips("copy " + make_photo(folder, 100, 80) + " " + folder.file("a.v"));
    vips("invert " + folder.file("a.v") + " " + folder.file("b.v"));
    vips("join " + folder.file("a.v") + " " + folder.file("b.v") + " " + folder.file("ab.v") + " vertical");
    vips("join " + folder.file("ab.v") + " " + folder.file("a.v") + " " + folder.file("r.v") + " vertical");
    vips("gifsave " + folder.file("r.v") + " " + folder.file("g.gif") + " --page-height 80");
    Bytes gif = read_file(folder.file("g.gif"));
    EXPECT_EQ(process_image(gif).frames, 3U);
    gif.resize(gif.size() / 2);
    const auto said = verdict(run(shared_pool(), gif));
    EXPECT_TRUE(said == "truncated" || said == "corrupt") << said;
}

TEST_F(Traps, keeps_animation_frames_as_webp_and_gif) {
    vips("copy " + make_photo(folder, 120, 90) + " " + folder.file("a.v"));
    vips("invert " + folder.file("a.v") + " " + folder.file("b.v"));
    vips("join " + folder.file("a.v") + " " + folder.file("b.v") + " " + folder.file("r.v") + " vertical");
    vips("gifsave " + folder.file("r.v") + " " + folder.file("g.gif") + " --page-height 90");
    const Bytes gif = read_file(folder.file("g.gif"));
    const Processed webp = process_image(gif);
    EXPECT_EQ(webp.picture().format, Format::webp);
    EXPECT_EQ(webp.picture().height, 90U);
    for (const Processed& moving : {webp, as(gif, Format::gif)}) {
        const std::string name = folder.file("o." + std::string(file_extension(moving.picture().format)));
        write_file(name, moving.picture().bytes);
        EXPECT_EQ(shell("vipsheader -f n-pages " + name), "2\n");
        EXPECT_EQ(process_image(moving.picture().bytes).frames, 2U);
    }
    EXPECT_EQ(as(gif, Format::jpeg).picture().height, 90U);
}

TEST_F(Traps, keeps_alpha_and_flattens_onto_white_for_jpeg) {
    const std::string photo = make_photo(folder, 200, 150);
    vips("bandjoin_const " + photo + " " + folder.file("rgba.png") + " 0");
    const Bytes png = read_file(folder.file("rgba.png"));
    EXPECT_EQ(process_image(png).picture().format, Format::webp);
    const Pixels white = pixels_of(as(png, Format::jpeg).picture());
    EXPECT_EQ(white.bands, 3);
    EXPECT_TRUE(
        std::all_of(white.bytes.begin(), white.bytes.end(), [](std::uint8_t value) { return value >= 253; }));
    vips("bandjoin_const " + photo + " " + folder.file("opaque.png") + " 255");
    EXPECT_EQ(process_image(read_file(folder.file("opaque.png"))).picture().format, Format::jpeg);
}

TEST_F(Traps, produces_same_bytes_for_same_input) {
    const Bytes jpeg = telling_jpeg();
    for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::gif, Format::avif}) {
        const Processed once = as(jpeg, format);
        const Processed twice = as(jpeg, format);
        EXPECT_EQ(once.picture().bytes, twice.picture().bytes) << to_string(format);
        EXPECT_EQ(once.thumb_hash, twice.thumb_hash);
        EXPECT_EQ(once.perceptual_hash, twice.perceptual_hash);
    }
}

TEST_F(Traps, strips_metadata_and_keeps_every_pixel) {
    const Bytes jpeg = telling_jpeg();
    Order order;
    order.recipe.version.mode = PublishMode::strip;
    const Processed kept = process_image(jpeg, order);
    EXPECT_EQ(kept.picture().format, Format::jpeg);
    EXPECT_FALSE(holds(kept.picture().bytes, "SECRET"));
    EXPECT_EQ(pixels_of(kept.picture()).bytes, pixels_of_file(folder.file("t.jpg")).bytes);
    // Larger than the profile allows: the pixels can't stay as they are.
    order.recipe.version.max_edge = 320;
    EXPECT_EQ(process_image(jpeg, order).picture().width, 320U);
}

TEST_F(Traps, never_enlarges_and_respects_the_maximum_edge) {
    const Bytes jpeg = photo_as("jpegsave", "s.jpg");
    EXPECT_EQ(process_image(jpeg).picture().width, 640U);
    Order order;
    order.recipe.version.max_edge = 100;
    const Processed small = process_image(jpeg, order);
    EXPECT_EQ(small.picture().width, 100U);
    EXPECT_EQ(small.picture().height, 75U);
    EXPECT_EQ(small.width, 640U);
}

TEST_F(Traps, rejects_formats_of_all_other_loaders) {
    for (const char* text : {"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "%PDF-1.4\n",
                             "P6 1 1 255 abc", "#FIG 3.2\n", "1 1\n0\n"}) {
        const auto said = verdict(run(shared_pool(), as_bytes(text)));
        EXPECT_TRUE(said == "unsupported_format" || said == "not_an_image") << text << said;
    }
}

TEST_F(Traps, reports_unwritable_output_as_internal_error) {
    Order order;
    order.recipe.version.format = Format::heic;
    const auto outcome = run(shared_pool(), photo_as("jpegsave", "h.jpg"), order);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::invalid_configuration);
}

TEST_F(Traps, rejects_mismatched_declared_type_and_accepts_missing_one) {
    const Bytes jpeg = photo_as("jpegsave", "m.jpg");
    Order order;
    for (const char* fine : {"image/jpeg", "image/jpg", "application/octet-stream", "IMAGE/JPEG"}) {
        order.declared_type = fine;
        EXPECT_EQ(verdict(run(shared_pool(), jpeg, order)), "published") << fine;
    }
    for (const char* wrong : {"image/png", "text/html", "image/svg+xml", "\xFF\xFE"}) {
        order.declared_type = wrong;
        EXPECT_EQ(verdict(run(shared_pool(), jpeg, order)), "mime_mismatch") << wrong;
    }
}

}  // namespace
}  // namespace photogate::imaging::testing
