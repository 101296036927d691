#include "base/json/value.hpp"

#include <string>

#include <gtest/gtest.h>

namespace photogate::json {
namespace {

ErrorCode refusal(std::string_view text) {
    auto value = read(text);
    EXPECT_FALSE(value) << text;
    return value ? ErrorCode::internal : value.error().code;
}

TEST(JsonValue, reads_document_and_keeps_types) {
    auto value =
        read(R"( {"a":[1,-2,2.5,1e3,true,null,"\u00e9\ud83d\ude00"],"b":{"c":18446744073709551615}} )");
    ASSERT_TRUE(value);
    const Value::Array& array = *value->find("a")->array();
    EXPECT_EQ(*array[0].integer(), 1);
    EXPECT_EQ(*array[1].integer(), -2);
    EXPECT_EQ(*array[2].number(), 2.5);
    EXPECT_FALSE(array[3].integer());
    EXPECT_TRUE(*array[4].boolean());
    EXPECT_TRUE(array[5].is_null());
    EXPECT_EQ(*array[6].text(), "\xc3\xa9\xf0\x9f\x98\x80");
    EXPECT_FALSE(value->find("b")->find("c")->integer());
    EXPECT_EQ(value->find("missing"), nullptr);
}

TEST(JsonValue, rejects_malformed_json_and_names_the_byte) {
    for (std::string_view text :
         {"",         " ",        "{",     "[1,]",    "{\"a\":1,}", "{\"a\":1}x", "{} {}",   "\xef\xbb\xbf{}",
          "// c\n{}", "/**/{}",   "{a:1}", "{'a':1}", "01",         "+1",         ".5",      "1.",
          "NaN",      "Infinity", "1e400", "-1e400",  "tru",        "\"a\nb\"",   "\"\\x\"", "\"\\u12\"",
          "[1 2]"}) {
        EXPECT_EQ(refusal(text), ErrorCode::invalid_json) << text;
    }
    EXPECT_NE(read("{\"a\":1}x").error().detail.find("byte 8"), std::string::npos)
        << read("{\"a\":1}x").error().detail;
}

TEST(JsonValue, bounds_depth_and_size) {
    EXPECT_TRUE(read(std::string(16, '[') + std::string(16, ']')));
    EXPECT_EQ(refusal(std::string(17, '[') + std::string(17, ']')), ErrorCode::json_too_deep);
    EXPECT_EQ(refusal(std::string(100'000, '[')), ErrorCode::json_too_deep);
    std::string wide = "[1";
    for (int i = 0; i < 1'000; ++i)
        wide += ",1";
    EXPECT_EQ(refusal(wide + "]"), ErrorCode::json_too_deep);
    EXPECT_TRUE(read(wide + "]", {.nodes = 2'000}));
}

TEST(JsonValue, rejects_duplicate_member) {
    EXPECT_EQ(refusal(R"({"a":1,"a":1})"), ErrorCode::duplicate_member);
    EXPECT_EQ(refusal(R"({"a":1,"\u0061":1})"), ErrorCode::duplicate_member);
    EXPECT_EQ(refusal(R"({"x":[{"a":1,"b":2,"a":3}]})"), ErrorCode::duplicate_member);
    EXPECT_TRUE(read(R"([{"a":1},{"a":1}])"));
    for (const int members : {7, 8, 9, 100}) {
        std::string many;
        for (int i = 0; i < members; ++i)
            many += "\"m" + std::to_string(i) + "\":0,";
        EXPECT_TRUE(read("{" + many + "\"last\":0}")) << members;
        for (const int again : {0, members - 1}) {
            const auto text = "{" + many + "\"m" + std::to_string(again) + "\":0}";
            EXPECT_EQ(refusal(text), ErrorCode::duplicate_member) << members << " " << again;
        }
    }
}

TEST(JsonValue, accepts_only_unicode_text_without_nul) {
    for (std::string_view text :
         {std::string_view{"\"\xff\""}, std::string_view{"\"\xc3\""}, std::string_view{"\"\xed\xa0\x80\""},
          std::string_view{R"("\ud800")"}, std::string_view{R"("\udc00")"}, std::string_view{R"("\ud800x")"},
          std::string_view{R"("\ud800\u0041")"}, std::string_view{R"("\u0000")"},
          std::string_view{R"({"\u0000":1})"}, std::string_view{"\"a\0b\"", 5}}) {
        EXPECT_EQ(refusal(text), ErrorCode::invalid_text) << text;
    }
    EXPECT_TRUE(read(R"("\\ud800")"));
    EXPECT_TRUE(read(R"("\\\\u0000\"")"));
}

TEST(CanonicalJson, is_the_same_for_all_that_mean_the_same) {
    const auto text_of = [](std::string_view text) { return canonical(*read(text)); };
    const auto one = text_of(R"({"a":1,"b":{"c":"é","d":[1,2]},"e":null})");
    for (std::string_view same :
         {R"({ "b":{"d":[1,2],"c":"\u00e9"}, "a":1 })", R"({"a":1.0,"b":{"c":"é","d":[1,2]}})",
          R"({"a":1e0,"b":{"c":"é","d":[1,2],"x":null}})"})
        EXPECT_EQ(text_of(same), one) << same;
    for (std::string_view other :
         {R"({"a":2,"b":{"c":"é","d":[1,2]}})", R"({"a":1,"b":{"c":"é","d":[2,1]}})",
          R"({"a":"1","b":{"c":"é","d":[1,2]}})", R"({"a":1,"b":{"c":"e","d":[1,2]}})",
          R"({"a":true,"b":{"c":"é","d":[1,2]}})", R"({"a":1.5,"b":{"c":"é","d":[1,2]}})"})
        EXPECT_NE(text_of(other), one) << other;
}

}  // namespace
}  // namespace photogate::json
