#include <gtest/gtest.h>

#include "example.hpp"

namespace photogate::pipeline {
namespace {

ErrorCode refusal(const GrantRequest& request) {
    Example example;
    const auto planned = example.plan(request);
    EXPECT_FALSE(planned);
    return planned ? ErrorCode::internal : planned.error().code;
}

TEST(PlanUpload, builds_key_from_minute_and_id) {
    Example example;
    GrantRequest request;
    request.filename = "../../etc/pass wd.jpg";
    const auto upload = example.plan(request);
    ASSERT_TRUE(upload);
    EXPECT_EQ(upload->key.str(), "u/202611201234/" + upload->id.str());
    EXPECT_EQ(upload->filename, "pass wd.jpg");
    EXPECT_EQ(upload->key.str().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789/_-"),
              std::string::npos);
    EXPECT_EQ(upload->profile.str(), "doorstep");
    EXPECT_EQ(upload->bucket.str(), "incoming");
}

TEST(PlanUpload, shares_nothing_between_simultaneous_uploads) {
    Example example;
    const auto one = example.plan({}), other = example.plan({});
    EXPECT_NE(one->id, other->id);
    EXPECT_NE(one->public_id, other->public_id);
    EXPECT_EQ(one->id.str().find(one->public_id.str()), std::string::npos);
}

TEST(PlanUpload, rounds_expiry_to_whole_seconds_as_signed) {
    Example example;
    GrantRequest request;
    request.expires_in = 60;
    EXPECT_EQ(format_rfc3339(example.plan(request)->expires_at), "2026-11-20T12:35:56.000Z");
}

TEST(PlanUpload, reports_each_limit_with_its_own_error) {
    GrantRequest request;
    request.size = 1'000'001;
    EXPECT_EQ(refusal(request), ErrorCode::size_over_limit);
    request.size = 0;
    EXPECT_EQ(refusal(request), ErrorCode::invalid_size);
    request = {};
    request.content_type = "image/png";  // a picture, but not of this profile
    EXPECT_EQ(refusal(request), ErrorCode::content_type_not_allowed);
    request = {};
    request.expires_in = 3'601;
    EXPECT_EQ(refusal(request), ErrorCode::invalid_expiry);
    request = {};
    request.sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=";  // stray bits behind the last byte
    EXPECT_EQ(refusal(request), ErrorCode::invalid_checksum);
    request = {};
    request.metadata["a"] = std::string(8'192, 'x');
    EXPECT_EQ(refusal(request), ErrorCode::invalid_metadata);
    request = {};
    request.client_fields = {"reason"};  // of a PUT
    EXPECT_EQ(refusal(request), ErrorCode::invalid_metadata);
    request = {};
    request.profile = "none";
    EXPECT_EQ(refusal(request), ErrorCode::unknown_profile);
    request = {};
    request.callback_url = "https://example.com/";  // no host is on the operator's list
    EXPECT_EQ(refusal(request), ErrorCode::callback_host_not_allowed);
}

TEST(PlanUpload, reports_all_mistakes_at_once_with_pointers) {
    Example example;
    GrantRequest request;
    request.size = 0;
    request.method = "patch";
    request.metadata["a/b~c d"] = "x";
    const auto planned = example.plan(request);
    ASSERT_FALSE(planned);
    EXPECT_EQ(planned.error().code, ErrorCode::invalid_fields);
    ASSERT_EQ(planned.error().fields.size(), 3U);
    EXPECT_EQ(planned.error().fields[2].pointer, "/metadata/a~1b~0c d");
}

TEST(PlanUpload, requires_size_for_put_where_the_profile_says_so) {
    Example example;
    example.app.profiles.begin()->second.unsized_put = model::Profile::UnsizedPut::refused;
    EXPECT_EQ(example.plan({}).error().code, ErrorCode::invalid_size);
    GrantRequest form;
    form.method = "post";
    EXPECT_TRUE(example.plan(form)) << "a form is always held to the profile's limit by its policy";
}

TEST(PlanUpload, requires_size_for_put_of_a_client_token_unless_the_profile_says_otherwise) {
    using UnsizedPut = model::Profile::UnsizedPut;
    Example example;
    GrantRequest by_token;
    by_token.token_expires_at = kNow + std::chrono::hours{1};
    EXPECT_EQ(example.profile().unsized_put, UnsizedPut::apps) << "the default";
    EXPECT_TRUE(example.plan({}));
    EXPECT_EQ(example.plan(by_token).error().code, ErrorCode::invalid_size);
    auto sized = by_token;
    sized.size = 5;
    EXPECT_TRUE(example.plan(sized));
    auto form = by_token;
    form.method = "post";
    EXPECT_TRUE(example.plan(form));
    example.app.profiles.begin()->second.unsized_put = UnsizedPut::accepted;
    EXPECT_TRUE(example.plan(by_token));
}

TEST(PlanUpload, takes_a_type_that_says_nothing_as_not_declared) {
    Example example;
    for (const char* nothing : {"", " ", "application/octet-stream", "binary/octet-stream"}) {
        GrantRequest request;
        request.content_type = nothing;
        ASSERT_TRUE(example.plan(request)) << nothing;
    }
    GrantRequest request;
    request.content_type = "";
    EXPECT_EQ(example.plan(request)->declared_type, std::nullopt);
    request.content_type = "image/pjpeg; q=1";
    EXPECT_EQ(example.plan(request)->declared_type, "image/pjpeg; q=1");
    for (const char* refused : {"image/png", "image/*", "image/jpeg\r\nX: y", "image/jpeg; x=\u00e9"}) {
        request.content_type = refused;
        EXPECT_EQ(example.plan(request).error().code, ErrorCode::content_type_not_allowed) << refused;
    }
}

TEST(PlanUpload, chooses_the_method_that_the_profile_offers) {
    Example example;
    EXPECT_EQ(example.plan({})->method, model::GrantMethod::put);
    example.app.profiles.begin()->second.methods = {model::GrantMethod::post};
    EXPECT_EQ(example.plan({})->method, model::GrantMethod::post);
    GrantRequest request;
    request.method = "put";
    EXPECT_EQ(example.plan(request).error().code, ErrorCode::method_not_offered);
}

TEST(PlanUpload, chooses_the_default_profile_where_there_are_several) {
    Example example;
    auto second = example.profile();
    second.name = ProfileName::trusted("avatar");
    example.app.profiles.emplace(second.name, second);
    EXPECT_EQ(example.plan({}).error().code, ErrorCode::missing_field);
    example.app.default_profile = ProfileName::trusted("doorstep");
    EXPECT_EQ(example.plan({})->profile.str(), "doorstep");
    example.app.default_profile = std::nullopt;
    second.name = ProfileName::trusted("default");
    example.app.profiles.emplace(second.name, second);
    EXPECT_EQ(example.plan({})->profile.str(), "default");
}

TEST(PlanUpload, converts_hex_checksum_to_base64) {
    Example example;
    GrantRequest request;
    request.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    EXPECT_EQ(example.plan(request)->declared_sha256, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

}  // namespace
}  // namespace photogate::pipeline
