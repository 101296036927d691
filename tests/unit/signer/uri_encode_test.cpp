#include "signer/uri_encode.hpp"

#include <span>

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace photogate::signer {
namespace {

std::string path(std::string_view text) {
    std::string out;
    append_encoded_path(out, text);
    return out;
}

TEST(UriEncode, keeps_only_unreserved_characters) {
    EXPECT_EQ(encode_component("AZaz09-._~"), "AZaz09-._~");
    EXPECT_EQ(encode_component(" +%/&=?#:;,@!$'()*[]{}|\\^`\"<>"),
              "%20%2B%25%2F%26%3D%3F%23%3A%3B%2C%40%21%24%27%28%29%2A%5B%5D%7B%7D%7C%5C%5E%60%22%3C%3E");
    EXPECT_EQ(encode_component(std::string_view{"\0\x7f", 2}), "%00%7F");
}

TEST(UriEncode, encodes_each_utf8_byte_in_upper_case) {
    EXPECT_EQ(encode_component("ü日😀"), "%C3%BC%E6%97%A5%F0%9F%98%80");
}

TEST(UriEncode, keeps_slashes_and_never_normalises_path) {
    EXPECT_EQ(path("//a//./b/../c/"), "//a//./b/../c/");
    EXPECT_EQ(path("/a b/%2F+"), "/a%20b/%252F%2B");
}

TEST(UriEncode, decodes_either_case_and_rejects_broken_escapes) {
    EXPECT_EQ(decode_path("/%c3%BC%2f+"), "/ü/+");
    EXPECT_EQ(decode_component("a+b%2B"), "a b+");
    for (const char* broken : {"%", "%4", "a%", "a%4", "%zz", "%4g", "%%41"}) {
        EXPECT_EQ(decode_path(broken), std::nullopt) << broken;
    }
}

TEST(UriEncode, decodes_what_was_encoded) {
    SeededRandom random{3};
    for (int i = 0; i < 2000; ++i) {
        std::string text(random.below(40), '\0');
        random.fill(std::as_writable_bytes(std::span{text}));
        EXPECT_EQ(decode_component(encode_component(text)), text);
        EXPECT_EQ(decode_path(path(text)), text);
    }
}

}  // namespace
}  // namespace photogate::signer
