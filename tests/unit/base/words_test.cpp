#include "base/words.hpp"

#include <algorithm>
#include <set>
#include <type_traits>

#include <gtest/gtest.h>

namespace photogate {
namespace {

// A word is neither made from nor turned into a text by accident, and one word is not another.
static_assert(!std::is_convertible_v<std::string, Bucket>);
static_assert(!std::is_convertible_v<Bucket, std::string>);
static_assert(!std::is_convertible_v<Bucket, ObjectKey>);

TEST(Bucket, accepts_only_s3_bucket_names) {
    for (const auto& name : {std::string{"abc"}, std::string{"a.b-c9"}, std::string(63, 'a')}) {
        EXPECT_TRUE(parse_bucket(name)) << name;
    }
    for (const auto& name :
         {std::string{}, std::string{"ab"}, std::string(64, 'a'), std::string{"Abc"}, std::string{"a_b"},
          std::string{"-ab"}, std::string{"ab-"}, std::string{".ab"}, std::string{"a..b"}, std::string{"a/b"},
          std::string{"a b"}, std::string{"ab\n"}, std::string{"äbc"}, std::string{"a.-b"},
          std::string{"a-.b"}, std::string{"192.168.5.123"}}) {
        EXPECT_FALSE(parse_bucket(name)) << name;
    }
}

TEST(ObjectKey, accepts_only_1_to_1024_bytes_of_utf8) {
    EXPECT_TRUE(parse_object_key("a"));
    EXPECT_TRUE(parse_object_key(std::string(1024, 'a')));
    EXPECT_TRUE(parse_object_key("//../ü %\n"));
    EXPECT_FALSE(parse_object_key(""));
    EXPECT_FALSE(parse_object_key(std::string(1025, 'a')));
    EXPECT_FALSE(parse_object_key("\xff"));
    EXPECT_FALSE(parse_object_key("\xed\xa0\x80")) << "a surrogate";
    std::string wide;
    for (int i = 0; i < 342; ++i)
        wide += "日";
    EXPECT_FALSE(parse_object_key(wide)) << "342 characters are 1,026 bytes";
}

TEST(ETag, is_kept_without_quotes) {
    EXPECT_EQ(parse_etag("\"9bb58f26192e4ba00f01e2e7b136bbd8\"")->str(), "9bb58f26192e4ba00f01e2e7b136bbd8");
    EXPECT_EQ(parse_etag("abc-2")->str(), "abc-2");
    for (const char* text : {"", "\"\"", "W/\"abc\"", "a\"b", "a b", "a\n", "\"a", "ü"})
        EXPECT_FALSE(parse_etag(text)) << text;
}

TEST(Region, accepts_only_plain_words) {
    for (const char* text : {"us-east-1", "auto", "garage", "a_b"})
        EXPECT_TRUE(parse_region(text)) << text;
    for (const auto& text :
         {std::string{}, std::string{"EU"}, std::string{"a/b"}, std::string{"a b"}, std::string(65, 'a')}) {
        EXPECT_FALSE(parse_region(text)) << text;
    }
}

TEST(Ids, are_parsed_only_as_their_own_type) {
    SeededRandom random{1};
    const auto now = *parse_rfc3339("2026-11-20T12:34:56Z");
    const auto upload = make_upload_id(now, random);
    EXPECT_EQ(upload.str().size(), 30U);
    EXPECT_EQ(parse_upload_id(upload.str()), upload);
    EXPECT_EQ(parse_callback_id(upload.str()), std::nullopt);
    EXPECT_EQ(parse_public_id(upload.str()), std::nullopt);
    const auto callback = make_callback_id(now, random);
    EXPECT_EQ(parse_callback_id(callback.str()), callback);
    EXPECT_EQ(callback.str().find('.'), std::string::npos) << "the webhook standard forbids it";
    const auto shown = make_public_id(random);
    EXPECT_EQ(parse_public_id(shown.str()), shown);
    EXPECT_EQ(shown.str().size(), 26U);
    for (const auto& text : {std::string{}, upload.str() + "0", upload.str().substr(0, 29),
                             "UPL_" + upload.str().substr(4), "upl_" + std::string(26, 'u'),
                             "upl_" + std::string(26, 'A'), "upl_" + std::string(25, '0') + "'"}) {
        EXPECT_EQ(parse_upload_id(text), std::nullopt) << text;
    }
}

TEST(Ids, of_uploads_sort_by_creation_millisecond) {
    SeededRandom random{2};
    std::vector<UploadId> ids;
    auto now = *parse_rfc3339("2026-11-20T12:34:56Z");
    for (int i = 0; i < 500; ++i) {
        ids.push_back(make_upload_id(now, random));
        now += std::chrono::milliseconds{1 + random.below(100000)};
    }
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST(Ids, differ_within_one_millisecond) {
    SystemRandom random;
    const auto now = *parse_rfc3339("2026-11-20T12:34:56Z");
    std::set<std::string> seen;
    for (int i = 0; i < 10000; ++i) {
        seen.insert(make_upload_id(now, random).str());
        seen.insert(make_public_id(random).str());
    }
    EXPECT_EQ(seen.size(), 20000U);
}

}  // namespace
}  // namespace photogate
