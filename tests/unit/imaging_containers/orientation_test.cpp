#include "exif_builder.hpp"
#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using testing::ExifBuilder;
using testing::inspected;

constexpr std::array kNumericTypes = {exif::kByte,        exif::kShort,      exif::kLong,
                                      exif::kRational,    exif::kSignedByte, exif::kUndefined,
                                      exif::kSignedShort, exif::kSignedLong, exif::kSignedRational};

void expect_orientation(const ExifBuilder& block, int orientation, const std::string& what) {
    for (const auto& [container, file] : testing::in_every_container(block)) {
        const Inspection found = inspected(file);
        EXPECT_EQ(found.orientation, orientation) << container << ", " << what;
        EXPECT_EQ(found.upright_width(), orientation >= 5 ? 32U : 48U) << container << ", " << what;
        const auto reported = read_metadata(file, found).orientation;
        EXPECT_EQ(reported.value_or(1), orientation) << container << ", " << what;
    }
}

TEST(Orientation, is_read_from_every_numeric_type_count_byte_order_and_container) {
    for (const Endian order : {Endian::little, Endian::big})
        for (const std::uint16_t type : kNumericTypes)
            for (const std::uint32_t count : {1U, 2U, 3U, 5U})
                for (const int orientation : {1, 3, 6, 8}) {
                    ExifBuilder block(order);
                    block.image = {block.text(0x010F, "Cam"), block.number(0x0112, type, orientation, count)};
                    expect_orientation(block, orientation,
                                       "type " + std::to_string(type) + " count " + std::to_string(count));
                }
}

TEST(Orientation, is_ignored_unless_it_is_one_of_the_eight) {
    for (const Endian order : {Endian::little, Endian::big})
        for (const std::uint16_t type : kNumericTypes)
            for (const std::int64_t value : {0, 9, 255, -6}) {
                ExifBuilder block(order);
                block.image = {block.number(0x0112, type, value)};
                expect_orientation(block, 1,
                                   "type " + std::to_string(type) + " value " + std::to_string(value));
            }
    ExifBuilder block;
    block.image = {block.text(0x0112, "6")};
    expect_orientation(block, 1, "text");
    block.image = {block.ratios(0x0112, {{13, 2}})};
    expect_orientation(block, 1, "no whole number");
    block.image = {{0x0112, exif::kShort, 0, {}}};
    expect_orientation(block, 1, "no value");
}

TEST(Orientation, is_the_first_that_is_sound) {
    ExifBuilder block;
    block.image = {block.number(0x0112, exif::kShort, 77), block.number(0x0112, exif::kLong, 6),
                   block.number(0x0112, exif::kShort, 3)};
    expect_orientation(block, 6, "three fields");
    ExifBuilder silent;
    silent.image = {silent.text(0x010F, "Cam")};
    ExifBuilder speaking(Endian::big);
    speaking.image = {speaking.number(0x0112, exif::kLong, 6)};
    const Bytes second =
        testing::jpeg_with_segments({testing::exif_segment({}), testing::exif_segment(silent.build()),
                                     testing::exif_segment(speaking.build())});
    EXPECT_EQ(inspected(second).orientation, 6) << "an earlier block that does not speak of it";
}

TEST(Orientation, stays_with_a_stripped_jpeg) {
    for (const Endian order : {Endian::little, Endian::big})
        for (const std::uint16_t type : kNumericTypes) {
            ExifBuilder block(order);
            block.image = {block.number(0x0112, type, 6, 2)};
            const Bytes file = testing::jpeg_with(block);
            const Inspection found = inspected(file);
            const auto clean = strip(file, found);
            ASSERT_TRUE(clean);
            EXPECT_EQ(inspected(*clean).orientation, 6) << type;
            for (const Bytes& other : {testing::png_with(block), testing::webp_with(block)})
                EXPECT_FALSE(can_strip(inspected(other))) << "these are encoded anew, upright";
        }
}

TEST(Orientation, of_a_png_counts_from_its_own_chunk_alone) {
    EXPECT_EQ(inspected(testing::picture("magick.png")).orientation, 1);
}

}  // namespace
}  // namespace photogate::imaging
