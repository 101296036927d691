// Verifier::verify for a POST form: the policy's signature, and the form against the policy.
#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "signer/amz_date.hpp"
#include "signer/canonical_request.hpp"
#include "signer/message_rules.hpp"
#include "signer/post_policy_wire.hpp"
#include "signer/verify_scope.hpp"

namespace photogate::signer {
namespace {

using Fault = SignatureFault;
using Kind = PolicyCondition::Kind;

/// Field names are compared case-insensitively, as browsers and stores do.
const HeaderField* find(std::span<const HeaderField> fields, std::string_view name) {
    const auto at = std::find_if(fields.begin(), fields.end(), [&](const HeaderField& field) {
        return equals_ignoring_case(field.name, name);
    });
    return at == fields.end() ? nullptr : &*at;
}

Verification<std::string_view> required(std::span<const HeaderField> fields, std::string_view name) {
    const auto* field = find(fields, name);
    if (field == nullptr || field->value.empty())
        return refuse(Fault::malformed, fmt::format("the form field {} is missing", name));
    return std::string_view{field->value};
}

bool needs_no_condition(std::string_view name) {
    return equals_ignoring_case(name, "x-amz-signature") || equals_ignoring_case(name, "policy") ||
           equals_ignoring_case(name, "file") || starts_with_ignoring_case(name, "x-ignore-");
}

/// `starts-with $Content-Type image/` must hold for every entry of a comma-separated list; otherwise
/// `image/png,text/html` would pass.
bool every_entry_starts_with(std::string_view list, std::string_view prefix) {
    for (std::size_t at = 0; at <= list.size();) {
        const auto end = std::min(list.find(',', at), list.size());
        auto entry = list.substr(at, end - at);
        while (entry.starts_with(' '))
            entry.remove_prefix(1);
        if (!entry.starts_with(prefix)) return false;
        at = end + 1;
    }
    return true;
}

bool holds(const PolicyCondition& condition, const ReceivedForm& form) {
    std::optional<std::string_view> value;
    if (equals_ignoring_case(condition.field, "bucket")) {
        value = form.bucket;
    } else if (const auto* field = find(form.fields, condition.field)) {
        value = field->value;
    }
    switch (condition.kind) {
        case Kind::equals:
            return value && *value == condition.value;
        case Kind::starts_with:
            if (equals_ignoring_case(condition.field, "content-type")) {
                return every_entry_starts_with(value.value_or(""), condition.value);
            }
            return value.value_or("").starts_with(condition.value);
        case Kind::content_length_range:
            return true;  // the file's size is not known yet
    }
    return false;
}

Verification<void> check_fields(const ReceivedForm& form) {
    for (std::size_t i = 0; i < form.fields.size(); ++i) {
        if (find(form.fields, form.fields[i].name) != &form.fields[i]) {
            return refuse(Fault::policy_violated,
                          fmt::format("the form field {} is repeated", form.fields[i].name));
        }
    }
    const auto* bucket = find(form.fields, "bucket");
    if (bucket != nullptr && bucket->value != form.bucket) {
        return refuse(Fault::policy_violated, "the form's bucket is another than the address's");
    }
    return {};
}

/// Every condition holds, and every field has its condition.
Verification<VerifiedForm> check_policy(const PostPolicy& policy, const ReceivedForm& form) {
    if (form.now > policy.expiration) return refuse(Fault::expired, "the policy has expired");
    VerifiedForm verified;
    const auto covered = [&](std::string_view name) {
        return std::any_of(policy.conditions.begin(), policy.conditions.end(), [&](const auto& condition) {
            return condition.kind != Kind::content_length_range &&
                   equals_ignoring_case(condition.field, name);
        });
    };
    for (const auto& condition : policy.conditions) {
        if (!holds(condition, form)) {
            return refuse(Fault::policy_violated,
                          fmt::format("the policy's condition on {} does not hold", condition.field));
        }
        if (condition.kind == Kind::content_length_range) {
            verified.least = std::max(verified.least, condition.least);
            verified.most = std::min(verified.most, condition.most);
        }
    }
    if (!covered("bucket"))
        return refuse(Fault::policy_violated, "the policy has no condition on the bucket");
    for (const auto& field : form.fields) {
        if (!needs_no_condition(field.name) && !covered(field.name)) {
            return refuse(Fault::policy_violated,
                          fmt::format("the policy has no condition on the form field {}", field.name));
        }
    }
    return verified;
}

}  // namespace

Verification<VerifiedForm> Verifier::verify(const ReceivedForm& form) const {
    if (find(form.fields, "policy") == nullptr) return refuse(Fault::missing, "the form has no policy");
    const auto policy_text = required(form.fields, "policy");
    const auto algorithm = required(form.fields, "x-amz-algorithm");
    const auto credential = required(form.fields, "x-amz-credential");
    const auto date = required(form.fields, "x-amz-date");
    const auto signature = required(form.fields, "x-amz-signature");
    const auto key_name = required(form.fields, "key");
    for (const auto* each : {&policy_text, &algorithm, &credential, &date, &signature, &key_name}) {
        if (!*each) return tl::unexpected<SignatureRefusal>((*each).error());
    }
    if (auto ok = check_fields(form); !ok) return tl::unexpected<SignatureRefusal>(ok.error());
    if (*algorithm != kAlgorithm) return refuse(Fault::malformed, "x-amz-algorithm is AWS4-HMAC-SHA256");
    if (!is_sha256_hex(*signature))
        return refuse(Fault::malformed, "a signature is 64 characters of lower-case hex");
    const auto at = parse_amz_date(*date);
    if (!at) return refuse(Fault::malformed, "x-amz-date is yyyymmddThhmmssZ");
    if (*at > form.now + kAllowedSkew) return refuse(Fault::not_yet_valid, "the policy is not valid yet");
    const auto keys = keys_->find(*credential, *at);
    if (!keys) return tl::unexpected<SignatureRefusal>(keys.error());
    // The signature is verified before the policy is decoded or parsed.
    if (!constant_time_equal((*keys)->at(*at)->sign(*policy_text), *signature)) {
        return refuse(Fault::mismatch, "the signature does not match the policy");
    }
    const auto* token = find(form.fields, "x-amz-security-token");
    if (auto ok = check_token((*keys)->credentials(),
                              token ? std::optional<std::string_view>{token->value} : std::nullopt);
        !ok) {
        return tl::unexpected<SignatureRefusal>(ok.error());
    }
    const auto json = from_base64(*policy_text);
    const auto policy = json ? read_post_policy(as_text(*json)) : std::nullopt;
    if (!policy) return refuse(Fault::malformed, "the policy is not a policy document");
    auto verified = check_policy(*policy, form);
    if (!verified) return verified;
    verified->access_key_id = (*keys)->credentials().access_key_id;
    verified->key = std::string{*key_name};
    return verified;
}

}  // namespace photogate::signer
