// UserComment as cameras and editors really write it.
#include <random>

#include <nlohmann/json.hpp>

#include "exif_builder.hpp"
#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::ExifBuilder;
using testing::inspected;
using Json = nlohmann::json;

std::string utf16(std::u16string_view text, Endian order) {
    Bytes out;
    for (const char16_t unit : text)
        testing::put(out, order, unit, 2);
    return std::string(as_text(out));
}

/// In an Exif block of that byte order; empty where nothing is reported.
std::string comment(std::string_view bytes, Endian order, std::uint16_t type = exif::kUndefined) {
    ExifBuilder block(order);
    block.exif = {block.raw(0x9286, type, as_bytes(bytes))};
    const Bytes file = testing::jpeg_with(block);
    const Json found =
        Json::parse(to_json(read_metadata(file, inspected(file)), ExifDetail::full, GpsPolicy::report));
    return found.value("raw", Json::object()).value("UserComment", "");
}

struct Text {
    std::string utf8;
    std::u16string wide;
};

const std::vector<Text>& texts() {
    static const std::vector<Text> all = {{"hello world", u"hello world"},
                                          {"Grüße 京都 😀", u"Grüße 京都 😀"},
                                          {"東京タワーの夜景", u"東京タワーの夜景"},
                                          {"Привет, мир", u"Привет, мир"},
                                          {"안녕하세요 서울", u"안녕하세요 서울"},
                                          {"Καλημέρα κόσμε", u"Καλημέρα κόσμε"},
                                          {"שלום עולם", u"שלום עולם"},
                                          {"สวัสดีชาวโลก", u"สวัสดีชาวโลก"},
                                          {"Ở Việt Nam", u"Ở Việt Nam"},
                                          {"IMG_0042 (1).jpg", u"IMG_0042 (1).jpg"},
                                          {"京都", u"京都"}};
    return all;
}

TEST(UserComment, is_read_from_utf16_of_either_order_with_or_without_a_mark) {
    for (const Endian block : {Endian::little, Endian::big})
        for (const Endian order : {Endian::little, Endian::big})
            for (const Text& text : texts())
                for (const std::string_view name : {"UNICODE\0"sv, "Unicode\0"sv, "unicode\0"sv}) {
                    const std::string body = utf16(text.wide, order);
                    EXPECT_EQ(comment(std::string(name) + body, block), text.utf8);
                    EXPECT_EQ(comment(std::string(name) + body + std::string(20, '\0'), block), text.utf8)
                        << "padded";
                    EXPECT_EQ(comment(std::string(name) + utf16(u"\uFEFF", order) + body, block), text.utf8)
                        << "marked";
                }
}

TEST(UserComment, is_read_from_utf8_with_any_name_or_none) {
    for (const Endian block : {Endian::little, Endian::big})
        for (const Text& text : texts())
            for (const std::string_view name :
                 {"UNICODE\0"sv, "Unicode\0"sv, "UTF-8\0\0\0"sv, "ASCII\0\0\0"sv, "ascii\0\0\0"sv,
                  "Ascii   "sv, "\0\0\0\0\0\0\0\0"sv, ""sv}) {
                EXPECT_EQ(comment(std::string(name) + text.utf8, block), text.utf8) << name;
                EXPECT_EQ(comment(std::string(name) + text.utf8 + std::string(9, '\0'), block), text.utf8)
                    << name;
                EXPECT_EQ(comment(std::string(name) + "\xEF\xBB\xBF" + text.utf8, block), text.utf8) << name;
            }
    EXPECT_EQ(comment("hello world", Endian::big, exif::kAscii), "hello world");
    EXPECT_EQ(comment("Grüße 京都", Endian::big, 129), "Grüße 京都") << "Exif 3.0's own type";
    EXPECT_EQ(comment("hi", Endian::big), "hi");
    EXPECT_EQ(comment("ASCII\0\0\0Gr\xFC\xDF"
                      "e aus K\xF6ln"sv,
                      Endian::big),
              "Grüße aus Köln");
    EXPECT_EQ(comment("JIS\0\0\0\0\0plain"sv, Endian::big), "plain");
}

TEST(UserComment, is_left_out_where_it_is_no_text) {
    const std::vector<std::string> nothing = {
        std::string("ASCII\0\0\0", 8),
        std::string("UNICODE\0", 8),
        std::string(264, '\0'),
        std::string(264, ' '),
        std::string(64, '\xFF'),
        "ASCII\0\0\0\x83\x65\x83\x58\x83\x67"s,
        std::string("ASCII\0\0\0", 8) + "\xC4\xE3\xBA\xC3\xCA\xC0\xBD\xE7",
        std::string("JIS\0\0\0\0\0", 8) + "\x1B$B%F%9%H\x1B(B",
        std::string("UNICODE\0", 8) + "\xD8\xD8\xD8\xD8\xD8\xD8",
        std::string("UNICODE\0", 8) + "\xE0\xE0\xE1\xE1\xE2\xE2",
    };
    for (const Endian order : {Endian::little, Endian::big})
        for (const std::string& bytes : nothing)
            EXPECT_EQ(comment(bytes, order), "") << ::testing::PrintToString(bytes);
}

TEST(UserComment, of_random_bytes_is_hardly_ever_text) {
    std::mt19937 random(1);
    int texts = 0;
    for (int i = 0; i < 500; ++i) {
        std::string bytes = i % 2 == 0 ? std::string("UNICODE\0", 8) : std::string("ASCII\0\0\0", 8);
        for (int n = 0; n < 64; ++n)
            bytes.push_back(static_cast<char>(random()));
        if (!comment(bytes, i % 4 < 2 ? Endian::big : Endian::little).empty()) ++texts;
    }
    EXPECT_LE(texts, 5);
}

}  // namespace
}  // namespace photogate::imaging
