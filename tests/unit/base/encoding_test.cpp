#include "base/encoding.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace photogate {
namespace {

std::string base64_of(std::string_view text) {
    return base64(as_bytes(text));
}

TEST(Base64, matches_rfc_4648_vectors) {
    EXPECT_EQ(base64_of(""), "");
    EXPECT_EQ(base64_of("f"), "Zg==");
    EXPECT_EQ(base64_of("fo"), "Zm8=");
    EXPECT_EQ(base64_of("foo"), "Zm9v");
    EXPECT_EQ(base64_of("foob"), "Zm9vYg==");
    EXPECT_EQ(base64_of("foobar"), "Zm9vYmFy");
    EXPECT_EQ(base64_of("\xfb\xff\xfe"), "+//+");
}

TEST(Base64, rejects_non_canonical_spelling) {
    for (const char* text : {"Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm 9",
                             "Zh==", "Zm9=", "-_-_", "Zg=v"}) {
        EXPECT_EQ(from_base64(text), std::nullopt) << text;
    }
    EXPECT_EQ(from_base64(""), Bytes{});
}

TEST(Encodings, decodes_what_was_encoded) {
    SeededRandom random{1};
    for (std::size_t size = 0; size < 200; ++size) {
        Bytes bytes(size);
        random.fill(std::as_writable_bytes(std::span{bytes}));
        EXPECT_EQ(from_base64(base64(bytes)), bytes);
        EXPECT_EQ(from_hex(hex_lower(bytes)), bytes);
    }
}

TEST(Hex, accepts_either_case_and_only_digit_pairs) {
    EXPECT_EQ(hex_lower(Bytes{0x00, 0xAB, 0xFF}), "00abff");
    EXPECT_EQ(from_hex("00ABff"), (Bytes{0x00, 0xAB, 0xFF}));
    for (const char* text : {"0", "0g", "0x", " 0", "00 "})
        EXPECT_EQ(from_hex(text), std::nullopt) << text;
}

TEST(Base32, encodes_crockford_most_significant_bit_first) {
    EXPECT_EQ(base32_crockford(Bytes{}), "");
    EXPECT_EQ(base32_crockford(Bytes{0xFF}), "zw");
    EXPECT_EQ(base32_crockford(Bytes(16, 0)).size(), 26U);
    EXPECT_EQ(base32_crockford(Bytes{0x00, 0x44, 0x32, 0x14, 0xC7}), "01234567");
    EXPECT_EQ(base32_crockford(as_bytes("hello")), "d1jprv3f");
    EXPECT_EQ(base32_crockford(as_bytes("foob")), "csqpyrg");
}

TEST(Utf8, accepts_only_well_formed_sequences) {
    for (const char* text : {"", "a", "ü", "日本", "😀", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"})
        EXPECT_TRUE(is_utf8(text));
    for (const char* text : {"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf",
                             "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                             "\xf5\x80\x80\x80", "\xff", "a\xe2\x82"}) {
        EXPECT_FALSE(is_utf8(text));
        EXPECT_TRUE(is_utf8(to_valid_utf8(text)));
        EXPECT_NE(to_valid_utf8(text).find("\xEF\xBF\xBD"), std::string::npos);
    }
    EXPECT_EQ(to_valid_utf8("aü\xff日"), "aü\xEF\xBF\xBD日");
    // Eight bytes are looked at together where all are ASCII.
    for (std::size_t place = 0; place < 20; ++place) {
        std::string text(20, 'a');
        EXPECT_TRUE(is_utf8(text));
        text[place] = '\xff';
        EXPECT_FALSE(is_utf8(text)) << place;
    }
}

}  // namespace
}  // namespace photogate
