#include "base/json/fields.hpp"

#include <string>

#include <gtest/gtest.h>

namespace photogate::json {
namespace {

TEST(JsonFields, treats_null_as_absent) {
    const auto body = read(R"({"a":null,"b":null,"c":null,"d":null,"e":null,"f":null})");
    Fields fields(*body);
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

TEST(JsonFields, names_all_wrong_fields_at_once) {
    auto body = read_object(R"({"profile":5,"size":"5","surprise":1,"a/b~":2})");
    ASSERT_TRUE(body);
    Fields fields(*body);
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
        auto body = read_object("{\"size\":" + value + "}");
        if (!body) return body.error().code;
        Fields fields(*body);
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
    auto body = read_object(R"({"checksum":{"algorithm":"sha256","extra":1}})");
    Fields fields(*body);
    const Value* checksum = fields.object("checksum");
    ASSERT_TRUE(checksum);
    Fields inner(*checksum, fields.pointer_to("checksum"));
    EXPECT_EQ(inner.text("algorithm"), "sha256");
    fields.take(std::move(inner));
    auto finished = fields.finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, ErrorCode::unknown_member);
    EXPECT_EQ(finished.error().fields.front().pointer, "/checksum/extra");
}

TEST(JsonFields, rejects_body_that_is_not_an_object) {
    for (const char* text : {"[]", "1", "null", "\"x\""})
        EXPECT_EQ(read_object(text).error().code, ErrorCode::unknown_member);
}

}  // namespace
}  // namespace photogate::json
