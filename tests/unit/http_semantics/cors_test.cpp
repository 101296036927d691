#include "http/semantics/cors.hpp"

#include <gtest/gtest.h>

namespace photogate::http::semantics {
namespace {

std::string value(const std::vector<HeaderField>& fields, std::string_view name) {
    for (const HeaderField& field : fields) {
        if (field.name == name) return field.value;
    }
    return "";
}

/// As the configuration of an API makes it: exact origins, every method.
const CorsRule kApi{.origins = {"https://app.example"},
                    .headers = {"Authorization", "Idempotency-Key"},
                    .exposed = {"ETag", "Location"},
                    .max_age = 7'200,
                    .credentials = CorsCredentials::allowed};

std::vector<HeaderField> fields(const std::vector<CorsRule>& rules, std::string_view origin,
                                std::string_view method = "GET") {
    return cors_fields(rules, {origin, method});
}

TEST(CorsFields, allow_named_origins_only) {
    const auto yes = fields({kApi}, "https://app.example");
    EXPECT_EQ(value(yes, "Access-Control-Allow-Origin"), "https://app.example");
    EXPECT_EQ(value(yes, "Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(value(yes, "Access-Control-Expose-Headers"), "ETag, Location");
    EXPECT_EQ(value(yes, "Vary"), "Origin");
    for (const char* origin : {"https://app.example.evil.com", "http://app.example", "null",
                               "https://app.example:444", "*", "HTTPS://APP.EXAMPLE", ""}) {
        const auto no = fields({kApi}, origin);
        EXPECT_EQ(value(no, "Access-Control-Allow-Origin"), "") << origin;
        EXPECT_EQ(value(no, "Access-Control-Allow-Credentials"), "") << origin;
        EXPECT_EQ(value(no, "Access-Control-Expose-Headers"), "") << origin;
        EXPECT_EQ(value(no, "Vary"), "Origin");
    }
}

TEST(CorsFields, tell_caches_that_the_origin_matters_even_if_none_was_sent) {
    const auto none = cors_fields({&kApi, 1}, {std::nullopt, "GET"});
    EXPECT_EQ(none, (std::vector<HeaderField>{{"Vary", "Origin"}}));
    EXPECT_TRUE(fields({}, "https://app.example").empty());
}

TEST(CorsFields, tell_the_wildcard_as_it_is_and_other_patterns_by_the_origin) {
    const CorsRule any{.origins = {"*"}};
    EXPECT_EQ(value(fields({any}, "https://x.example"), "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(value(fields({any}, "https://x.example"), "Access-Control-Allow-Credentials"), "");
    const CorsRule below{.origins = {"https://*.example"}};
    EXPECT_EQ(value(fields({below}, "https://a.b.example"), "Access-Control-Allow-Origin"),
              "https://a.b.example");
    EXPECT_EQ(value(fields({below}, "https://.example"), "Access-Control-Allow-Origin"), "https://.example");
    for (const char* origin : {"https://example", "https://a.example.evil", "http://a.example"})
        EXPECT_EQ(value(fields({below}, origin), "Access-Control-Allow-Origin"), "") << origin;
}

TEST(CorsFields, follow_the_first_rule_that_allows_origin_and_method) {
    const std::vector<CorsRule> rules{
        {.origins = {"https://*.example"}, .methods = {"GET"}, .exposed = {"ETag"}},
        {.origins = {"*"}, .methods = {"GET"}}};
    const auto first = fields(rules, "https://a.example");
    EXPECT_EQ(value(first, "Access-Control-Allow-Origin"), "https://a.example");
    EXPECT_EQ(value(first, "Access-Control-Expose-Headers"), "ETag");
    const auto second = fields(rules, "https://example");
    EXPECT_EQ(value(second, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(value(second, "Access-Control-Expose-Headers"), "");
    EXPECT_EQ(value(fields(rules, "https://a.example", "PUT"), "Access-Control-Allow-Origin"), "");
}

TEST(CorsPreflight, tells_methods_headers_and_age) {
    const auto told = preflight_fields(kApi, {"https://app.example", "POST"}, "POST, OPTIONS");
    EXPECT_EQ(value(told, "Access-Control-Allow-Origin"), "https://app.example");
    EXPECT_EQ(value(told, "Access-Control-Allow-Methods"), "POST, OPTIONS");
    EXPECT_EQ(value(told, "Access-Control-Allow-Headers"), "Authorization, Idempotency-Key");
    EXPECT_EQ(value(told, "Access-Control-Max-Age"), "7200");
    EXPECT_EQ(value(told, "Access-Control-Expose-Headers"), "");
    EXPECT_EQ(preflight_fields(kApi, {"https://elsewhere.example", "POST"}, "POST"),
              (std::vector<HeaderField>{{"Vary", "Origin"}}));
}

TEST(CorsPreflight, tells_the_headers_asked_for_or_else_what_the_rule_names) {
    const auto told = [](const CorsRule& rule, std::string_view headers) {
        return value(preflight_fields(rule, {"https://app.example", "PUT", headers}, "PUT"),
                     "Access-Control-Allow-Headers");
    };
    EXPECT_EQ(told(kApi, "idempotency-key"), "idempotency-key");
    EXPECT_EQ(told(kApi, "idempotency-key,x-other"), "Authorization, Idempotency-Key");
    const CorsRule patterns{.origins = {"*"}, .headers = {"x-amz-meta-*", "Content-Type"}};
    EXPECT_EQ(told(patterns, "X-Amz-Meta-A, content-type"), "X-Amz-Meta-A, content-type");
    EXPECT_EQ(told(patterns, "x-amz-meta"), "Content-Type");
    EXPECT_EQ(told({.origins = {"*"}}, "x"), "");
}

TEST(CorsRules, are_found_by_origin_method_and_every_header) {
    const std::vector<CorsRule> rules{
        {.id = "narrow", .origins = {"https://app.example"}, .methods = {"PUT"}, .headers = {"Content-Type"}},
        {.id = "wide", .origins = {"*"}, .methods = {"PUT"}, .headers = {"*"}}};
    const auto found = [&](CorsRequest request) {
        const CorsRule* rule = find_rule(rules, request);
        return rule == nullptr ? std::string{} : rule->id;
    };
    EXPECT_EQ(found({"https://app.example", "PUT", "content-type"}), "narrow");
    EXPECT_EQ(found({"https://app.example", "PUT", "content-type, x-a"}), "wide");
    EXPECT_EQ(found({"https://app.example", "put", ""}), "");
    EXPECT_EQ(found({std::nullopt, "PUT", ""}), "");
    // What is no list of names is no page's, whatever a rule allows.
    EXPECT_EQ(found({"https://a.example", "PUT", "a b"}), "");
    EXPECT_EQ(found({"https://a.example", "PUT", "a,,b"}), "");
    std::string many = "a";
    for (int i = 1; i < 64; ++i)
        many += ",a";
    EXPECT_EQ(found({"https://a.example", "PUT", many}), "wide");
    EXPECT_EQ(found({"https://a.example", "PUT", many + ",a"}), "");
}

TEST(Origin, is_read_without_a_path) {
    EXPECT_EQ(parse_origin("https://app.example"), "https://app.example");
    EXPECT_EQ(parse_origin("*"), "*");
    EXPECT_FALSE(parse_origin("app.example"));
    EXPECT_FALSE(parse_origin(""));
}

}  // namespace
}  // namespace photogate::http::semantics
