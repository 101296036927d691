#include <array>

#include "exif_builder.hpp"
#include "imaging/containers/sniff.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using testing::ExifBuilder;
using testing::picture_directory;

enum class Verdict { photo, raw };

/// What the first gate says, whatever type was declared and whatever the profile takes.
void expect(Verdict verdict, BytesView file, const std::string& what) {
    static constexpr std::array kOnlyJpeg = {Format::jpeg};
    for (const std::string_view declared : {"image/tiff"sv, "image/x-sony-arw"sv, ""sv}) {
        for (const std::span<const Format> accepted :
             {std::span<const Format>(kAllFormats), std::span<const Format>(kOnlyJpeg)}) {
            const auto admitted = admit(file, {.declared_type = declared, .accepted = accepted});
            const bool raw = !admitted && admitted.error().code == RejectionCode::unsupported_format &&
                             admitted.error().detail.find("raw") != std::string::npos;
            EXPECT_EQ(raw, verdict == Verdict::raw) << what << ", declared " << declared;
        }
    }
    if (verdict == Verdict::photo)
        EXPECT_TRUE(inspect(file, Limits{})) << what;
    else
        EXPECT_EQ(testing::refusal(file), RejectionCode::unsupported_format) << what;
}

void set(ExifBuilder::Directory& directory, const ExifBuilder::Entry& entry) {
    std::erase_if(directory, [&](const auto& other) { return other.tag == entry.tag; });
    directory.push_back(entry);
}

Bytes with_pixels(const ExifBuilder& block) {
    Bytes out = block.build();
    out.resize(out.size() + 200 * 200, 99);
    return out;
}

/// A small preview first, what the sensor saw below it.
ExifBuilder preview_and_sensor(Endian order) {
    ExifBuilder block(order);
    block.image = picture_directory(block, 8);
    set(block.image, block.number(254, exif::kLong, 1));
    ExifBuilder::Directory sensor = picture_directory(block, 8, 64, 48);
    set(sensor, block.number(259, exif::kShort, 34713));
    set(sensor, block.number(262, exif::kShort, 32803));
    block.below = {sensor};
    return block;
}

TEST(CameraRaw, is_refused_as_raw_in_either_byte_order_and_every_arrangement) {
    for (const Endian order : {Endian::little, Endian::big}) {
        expect(Verdict::raw, with_pixels(preview_and_sensor(order)), "preview with sensor data below");
        ExifBuilder block = preview_and_sensor(order);
        block.later = block.below;
        block.below.clear();
        expect(Verdict::raw, with_pixels(block), "sensor data in the second directory");
        block = preview_and_sensor(order);
        std::swap(block.image, block.below[0]);
        expect(Verdict::raw, with_pixels(block), "sensor data first");
        block = preview_and_sensor(order);
        block.below.insert(block.below.begin(), picture_directory(block, 8));
        expect(Verdict::raw, with_pixels(block), "a larger preview before the sensor data");
        block = preview_and_sensor(order);
        block.image = {block.number(254, exif::kLong, 1), block.number(259, exif::kShort, 6),
                       block.text(271, "SONY")};
        expect(Verdict::raw, with_pixels(block), "a JPEG preview without a size");
    }
}

TEST(CameraRaw, is_recognised_by_each_sign_alone) {
    ExifBuilder block;
    for (const int photometric : {32803, 34892}) {
        block = preview_and_sensor(Endian::little);
        set(block.image, block.number(254, exif::kLong, 0));
        set(block.below[0], block.number(259, exif::kShort, 1));
        set(block.below[0], block.number(262, exif::kShort, photometric));
        expect(Verdict::raw, with_pixels(block), "photometric " + std::to_string(photometric));
    }
    for (const int compression : {32767, 32769, 32770, 32867, 34713, 34892, 65000, 65535}) {
        block = preview_and_sensor(Endian::big);
        set(block.image, block.number(254, exif::kLong, 0));
        set(block.below[0], block.number(259, exif::kShort, compression));
        set(block.below[0], block.number(262, exif::kShort, 1));
        expect(Verdict::raw, with_pixels(block), "compression " + std::to_string(compression));
    }
    block = ExifBuilder();
    block.image = picture_directory(block, 8);
    block.image.push_back(block.raw(50706, exif::kByte, as_bytes("\1\4\0\0"sv)));
    expect(Verdict::raw, with_pixels(block), "DNG");
    block = ExifBuilder();
    block.image = picture_directory(block, 8);
    block.below = {picture_directory(block, 8, 96, 64)};
    expect(Verdict::raw, with_pixels(block), "a larger picture below the first");
    block = ExifBuilder();
    block.image = picture_directory(block, 8);
    set(block.image, block.number(254, exif::kLong, 1));
    block.later = {picture_directory(block, 8, 96, 64)};
    expect(Verdict::raw, with_pixels(block), "a preview of the second page");
}

TEST(CameraRaw, is_recognised_by_the_first_bytes_of_other_containers) {
    for (const std::string_view head :
         {"IIRO\x08\0\0\0"sv, "IIRS\x08\0\0\0"sv, "MMOR\0\0\0\x08"sv, "IIU\0\x18\0\0\0"sv,
          "FUJIFILMCCD-RAW 0201"sv, "II*\0\x10\0\0\0CR\2\0"sv,
          "MM\0*\0\0\0\x10"
          "CR\2\0"sv,
          "II*\0\x08\0\0\0IIII"sv, "II\x1A\0\0\0HEAPCCDR"sv, "\0MRM\0\0\0\0"sv, "FOVb\0\0\0\0"sv,
          "\0\0\0\x18"
          "ftypcrx \0\0\0\1crx isom"sv})
        expect(Verdict::raw, as_bytes(head), std::string(head));
}

TEST(CameraRaw, is_not_mistaken_for_a_tiff_of_several_pages_or_sizes) {
    for (const Endian order : {Endian::little, Endian::big}) {
        ExifBuilder block(order);
        block.image = picture_directory(block, 8);
        expect(Verdict::photo, with_pixels(block), "one page");
        block.later = {picture_directory(block, 8, 96, 64), picture_directory(block, 8, 24, 16)};
        expect(Verdict::photo, with_pixels(block), "pages of other sizes");
        set(block.later[1], block.number(254, exif::kLong, 1));
        expect(Verdict::photo, with_pixels(block), "a preview behind its picture");
        block.below = {picture_directory(block, 8, 24, 16), picture_directory(block, 8, 12, 8)};
        expect(Verdict::photo, with_pixels(block), "a pyramid of smaller pictures");
        block.below.clear();
        block.later.clear();
        set(block.image, block.number(254, exif::kLong, 1));
        expect(Verdict::photo, with_pixels(block), "a preview without its picture");
        block = ExifBuilder(order);
        block.image = picture_directory(block, 8);
        block.image.push_back(block.text(271, "NIKON CORPORATION"));
        block.image.push_back(block.raw(37398, exif::kByte, as_bytes("\1\0\0\0"sv)));
        block.image.push_back(block.raw(50740, exif::kByte, as_bytes("Adobe\0Priv"sv)));
        block.exif = {block.text(0x9003, "2024:05:06 07:08:09")};
        expect(Verdict::photo, with_pixels(block), "a camera's TIFF");
    }
}

TEST(CameraRaw, detection_ends_on_loops_and_damage) {
    ExifBuilder block = preview_and_sensor(Endian::little);
    Bytes file = with_pixels(block);
    for (std::size_t at = 0; at < 400; ++at)
        for (const std::uint8_t value : {0x00, 0x08, 0xFF}) {
            const std::uint8_t kept = std::exchange(file[at], value);
            (void)admit(file, {.declared_type = std::nullopt, .accepted = kAllFormats});
            file[at] = kept;
        }
    for (std::size_t size = 0; size < 400; ++size)
        (void)admit(BytesView(file).first(size), {.declared_type = std::nullopt, .accepted = kAllFormats});
}

}  // namespace
}  // namespace photogate::imaging
