#include <algorithm>

#include <gtest/gtest.h>

#include "example.hpp"

namespace photogate::pipeline {
namespace {

GrantRequest sealed() {
    GrantRequest request;
    request.size = 1'234;
    request.content_type = "image/jpeg";
    request.filename = "it's.jpg";
    request.sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    return request;
}

const std::string* field(const std::vector<signer::HeaderField>& headers, std::string_view name) {
    const auto found =
        std::find_if(headers.begin(), headers.end(), [&](const auto& each) { return each.name == name; });
    return found == headers.end() ? nullptr : &found->value;
}

TEST(SignGrant, signs_put_for_the_public_host_with_sealed_headers) {
    Example example;
    const auto upload = example.plan(sealed());
    const auto grant = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    ASSERT_TRUE(grant) << grant.error().detail;
    EXPECT_TRUE(grant->url.starts_with("https://store.example/incoming/u/202611201234/upl_")) << grant->url;
    EXPECT_NE(grant->url.find("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-"
                              "amz-checksum-sha256"),
              std::string::npos)
        << grant->url;
    EXPECT_EQ(*field(grant->headers, "If-None-Match"), "*");
    EXPECT_EQ(*field(grant->headers, "Content-Type"), "image/jpeg");
    EXPECT_EQ(field(grant->headers, "Content-Length"), nullptr) << "browsers refuse to have it set";
}

TEST(SignGrant, permits_a_put_to_be_repeated_where_the_profile_is_not_write_once) {
    Example example;
    example.app.profiles.begin()->second.write_once = model::Profile::WriteOnce::off;
    const auto upload = example.plan(sealed());
    const auto grant = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    EXPECT_EQ(field(grant->headers, "If-None-Match"), nullptr);
    EXPECT_EQ(grant->url.find("if-none-match"), std::string::npos) << grant->url;
    EXPECT_EQ(grant->curl.find("If-None-Match"), std::string::npos) << grant->curl;
}

TEST(SignGrant, signs_identically_again) {
    Example example;
    const auto upload = example.plan(sealed());
    const auto one = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    const auto other = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    EXPECT_EQ(one->url, other->url);
    EXPECT_EQ(one->expires_at, upload->expires_at);
}

TEST(SignGrant, signs_by_store_clock_for_the_requested_time) {
    using namespace std::chrono_literals;
    Example example;
    const auto upload = example.plan(sealed());
    const auto before = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    example.store().clock->measured(1h);
    const auto ahead = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    EXPECT_EQ(ahead->expires_at, upload->expires_at + 1h);
    example.store().clock->measured(1h + 1s);
    const auto again = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    EXPECT_EQ(again->url, ahead->url) << "the error of a Date header and of the network is ignored";
    example.store().clock->measured(-1s);
    const auto right = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    EXPECT_EQ(right->url, before->url);
}

TEST(SignGrant, limits_size_type_and_fields_of_form) {
    Example example;
    auto request = sealed();
    request.method = "post";
    request.client_fields = {"Reason"};
    const auto upload = example.plan(request);
    const auto grant = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    ASSERT_TRUE(grant);
    const auto policy = from_base64(*field(grant->fields, "policy"));
    ASSERT_TRUE(policy);
    const std::string text{as_text(*policy)};
    EXPECT_NE(text.find(R"(["content-length-range", 1234, 1234])"), std::string::npos) << text;
    EXPECT_NE(text.find("x-amz-meta-reason"), std::string::npos) << text;
    EXPECT_NE(text.find("image/jpeg"), std::string::npos) << text;
    EXPECT_EQ(*field(grant->fields, "success_action_status"), "201");
}

TEST(SignGrant, limits_form_without_declared_size_by_profile) {
    Example example;
    GrantRequest request;
    request.method = "post";
    const auto upload = example.plan(request);
    const auto grant = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    const auto policy = from_base64(*field(grant->fields, "policy"));
    EXPECT_NE(std::string{as_text(*policy)}.find(R"(["content-length-range", 1, 1000000])"),
              std::string::npos);
}

TEST(SignGrant, quotes_curl_line_for_the_shell) {
    Example example;
    const auto upload = example.plan(sealed());
    const auto grant = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    EXPECT_TRUE(grant->curl.starts_with(R"(curl -fsSg -T 'it'\''s.jpg' -H 'If-None-Match: *')"))
        << grant->curl;
}

TEST(SignGrant, quotes_file_names_of_a_form_for_curl_as_well) {
    Example example;
    GrantRequest request;
    request.method = "post";
    request.filename = R"(a,.env;type="x".jpg)";
    const auto upload = example.plan(request);
    const auto grant = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    EXPECT_NE(grant->curl.find(R"(-F 'file=@"a,.env;type=\"x\".jpg"')"), std::string::npos) << grant->curl;
}

TEST(SignGrant, names_client_fields_as_they_are_sent) {
    Example example;
    GrantRequest request;
    request.method = "post";
    request.client_fields = {"caption"};
    const auto upload = example.plan(request);
    const auto grant = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    EXPECT_EQ(grant->client_fields, std::vector<std::string>{"x-amz-meta-caption"});
}

TEST(SignGrant, sends_a_browser_to_the_page_of_the_profile) {
    Example example;
    example.app.profiles.begin()->second.form_redirect = "https://app.example/thanks";
    GrantRequest request;
    request.method = "post";
    const auto upload = example.plan(request);
    const auto grant = sign_grant(*upload, example.profile(), example.store(), upload->created_at);
    ASSERT_NE(field(grant->fields, "success_action_redirect"), nullptr);
    EXPECT_EQ(*field(grant->fields, "success_action_redirect"), "https://app.example/thanks");
    EXPECT_EQ(field(grant->fields, "success_action_status"), nullptr);
}

}  // namespace
}  // namespace photogate::pipeline
