#include <string>

#include <gtest/gtest.h>

#include "gateway/http/json_fields.hpp"
#include "gateway/http/json_value.hpp"
#include "gateway/http/problem.hpp"

namespace photogate::gateway::http {
namespace {

ErrorCode refusal(std::string_view text) {
    auto value = read_json(text);
    EXPECT_FALSE(value) << text;
    return value ? ErrorCode::internal : value.error().code;
}

TEST(Json, reads_document_and_keeps_types) {
    auto value =
        read_json(R"( {"a":[1,-2,2.5,1e3,true,null,"\u00e9\ud83d\ude00"],"b":{"c":18446744073709551615}} )");
    ASSERT_TRUE(value);
    const JsonValue::Array& array = *value->find("a")->array();
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

TEST(Json, rejects_malformed_json_and_names_the_byte) {
    for (std::string_view text :
         {"",         " ",        "{",     "[1,]",    "{\"a\":1,}", "{\"a\":1}x", "{} {}",   "\xef\xbb\xbf{}",
          "// c\n{}", "/**/{}",   "{a:1}", "{'a':1}", "01",         "+1",         ".5",      "1.",
          "NaN",      "Infinity", "1e400", "-1e400",  "tru",        "\"a\nb\"",   "\"\\x\"", "\"\\u12\"",
          "[1 2]"}) {
        EXPECT_EQ(refusal(text), ErrorCode::invalid_json) << text;
    }
    EXPECT_NE(read_json("{\"a\":1}x").error().detail.find("byte 8"), std::string::npos)
        << read_json("{\"a\":1}x").error().detail;
}

TEST(Json, bounds_depth_and_size) {
    EXPECT_TRUE(read_json(std::string(16, '[') + std::string(16, ']')));
    EXPECT_EQ(refusal(std::string(17, '[') + std::string(17, ']')), ErrorCode::json_too_deep);
    EXPECT_EQ(refusal(std::string(100'000, '[')), ErrorCode::json_too_deep);
    std::string wide = "[1";
    for (int i = 0; i < 1'000; ++i)
        wide += ",1";
    EXPECT_EQ(refusal(wide + "]"), ErrorCode::json_too_deep);
    EXPECT_TRUE(read_json(wide + "]", {.nodes = 2'000}));
}

TEST(Json, rejects_duplicate_member) {
    EXPECT_EQ(refusal(R"({"a":1,"a":1})"), ErrorCode::duplicate_member);
    EXPECT_EQ(refusal(R"({"a":1,"\u0061":1})"), ErrorCode::duplicate_member);
    EXPECT_EQ(refusal(R"({"x":[{"a":1,"b":2,"a":3}]})"), ErrorCode::duplicate_member);
    EXPECT_TRUE(read_json(R"([{"a":1},{"a":1}])"));
}

TEST(Json, accepts_only_unicode_text_without_nul) {
    for (std::string_view text :
         {std::string_view{"\"\xff\""}, std::string_view{"\"\xc3\""}, std::string_view{"\"\xed\xa0\x80\""},
          std::string_view{R"("\ud800")"}, std::string_view{R"("\udc00")"}, std::string_view{R"("\ud800x")"},
          std::string_view{R"("\ud800\u0041")"}, std::string_view{R"("\u0000")"},
          std::string_view{R"({"\u0000":1})"}, std::string_view{"\"a\0b\"", 5}}) {
        EXPECT_EQ(refusal(text), ErrorCode::invalid_text) << text;
    }
    EXPECT_TRUE(read_json(R"("\\ud800")"));
    EXPECT_TRUE(read_json(R"("\\\\u0000\"")"));
}

TEST(JsonFields, treats_null_as_absent) {
    const auto body = read_json(R"({"a":null,"b":null,"c":null,"d":null,"e":null,"f":null})");
    JsonFields fields(*body);
    EXPECT_EQ(fields.text("a"), std::nullopt);
    EXPECT_EQ(fields.integer("b", {.least = 1}), std::nullopt);
    EXPECT_EQ(fields.flag("c"), std::nullopt);
    EXPECT_EQ(fields.object("d"), nullptr);
    EXPECT_EQ(fields.array("e"), nullptr);
    EXPECT_EQ(fields.text("f", {.presence = Presence::required}), std::nullopt);
    const auto result = fields.finish();
    ASSERT_FALSE(result);
    ASSERT_EQ(result.error().fields.size(), 1U);
    EXPECT_EQ(result.error().fields[0].code, ErrorCode::missing_field);
}

TEST(CanonicalJson, is_the_same_for_all_that_mean_the_same) {
    const auto canonical = [](std::string_view text) { return canonical_json(*read_json(text)); };
    const auto one = canonical(R"({"a":1,"b":{"c":"é","d":[1,2]},"e":null})");
    for (std::string_view same :
         {R"({ "b":{"d":[1,2],"c":"\u00e9"}, "a":1 })", R"({"a":1.0,"b":{"c":"é","d":[1,2]}})",
          R"({"a":1e0,"b":{"c":"é","d":[1,2],"x":null}})"})
        EXPECT_EQ(canonical(same), one) << same;
    for (std::string_view other :
         {R"({"a":2,"b":{"c":"é","d":[1,2]}})", R"({"a":1,"b":{"c":"é","d":[2,1]}})",
          R"({"a":"1","b":{"c":"é","d":[1,2]}})", R"({"a":1,"b":{"c":"e","d":[1,2]}})",
          R"({"a":true,"b":{"c":"é","d":[1,2]}})", R"({"a":1.5,"b":{"c":"é","d":[1,2]}})"})
        EXPECT_NE(canonical(other), one) << other;
}

TEST(JsonFields, names_all_wrong_fields_at_once) {
    auto body = read_json_object(R"({"profile":5,"size":"5","surprise":1,"a/b~":2})");
    ASSERT_TRUE(body);
    JsonFields fields(*body);
    EXPECT_FALSE(fields.text("profile"));
    EXPECT_FALSE(fields.integer("size", {.code = ErrorCode::invalid_size}));
    EXPECT_FALSE(fields.text("filename", {.presence = Presence::required}));
    auto finished = fields.finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, ErrorCode::invalid_fields);
    const auto& errors = finished.error().fields;
    ASSERT_EQ(errors.size(), 5U);
    EXPECT_EQ(errors[0].pointer, "/profile");
    EXPECT_EQ(errors[1].code, ErrorCode::invalid_size);
    EXPECT_EQ(errors[2].code, ErrorCode::missing_field);
    EXPECT_EQ(errors[3].code, ErrorCode::unknown_member);
    EXPECT_EQ(errors[3].pointer, "/surprise");
    EXPECT_EQ(errors[4].pointer, "/a~1b~0");
}

TEST(JsonFields, accepts_only_whole_digits_in_range_as_size) {
    auto code_for = [](const std::string& value) -> std::optional<ErrorCode> {
        auto body = read_json_object("{\"size\":" + value + "}");
        if (!body) return body.error().code;
        JsonFields fields(*body);
        (void)fields.integer("size", {.presence = Presence::required,
                                      .least = 1,
                                      .code = ErrorCode::invalid_size,
                                      .absent = ErrorCode::invalid_size});
        auto finished = fields.finish();
        return finished ? std::nullopt : std::optional{finished.error().code};
    };
    for (const char* value : {"\"5\"", "1.5", "5.0", "1e3", "true", "null", "[]", "{}", "-1", "0",
                              "9007199254740992", "18446744073709551616", "-0"}) {
        EXPECT_EQ(code_for(value), ErrorCode::invalid_size) << value;
    }
    EXPECT_EQ(code_for("1e400"), ErrorCode::invalid_json);
    EXPECT_EQ(code_for("1"), std::nullopt);
    EXPECT_EQ(code_for("9007199254740991"), std::nullopt);
}

TEST(JsonFields, points_to_fields_of_nested_objects) {
    auto body = read_json_object(R"({"checksum":{"algorithm":"sha256","extra":1}})");
    JsonFields fields(*body);
    const JsonValue* checksum = fields.object("checksum");
    ASSERT_TRUE(checksum);
    JsonFields inner(*checksum, fields.pointer_to("checksum"));
    EXPECT_EQ(inner.text("algorithm"), "sha256");
    fields.take(std::move(inner));
    auto finished = fields.finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, ErrorCode::unknown_member);
    EXPECT_EQ(finished.error().fields.front().pointer, "/checksum/extra");
}

TEST(JsonFields, rejects_body_that_is_not_an_object) {
    for (const char* text : {"[]", "1", "null", "\"x\""})
        EXPECT_EQ(read_json_object(text).error().code, ErrorCode::unknown_member);
}

TEST(Problem, writes_valid_json_for_any_error_detail) {
    Error error{ErrorCode::invalid_fields,
                "bad \xff \"quote\"\r\n\x01",
                {{"/a", ErrorCode::invalid_size, "\xc3"}},
                std::nullopt};
    std::string text = problem_json(error, {.request_id = "r-1"});
    auto read = read_json(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read->find("code")->text(), "invalid_fields");
    EXPECT_EQ(*read->find("type")->text(), "/docs/errors#invalid_fields");
    EXPECT_EQ(*read->find("status")->integer(), 422);
    EXPECT_EQ(*read->find("request_id")->text(), "r-1");
    EXPECT_EQ(*read->find("errors")->array()->front().find("pointer")->text(), "/a");
    EXPECT_EQ(text.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace photogate::gateway::http
