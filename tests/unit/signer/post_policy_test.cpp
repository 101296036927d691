#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "signer/post_policy_wire.hpp"
#include "signer/signing_key.hpp"
#include "tests/unit/signer/examples.hpp"

namespace photogate::signer {
namespace {

using Kind = PolicyCondition::Kind;
using nlohmann::json;

PostPolicyRequest form_request() {
    PostPolicyRequest request;
    request.address = address("http://127.0.0.1:9000", "incoming", "u/1.jpg");
    request.fields = {{"Content-Type", "image/jpeg"}, {"success_action_status", "201"}};
    request.conditions = {{Kind::content_length_range, "", "", 1, 1048576},
                          {Kind::starts_with, "x-amz-meta-note", "a", 0, 0}};
    request.at = *parse_amz_date("20261120T123456Z");
    return request;
}

std::string field(const PostForm& form, std::string_view name) {
    const auto at = std::find_if(form.fields.begin(), form.fields.end(),
                                 [&](const auto& each) { return each.name == name; });
    return at == form.fields.end() ? "" : at->value;
}

std::string policy(const PostForm& form) {
    return std::string{as_text(*from_base64(field(form, "policy")))};
}

TEST(PostPolicy, states_everything_that_the_form_carries) {
    const auto form = documented_signer().sign_post_policy(form_request());
    EXPECT_EQ(form->url, "http://127.0.0.1:9000/incoming");
    EXPECT_EQ(form->expires_at, *parse_amz_date("20261120T124956Z"));
    EXPECT_EQ(
        policy(*form),
        R"({"expiration": "2026-11-20T12:49:56Z", "conditions": [{"Content-Type": "image/jpeg"}, )"
        R"({"success_action_status": "201"}, ["content-length-range", 1, 1048576], ["starts-with", "$x-amz-meta-note", "a"], )"
        R"({"bucket": "incoming"}, {"key": "u/1.jpg"}, {"x-amz-algorithm": "AWS4-HMAC-SHA256"}, )"
        R"({"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20261120/us-east-1/s3/aws4_request"}, )"
        R"({"x-amz-date": "20261120T123456Z"}]})");
    std::vector<std::string> names;
    for (const auto& each : form->fields)
        names.push_back(each.name);
    EXPECT_EQ(names,
              (std::vector<std::string>{"Content-Type", "success_action_status", "key", "x-amz-algorithm",
                                        "x-amz-credential", "x-amz-date", "policy", "x-amz-signature"}));
}

TEST(PostPolicy, matches_the_documented_signature) {
    // AWS "sigv4-post-example": the policy's text as published, line ends included.
    const std::string text =
        "{ \"expiration\": \"2015-12-30T12:00:00.000Z\",\r\n  \"conditions\": [\r\n    {\"bucket\": "
        "\"sigv4examplebucket\"},\r\n"
        "    [\"starts-with\", \"$key\", \"user/user1/\"],\r\n    {\"acl\": \"public-read\"},\r\n"
        "    {\"success_action_redirect\": "
        "\"http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html\"},\r\n"
        "    [\"starts-with\", \"$Content-Type\", \"image/\"],\r\n    {\"x-amz-meta-uuid\": "
        "\"14365123651274\"},\r\n"
        "    {\"x-amz-server-side-encryption\": \"AES256\"},\r\n    [\"starts-with\", \"$x-amz-meta-tag\", "
        "\"\"],\r\n\r\n"
        "    {\"x-amz-credential\": \"AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request\"},\r\n"
        "    {\"x-amz-algorithm\": \"AWS4-HMAC-SHA256\"},\r\n    {\"x-amz-date\": \"20151229T000000Z\" }\r\n "
        " ]\r\n}";
    const SigningKeyCache keys{documented_credentials(), *parse_region("us-east-1"), "s3"};
    EXPECT_EQ(keys.at(*parse_amz_date("20151229T000000Z"))->sign(base64(as_bytes(text))),
              "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e");
    const auto read = read_post_policy(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->conditions.size(), 11U);
    EXPECT_EQ(read->expiration, *parse_rfc3339("2015-12-30T12:00:00Z"));
}

TEST(PostPolicy, includes_session_token_as_field_and_condition) {
    const auto form = signer_with_token("to/ken==").sign_post_policy(form_request());
    EXPECT_EQ(field(*form, "x-amz-security-token"), "to/ken==");
    EXPECT_NE(policy(*form).find(R"({"x-amz-security-token": "to/ken=="})"), std::string::npos);
}

TEST(PostPolicy, treats_key_ending_in_file_name_as_prefix) {
    auto request = form_request();
    request.address.key = *parse_object_key("u/${filename}");
    const auto form = documented_signer().sign_post_policy(request);
    EXPECT_NE(policy(*form).find(R"(["starts-with", "$key", "u/"])"), std::string::npos);
    EXPECT_EQ(field(*form, "key"), "u/${filename}");
}

TEST(PostPolicy, escapes_values) {
    auto request = form_request();
    const std::string value = "a\"}, {\"x\": \"\\ ü😀 </script>";
    request.fields = {{"x-amz-meta-a", value}};
    const auto text = policy(*documented_signer().sign_post_policy(request));
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; })) << text;
    const auto read = json::parse(text);
    EXPECT_EQ(read.at("conditions").at(0).at("x-amz-meta-a").get<std::string>(), value);
    EXPECT_EQ(read.at("conditions").size(), 8U);
}

TEST(PostPolicy, rejects_unsupported_form) {
    const auto refusal = [](const PostPolicyRequest& request) {
        const auto made = documented_signer().sign_post_policy(request);
        return made ? ErrorCode::internal : made.error().code;
    };
    auto request = form_request();
    request.address.key.reset();
    EXPECT_EQ(refusal(request), ErrorCode::invalid_field);
    request = form_request();
    request.address.bucket.reset();
    EXPECT_EQ(refusal(request), ErrorCode::invalid_field);
    request = form_request();
    request.address.key = *parse_object_key("u/a\r\nb");
    EXPECT_EQ(refusal(request), ErrorCode::invalid_field);
    request = form_request();
    request.expires = kLongestExpiry + std::chrono::seconds{1};
    EXPECT_EQ(refusal(request), ErrorCode::invalid_expiry);
    request = form_request();
    request.conditions = {{Kind::content_length_range, "", "", 2, 1}};
    EXPECT_EQ(refusal(request), ErrorCode::invalid_size);
    for (const char* name :
         {"key", "Bucket", "policy", "FILE", "x-amz-signature", "X-Amz-Credential", "", "a b", "$acl"}) {
        request = form_request();
        request.fields = {{name, "x"}};
        EXPECT_EQ(refusal(request), ErrorCode::invalid_field) << name;
        request = form_request();
        request.conditions = {{Kind::equals, name, "x", 0, 0}};
        EXPECT_EQ(refusal(request), ErrorCode::invalid_field) << name;
    }
    request = form_request();
    request.fields = {{"Content-Type", "image/png\r\nX: y"}};
    EXPECT_EQ(refusal(request), ErrorCode::invalid_field);
}

TEST(PostPolicy, reads_policy_as_written) {
    const PostPolicy written{*parse_rfc3339("2026-11-20T12:49:56Z"),
                             {{Kind::equals, "key", "ü\"\\\n", 0, 0},
                              {Kind::starts_with, "Content-Type", "", 0, 0},
                              {Kind::content_length_range, "", "", 0, UINT64_MAX}}};
    const auto read = read_post_policy(write_post_policy(written));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->expiration, written.expiration);
    ASSERT_EQ(read->conditions.size(), 3U);
    EXPECT_EQ(read->conditions[0].value, "ü\"\\\n");
    EXPECT_EQ(read->conditions[1].kind, Kind::starts_with);
    EXPECT_EQ(read->conditions[2].most, UINT64_MAX);
}

TEST(PostPolicy, rejects_malformed_policy) {
    const auto with = [](const std::string& conditions) {
        return R"({"expiration": "2026-11-20T12:49:56Z", "conditions": )" + conditions + "}";
    };
    EXPECT_TRUE(read_post_policy(with("[]")));
    EXPECT_TRUE(read_post_policy(with(R"([["content-length-range", "1", "10"]])")));
    const std::string deep = std::string(100000, '[');
    for (const auto& text :
         {std::string{},
          std::string{"null"},
          std::string{"[]"},
          std::string{"{}"},
          std::string{"\xff"},
          deep,
          with(deep),
          with(R"([["gt", "$key", "a"]])"),
          with(R"([["eq", "key", "a"]])"),
          with(R"([["eq", "$", "a"]])"),
          with(R"([["eq", "$key"]])"),
          with(R"([["eq", "$key", 1]])"),
          with(R"([{"a": 1}])"),
          with(R"([{"a": "1", "b": "2"}])"),
          with(R"([{}])"),
          with(R"([["content-length-range", -1, 10]])"),
          with(R"([["content-length-range", 1]])"),
          with(R"([["content-length-range", 1.5, 10]])"),
          with(R"([["content-length-range", "", "1x"]])"),
          with(R"({"a": "b"})"),
          with(R"(["a"])"),
          with("[]") + "x",
          std::string{R"({"expiration": "yesterday", "conditions": []})"},
          std::string{R"({"expiration": 1, "conditions": []})"},
          std::string{R"({"expiration": "2026-11-20T12:49:56Z", "conditions": [], "more": 1})"}}) {
        EXPECT_FALSE(read_post_policy(text)) << text.substr(0, 200);
    }
}

}  // namespace
}  // namespace photogate::signer
