// Facts as cameras, phones and editors really write them: positions, moments, sensitivity, and where they
// stand.
#include <cmath>
#include <random>

#include <nlohmann/json.hpp>

#include "exif_builder.hpp"
#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::bytes_of;
using testing::ExifBuilder;
using testing::inspected;
using Json = nlohmann::json;

Metadata read(BytesView file) {
    return read_metadata(file, inspected(file));
}

Metadata read(const ExifBuilder& block) {
    return read(testing::jpeg_with(block));
}

Metadata read_xmp(std::string_view packet) {
    return read(testing::jpeg_with_segments({testing::xmp_segment(packet)}));
}

// --- positions

struct Place {
    std::string latitude_ref = "S";
    std::string longitude_ref = "E";
    std::vector<std::pair<std::int64_t, std::int64_t>> latitude = {{33, 1}, {51, 1}, {2988, 100}};
    std::vector<std::pair<std::int64_t, std::int64_t>> longitude = {{151, 1}, {12, 1}, {36, 1}};
    std::uint16_t type = exif::kRational;
};

ExifBuilder at(const Place& place, Endian order = Endian::little) {
    ExifBuilder block(order);
    block.gps = {block.text(1, place.latitude_ref), block.ratios(2, place.latitude, place.type),
                 block.text(3, place.longitude_ref), block.ratios(4, place.longitude, place.type)};
    return block;
}

void expect_position(const std::optional<GpsPosition>& found, double latitude, double longitude,
                     const std::string& what) {
    ASSERT_TRUE(found) << what;
    EXPECT_NEAR(found->latitude, latitude, 1e-6) << what;
    EXPECT_NEAR(found->longitude, longitude, 1e-6) << what;
}

TEST(Position, is_its_magnitude_towards_the_reference_in_any_case_and_sign) {
    for (const Endian order : {Endian::little, Endian::big})
        for (const int sign : {1, -1})
            for (const auto& [south, east] :
                 {std::pair("S", "E"), std::pair("s", "e"), std::pair("South", "east")}) {
                Place place{.latitude_ref = south, .longitude_ref = east};
                if (sign < 0) {
                    place.type = exif::kSignedRational;
                    place.latitude = {{-33, 1}, {51, 1}, {2988, 100}};
                    place.longitude = {{-151, 1}, {-12, 1}, {-36, 1}};
                }
                expect_position(read(at(place, order)).gps, -33.8583, 151.21,
                                std::string(south) + std::to_string(sign));
            }
    for (const auto& [file_container, file] :
         testing::in_every_container(at({.latitude_ref = "n", .longitude_ref = "w"})))
        expect_position(read(file).gps, 33.8583, -151.21, std::string(file_container));
}

TEST(Position, is_none_without_hemispheres_or_outside_the_globe) {
    for (const Place& place :
         {Place{.latitude_ref = ""}, Place{.longitude_ref = "?"}, Place{.latitude_ref = "E"},
          Place{.latitude = {{91, 1}}}, Place{.longitude = {{4294967145, 1}}}, Place{.latitude = {{33, 0}}},
          Place{.latitude = {{4294967295, 1}}}, Place{.longitude = {{151, 4294967295}}}})
        EXPECT_FALSE(read(at(place)).gps);
}

TEST(Position, is_none_where_both_angles_are_exactly_zero) {
    using Ratios = std::vector<std::pair<std::int64_t, std::int64_t>>;
    for (const Ratios& zero : {Ratios{{0, 1}, {0, 1}, {0, 1}}, Ratios{{0, 100}}, Ratios{{0, 1}, {0, 1}}}) {
        const Metadata blank = read(at({.latitude = zero, .longitude = zero}));
        EXPECT_FALSE(blank.gps);
        EXPECT_FALSE(blank.exif_tells_place);
        EXPECT_TRUE(blank.has_gps) << "the directory is there";
        expect_position(read(at({.latitude = zero})).gps, 0, 151.21, "on the equator");
        expect_position(read(at({.longitude = zero})).gps, -33.8583, 0, "on the meridian");
    }
    expect_position(read(at({.latitude = {{0, 1}, {0, 1}, {1, 100}}, .longitude = {{0, 1}}})).gps,
                    -1 / 360000.0, 0, "beside it");
}

TEST(Position, has_its_altitude_above_or_below_the_reference) {
    const auto altitude = [](std::optional<ExifBuilder::Entry> reference, const ExifBuilder::Entry& value) {
        ExifBuilder block = at({});
        if (reference) block.gps.push_back(*reference);
        block.gps.push_back(value);
        return read(block).gps->altitude;
    };
    const ExifBuilder b;
    const auto signed_value = b.ratios(6, {{-41, 10}}, exif::kSignedRational);
    const auto value = b.ratios(6, {{41, 10}});
    for (const std::uint16_t type : {exif::kByte, exif::kShort, exif::kLong, exif::kUndefined}) {
        EXPECT_EQ(altitude(b.number(5, type, 1), value), -4.1);
        EXPECT_EQ(altitude(b.number(5, type, 1), signed_value), -4.1);
        EXPECT_EQ(altitude(b.number(5, type, 0), value), 4.1);
        EXPECT_EQ(altitude(b.number(5, type, 0), signed_value), 4.1);
        EXPECT_EQ(altitude(b.number(5, type, 3), value), -4.1) << "Exif 3: below the ellipsoid";
    }
    EXPECT_EQ(altitude(b.text(5, "1"), value), -4.1);
    EXPECT_EQ(altitude(std::nullopt, value), 4.1);
    EXPECT_EQ(altitude(std::nullopt, signed_value), -4.1);
    EXPECT_EQ(altitude(b.number(5, exif::kByte, 1), b.ratios(6, {{0xFFFFFFFF, 1}})), std::nullopt);
}

// --- moments

std::optional<std::string> taken(std::string_view text, std::optional<std::string_view> offset = {}) {
    ExifBuilder block;
    block.exif = {block.text(0x9003, text)};
    if (offset) block.exif.push_back(block.text(0x9011, *offset));
    return read(block).taken_at;
}

TEST(TakenAt, is_none_where_no_calendar_has_the_day_or_the_second) {
    for (const char* text :
         {"2023:02:29 10:11:12", "2023:02:30 10:11:12", "2023:04:31 10:11:12", "1900:02:29 10:11:12",
          "2016:12:31 23:59:60", "2016:12:31 24:00:00", "2016:12:31 23:60:00", "2016:13:01 10:11:12",
          "2016:00:01 10:11:12", "2016:01:00 10:11:12", "0000:00:00 00:00:00", "    :  :     :  :  ", "",
          "2016:12:31", "nonsense, but long enough"})
        EXPECT_EQ(taken(text), std::nullopt) << text;
    EXPECT_EQ(taken("2024:02:29 23:59:59"), "2024-02-29T23:59:59");
    EXPECT_EQ(taken("2000-02-29T00:00:00"), "2000-02-29T00:00:00");
}

TEST(TakenAt, has_the_offset_of_its_tag_or_of_its_text) {
    EXPECT_EQ(taken("2024:05:06 07:08:09", "+02:00"), "2024-05-06T07:08:09+02:00");
    EXPECT_EQ(taken("2024:05:06 07:08:09+02:00"), "2024-05-06T07:08:09+02:00");
    EXPECT_EQ(taken("2024:05:06 07:08:09 -0530"), "2024-05-06T07:08:09-05:30");
    EXPECT_EQ(taken("2024:05:06 07:08:09.25Z"), "2024-05-06T07:08:09Z");
    EXPECT_EQ(taken("2024:05:06 07:08:09+02:00", "-03:00"), "2024-05-06T07:08:09-03:00")
        << "the tag is the newer one";
    EXPECT_EQ(taken("2024:05:06 07:08:09+02:00", "   :  "), "2024-05-06T07:08:09+02:00");
    EXPECT_EQ(taken("2024:05:06 07:08:09", "+14:00"), "2024-05-06T07:08:09+14:00");
    EXPECT_EQ(taken("2024:05:06 07:08:09", "soon"), "2024-05-06T07:08:09");
    for (const char* offset : {"+14:01", "-15:00", "+25:00", "+02:75"}) {
        EXPECT_EQ(taken("2024:05:06 07:08:09", offset), std::nullopt) << offset;
        EXPECT_EQ(taken("2024:05:06 07:08:09" + std::string(offset)), std::nullopt) << offset;
    }
}

// --- exposure

TEST(Iso, comes_from_the_wider_tags_where_the_short_one_is_full_or_missing) {
    const auto iso = [](std::vector<std::pair<std::uint16_t, std::int64_t>> tags) {
        ExifBuilder block;
        for (const auto& [tag, value] : tags)
            block.exif.push_back(
                block.number(tag, tag == 0x8827 || tag == 0x8830 ? exif::kShort : exif::kLong, value));
        return read(block).exposure.iso;
    };
    EXPECT_EQ(iso({{0x8827, 65535}, {0x8830, 2}, {0x8833, 102400}}), 102400);
    EXPECT_EQ(iso({{0x8827, 65535}, {0x8830, 2}, {0x8832, 204800}}), 204800);
    EXPECT_EQ(iso({{0x8827, 65535}, {0x8830, 1}, {0x8831, 80000}}), 80000);
    EXPECT_EQ(iso({{0x8827, 65535}}), std::nullopt);
    EXPECT_EQ(iso({{0x8827, 0}, {0x8833, 400}}), 400);
    EXPECT_EQ(iso({{0x8833, 400}}), 400);
    EXPECT_EQ(iso({{0x8832, 320}}), 320);
    EXPECT_EQ(iso({{0x8831, 250}}), 250);
    EXPECT_EQ(iso({{0x8827, 200}, {0x8833, 400}}), 200);
    EXPECT_EQ(iso({{0x8833, 0xFFFFFFFF}, {0x8831, 250}}), 4294967295.0) << "a whole number has no unknown";
}

TEST(Exposure, takes_unknown_ratios_for_no_value) {
    ExifBuilder block;
    block.exif = {
        block.ratios(0x829A, {{0xFFFFFFFF, 1}}),  block.ratios(0x829D, {{0xFFFFFFFF, 0xFFFFFFFF}}),
        block.ratios(0x920A, {{50, 0xFFFFFFFF}}), block.ratios(0x9204, {{-1, 3}}, exif::kSignedRational),
        block.ratios(0x9206, {{0xFFFFFFFF, 1}}),  block.ratios(0x9400, {{5, -1}}, exif::kSignedRational)};
    const Metadata found = read(block);
    EXPECT_FALSE(found.exposure.seconds);
    EXPECT_FALSE(found.exposure.f_number);
    EXPECT_FALSE(found.exposure.focal_length_mm);
    EXPECT_NEAR(found.exposure.bias_ev.value_or(0), -1 / 3.0, 1e-9);
    EXPECT_TRUE(found.raw.empty());
}

TEST(Exposure, survives_numbers_that_fit_no_integer) {
    for (const Endian order : {Endian::little, Endian::big})
        for (const std::uint16_t tag : {std::uint16_t{0x9209}, std::uint16_t{5}, std::uint16_t{0x0112}})
            for (const std::uint16_t type :
                 {exif::kLong, exif::kSignedLong, exif::kFloat, exif::kDouble, exif::kRational})
                for (const std::uint8_t fill : {0x00, 0x7F, 0x7E, 0xFF, 0xFE}) {
                    ExifBuilder block(order);
                    const Bytes value(exif::width_of(type), fill);
                    block.image = {block.raw(tag, type, value)};
                    block.exif = block.image;
                    block.gps = block.image;
                    const Metadata found = read(block);
                    EXPECT_TRUE(Json::accept(to_json(found, ExifDetail::full, GpsPolicy::report)));
                    if (tag == 0x9209 && fill != 0 && type != exif::kRational) {  // n/n is 1
                        EXPECT_FALSE(found.exposure.flash_fired) << type << " " << int{fill};
                    }
                }
    ExifBuilder block;
    block.exif = {block.number(0x9209, exif::kLong, 0x19)};
    EXPECT_EQ(read(block).exposure.flash_fired, true);
}

// --- where they stand

ExifBuilder camera(std::string_view make) {
    ExifBuilder block;
    block.image = {block.text(0x010F, make)};
    return block;
}

TEST(Facts, come_from_a_later_exif_block_where_the_first_says_nothing) {
    const Bytes real = testing::exif_segment(camera("Real").build());
    const Bytes zeros(20, 0);
    for (const Bytes& empty :
         {testing::exif_segment({}), testing::exif_segment(zeros),
          testing::exif_segment(ExifBuilder().build()), testing::exif_segment(as_bytes("II*\0"sv)),
          testing::exif_segment(as_bytes("MM\0*\0\0\0\x08\xFF\xFF"sv))})
        EXPECT_EQ(read(testing::jpeg_with_segments({empty, real})).make, "Real");
    EXPECT_EQ(read(testing::jpeg_with_segments({real, testing::exif_segment(camera("Other").build())})).make,
              "Real")
        << "the first to speak counts";
}

TEST(Facts, come_from_exif_that_goes_on_in_a_second_segment) {
    ExifBuilder block = camera("Long");
    block.exif = {block.raw(0x927C, exif::kUndefined, Bytes(60'000, 7)),
                  block.text(0x9003, "2024:05:06 07:08:09")};
    const Bytes whole = block.build();
    const BytesView view(whole);
    const Bytes file = testing::jpeg_with_segments(
        {testing::exif_segment(view.first(50'000)), testing::exif_segment(view.subspan(50'000))});
    EXPECT_EQ(read(file).make, "Long");
    EXPECT_EQ(read(file).taken_at, "2024-05-06T07:08:09");
}

TEST(Facts, come_from_a_heif_item_in_several_extents) {
    const Bytes file = testing::picture("exif-in-extents.heic");
    EXPECT_EQ(read(file).make, "CanaryCam");
    EXPECT_EQ(read(file).taken_at, "2024-03-10T12:34:56+02:00");
    EXPECT_TRUE(read(file).gps);
    const auto clean = strip(file, inspected(file));
    ASSERT_TRUE(clean);
    EXPECT_FALSE(testing::contains(*clean, "CanaryCam"));
}

constexpr std::string_view kXmp =
    R"(<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 tiff:Make="XmpCam" tiff:Model="X1" exif:DateTimeOriginal="2024-05-06T07:08:09.5+02:00" aux:Lens="50mm"
 exif:ExposureTime="1/125" exif:FNumber="28/10" exif:GPSLatitude="33,51.498S" exif:GPSLongitude="151,12,36E"
 exif:GPSAltitude="41/10" exif:GPSAltitudeRef="1">
<exif:ISOSpeedRatings><rdf:Seq><rdf:li>64</rdf:li></rdf:Seq></exif:ISOSpeedRatings>
<exif:Flash rdf:parseType="Resource"><exif:Fired>True</exif:Fired></exif:Flash>
<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>)";

void expect_xmp_facts(const Metadata& found, const std::string& what) {
    EXPECT_EQ(found.make, "XmpCam") << what;
    EXPECT_EQ(found.model, "X1") << what;
    EXPECT_EQ(found.lens, "50mm") << what;
    EXPECT_EQ(found.artist, "Ann") << what;
    EXPECT_EQ(found.taken_at, "2024-05-06T07:08:09+02:00") << what;
    EXPECT_EQ(found.exposure.seconds, 0.008) << what;
    EXPECT_EQ(found.exposure.f_number, 2.8) << what;
    EXPECT_EQ(found.exposure.iso, 64) << what;
    EXPECT_EQ(found.exposure.flash_fired, true) << what;
    expect_position(found.gps, -33.8583, 151.21, what);
    EXPECT_EQ(found.gps->altitude, -4.1) << what;
}

TEST(Facts, come_from_xmp_where_exif_has_nothing) {
    expect_xmp_facts(read_xmp(kXmp), "alone");
    expect_xmp_facts(read(testing::jpeg_with_segments(
                         {testing::exif_segment(ExifBuilder().build()), testing::xmp_segment(kXmp)})),
                     "with an empty Exif block");
    std::string elsewhere(kXmp);
    for (const auto& [from, to] :
         {std::pair("tiff:"s, "ns1:"s), std::pair("exif:"s, "e:"s), std::pair("aux:"s, "lens:"s)}) {
        for (std::size_t at = 0; (at = elsewhere.find(from, at)) != std::string::npos; at += to.size())
            elsewhere.replace(at, from.size(), to);
        for (std::size_t at = 0;
             (at = elsewhere.find(":" + from.substr(0, from.size() - 1) + "=", at)) != std::string::npos;)
            elsewhere.replace(at + 1, from.size() - 1, to.substr(0, to.size() - 1));
    }
    expect_xmp_facts(read_xmp(elsewhere), "by other prefixes");
    const Metadata both = read(testing::jpeg_with_segments(
        {testing::xmp_segment(kXmp), testing::exif_segment(camera("Exif").build())}));
    EXPECT_EQ(both.make, "Exif") << "wherever the XMP stands";
    EXPECT_EQ(both.model, "X1");
}

TEST(Facts, of_a_position_in_xmp_are_read_in_every_spelling) {
    const auto position = [](std::string_view latitude, std::string_view longitude) {
        return read_xmp("<rdf:Description exif:GPSLatitude=\"" + std::string(latitude) +
                        "\" exif:GPSLongitude=\"" + std::string(longitude) + "\"/>");
    };
    expect_position(position("33,51.498S", "151,12.6E").gps, -33.8583, 151.21, "minutes");
    expect_position(position("33,51,29.88s", "151,12,36e").gps, -33.8583, 151.21, "seconds");
    expect_position(position("-33.8583", "151.21").gps, -33.8583, 151.21, "signs");
    expect_position(position("33.8583 N", "151.21 W").gps, 33.8583, -151.21, "degrees");
    for (const auto& [latitude, longitude] :
         {std::pair("0", "0"), std::pair("0,0N", "0,0,0E"), std::pair("", "1"), std::pair("91N", "1E"),
          std::pair("1E", "1N"), std::pair("nan", "1"), std::pair("a,b", "c")}) {
        EXPECT_FALSE(position(latitude, longitude).gps) << latitude;
        EXPECT_FALSE(position(latitude, longitude).xmp_tells_place && latitude != "1E"sv) << latitude;
    }
}

// --- what is said of a file's metadata

Json privacy(BytesView file) {
    const Inspection found = inspected(file);
    return Json::parse(privacy_json(metadata_found(found, read_metadata(file, found)), {}));
}

TEST(Privacy, says_that_a_position_was_removed_only_where_there_was_one) {
    using Ratios = std::vector<std::pair<std::int64_t, std::int64_t>>;
    const Ratios zero = {{0, 1}, {0, 1}, {0, 1}};
    for (const auto& [container, file] : testing::in_every_container(at({})))
        EXPECT_EQ(privacy(file)["gps_removed"], true) << container;
    EXPECT_EQ(privacy(testing::jpeg_with(at({.latitude_ref = ""})))["gps_removed"], true)
        << "a place all the same";
    EXPECT_EQ(privacy(testing::jpeg_with_segments({testing::xmp_segment(kXmp)}))["gps_removed"], true);
    EXPECT_EQ(privacy(testing::jpeg_with(at({.latitude = zero, .longitude = zero})))["gps_removed"], false);
    ExifBuilder clock;
    clock.gps = {clock.text(0x1D, "2024:03:10")};
    EXPECT_EQ(privacy(testing::jpeg_with(clock))["gps_removed"], false);
    EXPECT_EQ(privacy(testing::picture("plain.jpg"))["gps_removed"], false);
}

TEST(Privacy, names_what_was_found_and_what_is_left) {
    EXPECT_EQ(privacy(testing::picture("plain.jpg")),
              Json::parse(R"({"metadata_found":[],"metadata_remaining":[],"gps_removed":false})"));
    EXPECT_EQ(privacy(testing::picture("camera.jpg"))["metadata_found"],
              Json({"comment", "content_credentials", "exif", "exif.gps", "gain_map", "mpf", "photoshop",
                    "trailer", "xmp"}));
    EXPECT_EQ(privacy(testing::picture("camera.tif"))["metadata_found"], Json({"exif", "photoshop", "xmp"}));
    EXPECT_EQ(privacy(testing::tiff_with(ExifBuilder()))["metadata_found"], Json::array());
    EXPECT_EQ(Json::parse(privacy_json({"exif", "exif.gps"}, {"exif.gps"}))["gps_removed"], false);
}

// --- anything at all

TEST(Facts, of_mutated_blocks_are_valid_and_bounded) {
    std::mt19937 random(7);
    const std::vector<Bytes> blocks = {at({}).build(), at({}, Endian::big).build(), camera("Cam").build()};
    for (int i = 0; i < 3'000; ++i) {
        Bytes block = blocks[static_cast<std::size_t>(i) % blocks.size()];
        for (int n = 0; n < 1 + i % 4; ++n)
            block[random() % block.size()] = static_cast<std::uint8_t>(random());
        const Bytes file = testing::jpeg_with_segments({testing::exif_segment(block)});
        const Inspection found = inspected(file);
        const Metadata facts = read_metadata(file, found);
        ASSERT_TRUE(Json::accept(to_json(facts, ExifDetail::full, GpsPolicy::report)));
        ASSERT_EQ(facts.orientation.value_or(1), found.orientation);
        if (!facts.gps) continue;
        ASSERT_LE(std::abs(facts.gps->latitude), 90);
        ASSERT_LE(std::abs(facts.gps->longitude), 180);
        ASSERT_TRUE(facts.exif_tells_place);
    }
}

}  // namespace
}  // namespace photogate::imaging
