// Base64 for URLs: RFC 4648, 5, without padding.
#include "base/base64url.hpp"

#include <gtest/gtest.h>

namespace photogate {
namespace {

TEST(Base64Url, has_the_vectors_of_rfc_4648_without_padding) {
    const std::pair<const char*, const char*> rows[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, text] : rows) {
        EXPECT_EQ(base64url(as_bytes(plain)), text);
        ASSERT_TRUE(from_base64url(text)) << text;
        EXPECT_EQ(as_text(*from_base64url(text)), plain);
    }
    EXPECT_EQ(base64url(Bytes{0xFB, 0xFF, 0xFE}), "-__-");
}

TEST(Base64Url, takes_one_text_for_each_value) {
    for (const char* text : {"Zg==", "Zm8=", "-_+/", "Zh", "Z", "Zm 9v", "Zm9v\n", "Zm9vYmF", "é"})
        EXPECT_FALSE(from_base64url(text)) << text;
}

}  // namespace
}  // namespace photogate
