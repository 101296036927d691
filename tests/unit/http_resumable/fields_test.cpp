#include <gtest/gtest.h>

#include "http/resumable/metadata.hpp"
#include "http/resumable/structured.hpp"

namespace photogate::http::resumable {
namespace {

TEST(StructuredFields, reads_booleans_and_whole_numbers_and_drops_parameters) {
    EXPECT_EQ(read_boolean("?1"), true);
    EXPECT_EQ(read_boolean(" ?0 ;a=1"), false);
    for (const auto* text : {"", "1", "true", "?2", "?1?1"})
        EXPECT_EQ(read_boolean(text), std::nullopt) << text;
    EXPECT_EQ(read_integer("0"), 0U);
    EXPECT_EQ(read_integer(" 999999999999999;x"), 999'999'999'999'999U);
    for (const auto* text : {"", "-1", "+1", "1.0", "1000000000000000", "abc", "1 2"})
        EXPECT_EQ(read_integer(text), std::nullopt) << text;
}

TEST(StructuredFields, finds_digest_among_others) {
    const auto found = read_bytes_of("sha-512=:AAAA:, sha-256=:AQID:", "sha-256");
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, (Bytes{1, 2, 3}));
    for (const auto* text : {"", "sha-256", "sha-256=AQID", "sha-256=:AQID", "sha-256=:?:", "md5=:AQID:"})
        EXPECT_FALSE(read_bytes_of(text, "sha-256")) << text;
}

TEST(TusMetadata, accepts_what_clients_send) {
    using Pairs = std::map<std::string, std::string>;
    EXPECT_EQ(read_metadata(""), Pairs{});
    EXPECT_EQ(read_metadata("filename cGlja3VwIDQyLmpwZw==,filetype aW1hZ2UvanBlZw=="),
              (Pairs{{"filename", "pickup 42.jpg"}, {"filetype", "image/jpeg"}}));
    EXPECT_EQ(read_metadata("is_confidential, filename YQ=="),
              (Pairs{{"is_confidential", ""}, {"filename", "a"}}));
    EXPECT_EQ(read_metadata("empty "), (Pairs{{"empty", ""}}));
}

TEST(TusMetadata, refuses_what_is_none) {
    for (const auto* text : {"a b c", "a !!!!", "a YQ==,a YQ==", ",a YQ==", "a YQ==,", "\xC3\xA4 YQ=="})
        EXPECT_FALSE(read_metadata(text)) << text;
}

}  // namespace
}  // namespace photogate::http::resumable
