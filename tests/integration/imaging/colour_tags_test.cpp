// Colours that a file tells by code points, gamma or chromaticities instead of an ICC profile, and inks without
// a profile: converted as browsers show them. The levels that are expected are Chromium's (`drawImage` onto a
// canvas of sRGB).
#include <array>
#include <functional>
#include <string>

#include "heif_pictures.hpp"
#include "imaging/imager/test_pictures.hpp"
#include "imaging/parts/inflate.hpp"
#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

using Colour = std::array<int, 3>;

void put_u32(Bytes& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void append_chunk(Bytes& out, const std::string& type, const Bytes& body) {
    put_u32(out, static_cast<std::uint32_t>(body.size()));
    const std::size_t start = out.size();
    out.insert(out.end(), type.begin(), type.end());
    out.insert(out.end(), body.begin(), body.end());
    put_u32(out, crc32(BytesView(out).subspan(start)));
}

/// The PNG with one more chunk behind its header, in front of those that were put there before.
Bytes with_chunk(const Bytes& png, const std::string& type, const Bytes& body) {
    constexpr std::ptrdiff_t kHeaderEnd = 8 + 25;
    Bytes chunk;
    append_chunk(chunk, type, body);
    Bytes out = png;
    out.insert(out.begin() + kHeaderEnd, chunk.begin(), chunk.end());
    return out;
}

Bytes cicp(int primaries, int transfer) {
    return {static_cast<std::uint8_t>(primaries), static_cast<std::uint8_t>(transfer), 0, 1};
}

Bytes numbers(const std::vector<double>& values) {
    Bytes out;
    for (const double value : values)
        put_u32(out, static_cast<std::uint32_t>(value * 100'000 + 0.5));
    return out;
}

/// The nclx box's code points overwritten.
Bytes with_nclx(Bytes heif, int primaries, int transfer) {
    const auto at = as_text(heif).find("colrnclx");
    EXPECT_NE(at, std::string_view::npos);
    heif[at + 9] = static_cast<std::uint8_t>(primaries);
    heif[at + 11] = static_cast<std::uint8_t>(transfer);
    return heif;
}

class ColourTags : public ::testing::Test {
  protected:
    /// A flat picture of 32 × 32 as a PNG without any word about its colours.
    static Bytes flat(const Colour& colour) {
        constexpr std::uint8_t kSide = 32, kDepth = 8, kRgb = 2;
        Bytes rows;
        for (int y = 0; y < kSide; ++y) {
            rows.push_back(0);
            for (int x = 0; x < kSide; ++x)
                for (const int channel : colour)
                    rows.push_back(static_cast<std::uint8_t>(channel));
        }
        Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
        append_chunk(png, "IHDR", {0, 0, 0, kSide, 0, 0, 0, kSide, kDepth, kRgb, 0, 0, 0});
        append_chunk(png, "IDAT", deflate(rows));
        append_chunk(png, "IEND", {});
        return png;
    }

    /// The same for vips: `flat.png` and `n.v`.
    void flat_file(const Colour& colour) const {
        write_file(folder.file("flat.png"), flat(colour));
        vips("copy " + folder.file("flat.png") + " " + folder.file("n.v"));
    }

    static Colour published(BytesView file) {
        Order order;
        order.recipe.version.format = Format::png;
        const Pixels pixels = pixels_of(process_image(file, order).picture());
        if (pixels.bytes.size() < 3) return {-1, -1, -1};
        const std::size_t middle = pixels.bytes.size() / 2 / static_cast<std::size_t>(pixels.bands) *
                                   static_cast<std::size_t>(pixels.bands);
        const std::size_t next = pixels.bands < 3 ? 0 : 1;
        return {pixels.bytes[middle], pixels.bytes[middle + next], pixels.bytes[middle + 2 * next]};
    }

    static void expect_near(const Colour& got, const Colour& wanted, int tolerance = 2) {
        for (std::size_t i = 0; i < 3; ++i)
            EXPECT_NEAR(got[i], wanted[i], tolerance)
                << "channel " << i << " of " << got[0] << ' ' << got[1] << ' ' << got[2];
    }

    static std::string refused(BytesView file) {
        Order order;
        order.limits.hdr = HdrPolicy::refuse;
        return verdict(run(shared_pool(), file, order));
    }

    Folder folder;
};

TEST_F(ColourTags, converts_png_cicp_display_p3_like_its_profile) {
    const Colour colour{179, 46, 37};
    const Bytes png = flat(colour);
    flat_file(colour);
    vips("icc_transform " + folder.file("flat.png") + " " + folder.file("ref.png") +
         " srgb --input-profile p3");
    const Pixels reference = pixels_of_file(folder.file("ref.png"));
    expect_near(published(with_chunk(png, "cICP", cicp(12, 13))),
                {reference.bytes[0], reference.bytes[1], reference.bytes[2]});
}

TEST_F(ColourTags, leaves_srgb_and_unspecified_code_points_alone) {
    const Colour colour{179, 46, 37};
    const Bytes png = flat(colour);
    for (const auto& [primaries, transfer] : {std::pair{1, 13}, {2, 2}, {1, 2}, {255, 255}})
        expect_near(published(with_chunk(png, "cICP", cicp(primaries, transfer))), colour, 0);
}

TEST_F(ColourTags, converts_png_gamma_and_chromaticities) {
    const Bytes linear = flat({139, 2, 2});
    expect_near(published(with_chunk(linear, "gAMA", numbers({1.0}))), {195, 22, 22});
    const Bytes p3 = flat({179, 46, 37});
    const Bytes chromaticities = numbers({0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06});
    expect_near(published(with_chunk(with_chunk(p3, "cHRM", chromaticities), "gAMA", numbers({0.45455}))),
                {197, 15, 15});
    // Chromaticities without a gamma, and a gamma near the usual one without chromaticities, change nothing.
    expect_near(published(with_chunk(p3, "cHRM", chromaticities)), {179, 46, 37}, 0);
    expect_near(published(with_chunk(p3, "gAMA", numbers({0.46}))), {179, 46, 37}, 0);
}

TEST_F(ColourTags, obeys_precedence_of_png_colour_chunks) {
    const Colour colour{139, 2, 2};
    const Bytes gamma = with_chunk(flat(colour), "gAMA", numbers({1.0}));
    expect_near(published(with_chunk(gamma, "sRGB", {0})), colour, 0);
    const Bytes both = with_chunk(gamma, "cICP", cicp(1, 13));
    expect_near(published(both), colour, 0);
    // A gamma of zero and a cICP of the wrong length mean nothing.
    expect_near(published(with_chunk(flat(colour), "gAMA", numbers({0}))), colour, 0);
    expect_near(published(with_chunk(flat(colour), "cICP", {12, 13})), colour, 0);
}

TEST_F(ColourTags, converts_grey_png_by_its_gamma) {
    flat_file({139, 139, 139});
    vips("extract_band " + folder.file("n.v") + " " + folder.file("grey.png") + " 0");
    const Bytes grey = read_file(folder.file("grey.png"));
    expect_near(published(with_chunk(grey, "gAMA", numbers({1.0}))), {194, 194, 194});
}

TEST_F(ColourTags, keeps_depth_of_sixteen_bit_png) {
    flat_file({139, 2, 2});
    vips("linear " + folder.file("n.v") + " " + folder.file("w.v") + " 257 0");
    vips("cast " + folder.file("w.v") + " " + folder.file("u.v") + " ushort");
    vips("copy " + folder.file("u.v") + " " + folder.file("x.v") + " --interpretation rgb16");
    vips("copy " + folder.file("x.v") + " " + folder.file("wide.png"));
    const Bytes wide = read_file(folder.file("wide.png"));
    expect_near(published(with_chunk(wide, "gAMA", numbers({1.0}))), {195, 22, 22});
}

TEST_F(ColourTags, keeps_alpha_of_tagged_png) {
    flat_file({139, 2, 2});
    vips("bandjoin_const " + folder.file("n.v") + " " + folder.file("a.png") + " 128");
    Order order;
    order.recipe.version.format = Format::png;
    const Bytes file = with_chunk(read_file(folder.file("a.png")), "gAMA", numbers({1.0}));
    const Pixels pixels = pixels_of(process_image(file, order).picture());
    ASSERT_EQ(pixels.bands, 4);
    expect_near({pixels.bytes[0], pixels.bytes[1], pixels.bytes[2]}, {195, 22, 22});
    EXPECT_EQ(pixels.bytes[3], 128);
}

TEST_F(ColourTags, converts_nclx_of_heic_and_avif) {
    // In AVIF the curve of BT.709 is taken as sRGB.
    const Bytes avif(kTinyAvif.begin(), kTinyAvif.end());
    EXPECT_EQ(published(with_nclx(avif, 1, 1)), published(avif));
    // The same numbers as Display P3 and as sRGB differ by what the primaries differ.
    for (const Bytes& plain :
         {Bytes(kTinyHeic.begin(), kTinyHeic.end()), Bytes(kTinyAvif.begin(), kTinyAvif.end())}) {
        Order order;
        order.recipe.version.format = Format::png;
        const Pixels as_srgb = pixels_of(process_image(plain, order).picture());
        const Pixels as_p3 = pixels_of(process_image(with_nclx(plain, 12, 13), order).picture());
        write_file(folder.file("s.png"), process_image(plain, order).picture().bytes);
        vips("icc_transform " + folder.file("s.png") + " " + folder.file("r.png") +
             " srgb --input-profile p3");
        EXPECT_LE(mean_difference(as_p3, pixels_of_file(folder.file("r.png"))), 1.5);
        EXPECT_GE(mean_difference(as_p3, as_srgb), 0.5);
    }
}

TEST_F(ColourTags, tone_maps_pq_and_hlg) {
    const auto grey = [&](int level, int transfer) {
        return published(with_chunk(flat({level, level, level}), "cICP", cicp(9, transfer)));
    };
    for (const auto& [level, shown] :
         {std::pair{0, 0}, {130, 137}, {148, 187}, {165, 221}, {192, 255}, {255, 255}})
        expect_near(grey(level, 16), {shown, shown, shown});
    for (const auto& [level, shown] : {std::pair{0, 0}, {128, 99}, {191, 187}, {230, 234}, {255, 255}})
        expect_near(grey(level, 18), {shown, shown, shown});
    expect_near(published(with_chunk(flat({148, 60, 60}), "cICP", cicp(9, 16))), {234, 0, 5});
    expect_near(published(with_chunk(flat({200, 80, 60}), "cICP", cicp(9, 18))), {230, 0, 37}, 3);
}

TEST_F(ColourTags, converts_primaries_and_curves_of_video) {
    for (const auto& [codes, shown] : {std::pair<std::pair<int, int>, Colour>{{9, 1}, {218, 0, 5}},
                                       {{9, 14}, {218, 0, 5}},
                                       {{6, 13}, {174, 52, 36}},
                                       {{5, 13}, {182, 46, 37}}})
        expect_near(published(with_chunk(flat({179, 46, 37}), "cICP", cicp(codes.first, codes.second))),
                    shown);
    expect_near(published(with_chunk(flat({100, 20, 20}), "cICP", cicp(1, 1))), {91, 7, 7});
    expect_near(published(with_chunk(flat({100, 20, 20}), "cICP", cicp(1, 8))), {168, 79, 79});
    expect_near(published(with_chunk(flat({100, 20, 20}), "cICP", cicp(1, 4))), {100, 12, 12});
}

TEST_F(ColourTags, refuses_hdr_where_the_profile_says_so) {
    const Bytes png = flat({148, 148, 148});
    EXPECT_EQ(refused(with_chunk(png, "cICP", cicp(9, 16))), "unsupported_format");
    EXPECT_EQ(refused(with_chunk(png, "cICP", cicp(9, 18))), "unsupported_format");
    EXPECT_EQ(refused(with_nclx(Bytes(kTinyHeic.begin(), kTinyHeic.end()), 9, 16)), "unsupported_format");
    EXPECT_EQ(refused(with_chunk(png, "cICP", cicp(9, 14))), "published");
    EXPECT_EQ(refused(png), "published");
}

TEST_F(ColourTags, takes_inks_without_profile_as_ideal) {
    // 0 is no ink: black ink alone, cyan alone, all four, none.
    const std::array<std::pair<const char*, Colour>, 3> inks = {
        {{"0 0 0 255", {0, 0, 0}}, {"255 0 0 0", {0, 255, 255}}, {"0 0 0 128", {127, 127, 127}}}};
    for (const auto& [ink, wanted] : inks) {
        vips("black " + folder.file("d.v") + " 32 32 --bands 4");
        vips("linear " + folder.file("d.v") + " " + folder.file("l.v") + " '1 1 1 1' '" + ink + "' --uchar");
        for (const char* name : {"c.jpg", "c.tif"}) {
            vips("copy " + folder.file("l.v") + " " + folder.file("c.v") + " --interpretation cmyk");
            vips("copy " + folder.file("c.v") + " " + folder.file(name));
            SCOPED_TRACE(std::string(name) + " " + ink);
            expect_near(published(read_file(folder.file(name))), wanted, 3);
        }
    }
}

TEST_F(ColourTags, converts_cielab_tiff) {
    const Colour colour{179, 46, 37};
    flat_file(colour);
    vips("colourspace " + folder.file("n.v") + " " + folder.file("lab.v") + " lab");
    vips("copy " + folder.file("lab.v") + " " + folder.file("float.tif"));
    vips("colourspace " + folder.file("n.v") + " " + folder.file("labs.v") + " labs");
    vips("copy " + folder.file("labs.v") + " " + folder.file("wide.tif"));
    vips("Lab2LabQ " + folder.file("lab.v") + " " + folder.file("q.v"));
    vips("copy " + folder.file("q.v") + " " + folder.file("narrow.tif"));
    for (const char* name : {"wide.tif", "narrow.tif", "float.tif"}) {
        SCOPED_TRACE(name);
        const Bytes file = read_file(folder.file(name));
        if (verdict(run(shared_pool(), file, {})) == "published") {
            expect_near(published(file), colour, 3);
        } else {
            EXPECT_EQ(verdict(run(shared_pool(), file, {})), "unsupported_format");
        }
    }
}

}  // namespace
}  // namespace photogate::imaging::testing
