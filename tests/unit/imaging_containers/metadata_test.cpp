#include "imaging/containers/metadata.hpp"

#include <nlohmann/json.hpp>

#include "pictures.hpp"

namespace photogate::imaging {
namespace {

using testing::inspected;
using testing::picture;
using Json = nlohmann::json;

Metadata read(std::string_view name) {
    const Bytes file = picture(name);
    return read_metadata(file, inspected(file));
}

Json parsed(const Metadata& metadata, ExifDetail detail = ExifDetail::full,
            GpsPolicy gps = GpsPolicy::report) {
    const std::string text = to_json(metadata, detail, gps);
    EXPECT_TRUE(is_utf8(text));
    const Json out = Json::parse(text, nullptr, false);
    EXPECT_FALSE(out.is_discarded()) << text;
    return out;
}

TEST(Metadata, reads_camera_facts_from_every_container) {
    for (const char* name :
         {"camera.jpg", "camera.png", "camera.webp", "camera.avif", "camera.heic", "magick.png"}) {
        const Metadata found = read(name);
        EXPECT_EQ(found.make, "CanaryCam") << name;
        EXPECT_EQ(found.model, "CANARY-1") << name;
        EXPECT_EQ(found.lens, "CANARY lens") << name;
        EXPECT_EQ(found.taken_at, "2024-03-10T12:34:56+02:00") << name;
        EXPECT_EQ(found.orientation, 6) << name;
        ASSERT_TRUE(found.gps) << name;
        EXPECT_NEAR(found.gps->latitude, 47 + 22 / 60.0 + 36.84 / 3600, 1e-7) << name;
        EXPECT_NEAR(found.gps->longitude, -(8 + 32 / 60.0 + 30.12 / 3600), 1e-7) << name;
        EXPECT_EQ(found.gps->altitude, -408.5) << name << ": below the sea";
        EXPECT_EQ(found.exposure.seconds, 0.004) << name;
        EXPECT_EQ(found.exposure.f_number, 2.8) << name;
        EXPECT_EQ(found.exposure.iso, 200) << name;
        EXPECT_EQ(found.exposure.focal_length_35mm, 26) << name;
        EXPECT_EQ(found.exposure.flash_fired, true) << name;
    }
}

TEST(Metadata, reads_iptc_and_xmp) {
    const Json raw = parsed(read("camera.jpg"))["raw"];
    EXPECT_EQ(raw["iptc.By-line"], Json({"CANARY byline"}));
    EXPECT_EQ(raw["iptc.Caption-Abstract"], "CANARY caption é") << "Latin-1 becomes UTF-8";
    EXPECT_EQ(raw["iptc.Keywords"], Json({"first", "second"}));
    EXPECT_EQ(raw["xmp.dc:creator"], Json({"CANARY one", "CANARY two"}));
    EXPECT_EQ(raw["xmp.dc:rights"], "CANARY rights");
    EXPECT_EQ(raw["xmp.xmp:CreatorTool"], "CANARY tool & more");
    EXPECT_EQ(raw["UserComment"], "CANARY comment");
    EXPECT_EQ(parsed(read("camera.png"))["raw"]["iptc.By-line"], Json({"CANARY byline"}))
        << "hex text, deflated";
    EXPECT_EQ(parsed(read("camera.gif"))["raw"]["xmp.dc:rights"], "CANARY rights");
    EXPECT_EQ(parsed(read("camera.tif"))["raw"]["iptc.By-line"], Json({"CANARY byline"}));
    EXPECT_EQ(read("camera.tif").make, "CanaryCam");
}

TEST(Metadata, ignores_maker_notes) {
    EXPECT_EQ(to_json(read("camera.jpg"), ExifDetail::full, GpsPolicy::report).find("MAKER"),
              std::string::npos);
}

TEST(Metadata, drops_everything_that_reveals_the_place_with_the_position) {
    const Metadata found = read("camera.jpg");
    const Json with = parsed(found);
    EXPECT_TRUE(with.contains("gps"));
    EXPECT_TRUE(with["raw"].contains("iptc.City"));
    const std::string without = to_json(found, ExifDetail::full, GpsPolicy::drop);
    for (const char* word : {"gps", "GPS", "47.", "CANARY city"})
        EXPECT_EQ(without.find(word), std::string::npos) << word;
    EXPECT_TRUE(found.has_gps) << "that there was one is still known";
}

TEST(Metadata, returns_requested_level_of_detail) {
    const Metadata found = read("camera.jpg");
    EXPECT_EQ(to_json(found, ExifDetail::none, GpsPolicy::report), "{}");
    const Json basic = parsed(found, ExifDetail::basic);
    EXPECT_EQ(basic["make"], "CanaryCam");
    EXPECT_EQ(basic["gps"]["altitude"], -408.5);
    EXPECT_FALSE(basic.contains("raw"));
    EXPECT_FALSE(basic.contains("artist"));
    EXPECT_EQ(to_json(read("plain.jpg"), ExifDetail::full, GpsPolicy::report), "{}");
}

TEST(Metadata, omits_undefined_ratios) {
    const Metadata found = read("exif-zero-ratios.jpg");
    EXPECT_TRUE(found.has_gps);
    EXPECT_FALSE(found.gps);
    EXPECT_FALSE(found.exposure.seconds);
    EXPECT_FALSE(found.exposure.f_number);
    EXPECT_EQ(to_json(found, ExifDetail::full, GpsPolicy::report), "{}");
}

TEST(Metadata, accepts_positions_with_signed_ratios_or_fewer_parts) {
    const Metadata found = read("exif-signed-gps.jpg");
    ASSERT_TRUE(found.gps);
    EXPECT_NEAR(found.gps->latitude, -(33 + 51.3 / 60), 1e-7);
    EXPECT_NEAR(found.gps->longitude, 151.2093, 1e-7);
    EXPECT_FALSE(found.gps->altitude);
}

TEST(Metadata, sanitises_foreign_text) {
    const Metadata found = read("exif-bad-text.jpg");
    ASSERT_TRUE(found.make);
    EXPECT_EQ(*found.make, "ÿþ\"\\ Café");
    EXPECT_EQ(found.model, "Größe ☃");
    EXPECT_EQ(parsed(found)["make"], *found.make);
}

TEST(Metadata, terminates_on_looping_directories) {
    const Metadata found = read("exif-loop.jpg");
    EXPECT_EQ(found.make, "Loop");
    EXPECT_FALSE(found.gps);
}

TEST(Metadata, produces_valid_json_for_any_damage) {
    for (const std::string& name : testing::camera_pictures()) {
        Bytes file = picture(name);
        for (std::size_t at = 0; at < file.size(); at += 3) {
            const std::uint8_t kept = std::exchange(file[at], std::uint8_t{0xFF});
            if (const auto found = inspect(file, Limits{})) {
                const std::string text =
                    to_json(read_metadata(file, *found), ExifDetail::full, GpsPolicy::report);
                ASSERT_TRUE(is_utf8(text) && Json::accept(text)) << name << " at " << at;
                ASSERT_LT(text.size(), 600'000U);
            }
            file[at] = kept;
        }
    }
}

}  // namespace
}  // namespace photogate::imaging
