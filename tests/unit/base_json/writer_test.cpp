// Text as JSON: whatever stands anywhere in it, a reader gets it back.
#include "base/json/writer.hpp"

#include <string>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/json/value.hpp"

namespace photogate::json {
namespace {

std::string written(std::string_view text) {
    Writer out;
    out.begin_array();
    out.text(text);
    out.end_array();
    return out.take();
}

/// Text is looked at in pieces of eight bytes: each byte at each place of the first three, and as the last.
TEST(Writer, quotes_each_byte_at_each_place) {
    for (int byte = 1; byte < 0x80; ++byte) {
        for (std::size_t size = 1; size < 25; ++size) {
            for (std::size_t place = 0; place < size; ++place) {
                std::string text(size, 'x');
                text[place] = static_cast<char>(byte);
                const std::string json = written(text);
                const auto document = read(json);
                ASSERT_TRUE(document) << json;
                ASSERT_EQ(*document->array()->at(0).text(), text);
                for (const char c : json)
                    ASSERT_TRUE(c >= 0x20 && c != 0x7F) << json;
            }
        }
    }
}

TEST(Writer, writes_names_of_the_source_and_any_others) {
    Writer out;
    out.begin_object();
    out.name("plain");
    out.number(1);
    out.any_name("it \"is\"\n");
    out.null();
    out.end_object();
    EXPECT_EQ(out.take(), R"({"plain":1,"it \"is\"\n":null})");
}

/// Which our own reader refuses.
TEST(Writer, escapes_nul) {
    EXPECT_EQ(written(std::string_view("eight by\0tes", 12)), "[\"eight by\\u0000tes\"]");
}

TEST(Writer, keeps_text_beyond_ascii_and_mends_what_is_no_utf8) {
    for (const char* text :
         {"Zürich, Bahnhofstraße 12", "日本語のファイル名.jpg", "x\xC2\x80y\xC2\x9F\"\\ and more"}) {
        const auto document = read(written(text));
        ASSERT_TRUE(document);
        EXPECT_EQ(*document->array()->at(0).text(), text);
    }
    EXPECT_EQ(written("eight by\xFFtes and more"), "[\"eight by\xEF\xBF\xBDtes and more\"]");
}

}  // namespace
}  // namespace photogate::json
