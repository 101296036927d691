// Signer::sign_post_policy: a form that a browser may send (AWS "sigv4-UsingHTTPPOST").
#include <array>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "signer/amz_date.hpp"
#include "signer/canonical_request.hpp"
#include "signer/message_rules.hpp"
#include "signer/post_policy_wire.hpp"
#include "signer/signer_state.hpp"

namespace photogate::signer {
namespace {

using Kind = PolicyCondition::Kind;

constexpr std::string_view kFilename = "${filename}";

bool is_own_field(std::string_view name) {
    for (std::string_view own : {"key", "bucket", "policy", "file", "x-amz-algorithm", "x-amz-credential",
                                 "x-amz-date", "x-amz-security-token", "x-amz-signature"}) {
        if (equals_ignoring_case(name, own)) return true;
    }
    return false;
}

Result<> check_field(const HeaderField& field) {
    if (auto ok = check_header(field); !ok) return ok;
    if (field.name.front() == '$')
        return fail(ErrorCode::invalid_field, "a form field is named without the '$'");
    if (is_own_field(field.name)) {
        return fail(ErrorCode::invalid_field,
                    fmt::format("the form field '{}' is set by signing", field.name));
    }
    return {};
}

Result<> check(const PostPolicyRequest& request) {
    if (!request.address.bucket || !request.address.key) {
        return fail(ErrorCode::invalid_field, "a POST policy is for one key in one bucket");
    }
    // Unlike in a path, the key is a form field, which a line break would end.
    if (!is_clean_text(request.address.key->str())) {
        return fail(ErrorCode::invalid_field, "the key of a form is UTF-8 text without control characters");
    }
    if (auto ok = check_expiry(request.expires); !ok) return ok;
    if (auto ok = check_time(request.at); !ok) return ok;
    if (auto ok = check_time(request.at + request.expires); !ok) return ok;
    for (const auto& field : request.fields) {
        if (auto ok = check_field(field); !ok) return ok;
    }
    for (const auto& condition : request.conditions) {
        switch (condition.kind) {
            case Kind::equals:
            case Kind::starts_with:
                if (auto ok = check_field({condition.field, condition.value}); !ok) return ok;
                break;
            case Kind::content_length_range:
                if (condition.least > condition.most) {
                    return fail(ErrorCode::invalid_size,
                                "content-length-range goes from the least to the most");
                }
                break;
        }
    }
    return {};
}

PolicyCondition equals(std::string_view field, std::string_view value) {
    return {Kind::equals, std::string{field}, std::string{value}, 0, 0};
}

PolicyCondition key_condition(std::string_view key) {
    if (!key.ends_with(kFilename)) return equals("key", key);
    key.remove_suffix(kFilename.size());
    return {Kind::starts_with, "key", std::string{key}, 0, 0};
}

}  // namespace

Result<PostForm> Signer::sign_post_policy(const PostPolicyRequest& request) const {
    if (auto ok = check(request); !ok) return fail(ok.error());
    auto address = request.address;
    address.key.reset();
    const auto target = target_of(address);
    if (!target) return fail(target.error());
    const AmzDate at{request.at};
    const auto state = state_->now();
    const auto key = state->keys.at(request.at);

    PostPolicy policy{std::chrono::floor<std::chrono::seconds>(request.at) + request.expires, {}};
    PostForm form{address.endpoint.scheme + "://" + target->host + canonical_path(target->path, PathRule::s3),
                  request.fields, policy.expiration};
    for (const auto& field : request.fields)
        policy.conditions.push_back(equals(field.name, field.value));
    for (const auto& condition : request.conditions)
        policy.conditions.push_back(condition);
    policy.conditions.push_back(equals("bucket", request.address.bucket->str()));
    policy.conditions.push_back(key_condition(request.address.key->str()));
    form.fields.push_back({"key", request.address.key->str()});

    std::vector<HeaderField> own = {{"x-amz-algorithm", std::string{kAlgorithm}},
                                    {"x-amz-credential", key->credential},
                                    {"x-amz-date", std::string{at.text()}}};
    if (const auto& token = state->keys.credentials().session_token) {
        own.push_back({"x-amz-security-token", std::string{token->reveal()}});
    }
    for (auto& field : own) {
        policy.conditions.push_back(equals(field.name, field.value));
        form.fields.push_back(std::move(field));
    }
    // The signature covers the base64 text, byte for byte as in the form.
    auto text = base64(as_bytes(write_post_policy(policy)));
    auto signature = key->sign(text);
    form.fields.push_back({"policy", std::move(text)});
    form.fields.push_back({"x-amz-signature", std::move(signature)});
    return form;
}

}  // namespace photogate::signer
