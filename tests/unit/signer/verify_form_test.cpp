#include <functional>
#include <ostream>
#include <tuple>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "signer/signing_key.hpp"
#include "signer/verify.hpp"
#include "tests/unit/signer/examples.hpp"

namespace photogate::signer {

namespace {

using Fault = SignatureFault;
using Kind = PolicyCondition::Kind;
using std::chrono::minutes;
using std::chrono::seconds;

const Timestamp kSigned = *parse_amz_date("20261120T123456Z");

struct Form {
    std::vector<HeaderField> fields;
    std::string bucket = "incoming";
    Timestamp now = kSigned;

    Verification<VerifiedForm> verified(const Verifier& verifier = Verifier{
                                            {documented_credentials()}, *parse_region("us-east-1")}) const {
        return verifier.verify(ReceivedForm{bucket, fields, now});
    }
    std::optional<Fault> fault() const {
        const auto answer = verified();
        return answer ? std::nullopt : std::optional{answer.error().fault};
    }
    std::string& field(std::string_view name) {
        return std::find_if(fields.begin(), fields.end(), [&](const auto& each) { return each.name == name; })
            ->value;
    }
    void remove(std::string_view name) {
        std::erase_if(fields, [&](const auto& each) { return each.name == name; });
    }
};

Form signed_form(const std::vector<PolicyCondition>& conditions = {{Kind::content_length_range, "", "", 1,
                                                                    1048576}},
                 const std::vector<HeaderField>& fields = {{"Content-Type", "image/jpeg"}}) {
    PostPolicyRequest request;
    request.address = address("http://127.0.0.1:9000", "incoming", "u/1.jpg");
    request.fields = fields;
    request.conditions = conditions;
    request.at = kSigned;
    return {documented_signer().sign_post_policy(request)->fields};
}

/// A form over any policy text at all, rightly signed.
Form form_over(const std::string& policy) {
    const SigningKeyCache keys{documented_credentials(), *parse_region("us-east-1"), "s3"};
    const auto key = keys.at(kSigned);
    const auto text = base64(as_bytes(policy));
    return {{{"key", "u/1.jpg"},
             {"x-amz-algorithm", "AWS4-HMAC-SHA256"},
             {"x-amz-credential", key->credential},
             {"x-amz-date", "20261120T123456Z"},
             {"policy", text},
             {"x-amz-signature", key->sign(text)}}};
}

TEST(VerifyForm, accepts_signed_form_and_reports_size_range) {
    const auto answer = signed_form().verified();
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->access_key_id, "AKIAIOSFODNN7EXAMPLE");
    EXPECT_EQ(answer->key, "u/1.jpg");
    EXPECT_EQ(answer->least, 1U);
    EXPECT_EQ(answer->most, 1048576U);
    const auto unbounded = signed_form({}).verified();
    EXPECT_EQ(unbounded->least, 0U);
    EXPECT_EQ(unbounded->most, UINT64_MAX);
    const auto narrowed = signed_form({{Kind::content_length_range, "", "", 1, 100},
                                       {Kind::content_length_range, "", "", 5, 200}})
                              .verified();
    EXPECT_EQ(narrowed->least, 5U);
    EXPECT_EQ(narrowed->most, 100U);
}

TEST(VerifyForm, rejects_each_departure_from_the_policy) {
    const std::vector<std::pair<const char*, std::function<void(Form&)>>> departures = {
        {"another key", [](Form& f) { f.field("key") = "u/2.jpg"; }},
        {"another type", [](Form& f) { f.field("Content-Type") = "text/html"; }},
        {"the type left out", [](Form& f) { f.remove("Content-Type"); }},
        {"a field added",
         [](Form& f) {
             f.fields.push_back({"acl", "public-read"});
         }},
        {"a field twice",
         [](Form& f) {
             f.fields.push_back({"KEY", "u/1.jpg"});
         }},
        {"another bucket's address", [](Form& f) { f.bucket = "public"; }},
        {"another bucket's name",
         [](Form& f) {
             f.fields.push_back({"bucket", "public"});
         }},
    };
    for (const auto& [name, depart] : departures) {
        auto form = signed_form();
        depart(form);
        EXPECT_EQ(form.fault(), Fault::policy_violated) << name;
    }
}

TEST(VerifyForm, reads_policy_operators_in_any_case) {
    const auto policy = [](const std::string& equals, const std::string& starts, const std::string& range) {
        return R"({"expiration": "2027-01-01T00:00:00Z", "conditions": [{"bucket": "incoming"}, [")" +
               equals + R"(", "$key", "u/1.jpg"], [")" + starts + R"(", "$x-amz-meta-a", "b"], [")" + range +
               R"(", 1, 100], ["eq", "$x-amz-algorithm", "AWS4-HMAC-SHA256"],
                  ["starts-with", "$x-amz-credential", ""], ["starts-with", "$x-amz-date", ""]]})";
    };
    for (const auto& [equals, starts, range] : {std::tuple{"eq", "starts-with", "content-length-range"},
                                                {"EQ", "STARTS-WITH", "CONTENT-LENGTH-RANGE"},
                                                {"Eq", "Starts-With", "Content-Length-Range"}}) {
        auto form = form_over(policy(equals, starts, range));
        form.fields.push_back({"x-amz-meta-a", "bc"});
        const auto answer = form.verified();
        ASSERT_TRUE(answer) << equals << ": " << answer.error().detail;
        EXPECT_EQ(answer->most, 100U);
        form.field("x-amz-meta-a") = "c";
        EXPECT_EQ(form.fault(), Fault::policy_violated) << starts;
        form.field("x-amz-meta-a") = "bc";
        form.field("key") = "u/2.jpg";
        EXPECT_EQ(form.fault(), Fault::policy_violated) << equals;
    }
    EXPECT_EQ(form_over(policy("equals", "starts-with", "content-length-range")).fault(), Fault::malformed);
}

TEST(VerifyForm, accepts_extra_fields_that_need_no_condition) {
    auto form = signed_form();
    form.fields.push_back({"x-ignore-me", "1"});
    form.fields.push_back({"bucket", "incoming"});
    form.field("Content-Type") = "image/jpeg";
    form.fields.front().name = "content-type";
    EXPECT_EQ(form.fault(), std::nullopt);
}

TEST(VerifyForm, applies_starts_with_to_absent_fields) {
    EXPECT_EQ(signed_form({{Kind::starts_with, "x-amz-meta-a", "", 0, 0}}).fault(), std::nullopt);
    EXPECT_EQ(signed_form({{Kind::starts_with, "x-amz-meta-a", "b", 0, 0}}).fault(), Fault::policy_violated);
    EXPECT_EQ(signed_form({{Kind::equals, "x-amz-meta-a", "", 0, 0}}).fault(), Fault::policy_violated);
    auto form = signed_form({{Kind::starts_with, "x-amz-meta-a", "b", 0, 0}});
    form.fields.push_back({"x-amz-meta-a", "bc"});
    EXPECT_EQ(form.fault(), std::nullopt);
}

TEST(VerifyForm, checks_every_entry_of_a_content_type_list) {
    auto form = signed_form({{Kind::starts_with, "Content-Type", "image/", 0, 0}}, {});
    form.fields.push_back({"Content-Type", "image/png"});
    EXPECT_EQ(form.fault(), std::nullopt);
    form.field("Content-Type") = "image/png, image/jpeg";
    EXPECT_EQ(form.fault(), std::nullopt);
    form.field("Content-Type") = "image/png,text/html";
    EXPECT_EQ(form.fault(), Fault::policy_violated);
}

TEST(VerifyForm, reports_changed_policy_as_mismatch_before_reading_it) {
    auto form = signed_form();
    form.field("policy") = base64(as_bytes(R"({"expiration": "2099-01-01T00:00:00Z", "conditions": []})"));
    EXPECT_EQ(form.fault(), Fault::mismatch);
    form = signed_form();
    form.field("policy") = "not base64 at all";
    EXPECT_EQ(form.fault(), Fault::mismatch);
    form = signed_form();
    form.field("x-amz-signature") = std::string(64, '0');
    EXPECT_EQ(form.fault(), Fault::mismatch);
}

TEST(VerifyForm, checks_time_key_and_scope) {
    auto form = signed_form();
    form.now = kSigned + seconds{900};
    EXPECT_EQ(form.fault(), std::nullopt);
    form.now += seconds{1};
    EXPECT_EQ(form.fault(), Fault::expired);
    form.now = kSigned - minutes{16};
    EXPECT_EQ(form.fault(), Fault::not_yet_valid);
    form = signed_form();
    const auto region = *parse_region("us-east-1");
    EXPECT_EQ(form.verified(Verifier{{{"other", Secret{"x"}, std::nullopt}}, region}).error().fault,
              Fault::unknown_key);
    EXPECT_EQ(
        form.verified(Verifier{{documented_credentials()}, *parse_region("eu-central-1")}).error().fault,
        Fault::wrong_scope);
    EXPECT_EQ(
        form.verified(Verifier{{{"AKIAIOSFODNN7EXAMPLE", Secret{"x"}, std::nullopt}}, region}).error().fault,
        Fault::mismatch);
}

TEST(VerifyForm, requires_the_session_token_of_the_key) {
    PostPolicyRequest request;
    request.address = address("http://127.0.0.1:9000", "incoming", "u/1.jpg");
    request.at = kSigned;
    const Form form{signer_with_token("token").sign_post_policy(request)->fields};
    auto credentials = documented_credentials();
    credentials.session_token = Secret{"token"};
    EXPECT_TRUE(form.verified(Verifier{{credentials}, *parse_region("us-east-1")}));
    EXPECT_EQ(form.fault(), Fault::wrong_token);
    EXPECT_EQ(signed_form().verified(Verifier{{credentials}, *parse_region("us-east-1")}).error().fault,
              Fault::wrong_token);
}

TEST(VerifyForm, reports_missing_and_malformed_fields) {
    auto form = signed_form();
    form.remove("policy");
    EXPECT_EQ(form.fault(), Fault::missing);
    for (const char* name : {"key", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"}) {
        form = signed_form();
        form.remove(name);
        EXPECT_EQ(form.fault(), Fault::malformed) << name;
        form = signed_form();
        form.field(name) = "";
        EXPECT_EQ(form.fault(), Fault::malformed) << name;
    }
    for (const char* name : {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"}) {
        form = signed_form();
        form.field(name) = "x";
        EXPECT_EQ(form.fault(), Fault::malformed) << name;
    }
}

TEST(VerifyForm, rejects_signed_text_that_is_not_a_policy) {
    for (const char* text : {"", "null", "{}", R"({"expiration": "2026-11-20T12:49:56Z"})", "\xff"}) {
        const auto fault = form_over(text).fault();
        EXPECT_TRUE(fault == Fault::malformed || fault == Fault::missing) << text;
    }
    EXPECT_EQ(form_over(R"({"expiration": "2026-11-20T12:49:56Z", "conditions": [["starts-with", "$key", ""],
                           ["starts-with", "$x-amz-algorithm", ""], ["starts-with", "$x-amz-credential", ""],
                           ["starts-with", "$x-amz-date", ""]]})")
                  .fault(),
              Fault::policy_violated)
        << "a policy for every bucket is for none";
    EXPECT_EQ(
        form_over(
            R"({"expiration": "2026-11-20T12:49:56Z", "conditions": [{"bucket": "incoming"}, {"key": "u/1.jpg"}]})")
            .fault(),
        Fault::policy_violated)
        << "the fields of the signature need their conditions too";
}

}  // namespace
}  // namespace photogate::signer
