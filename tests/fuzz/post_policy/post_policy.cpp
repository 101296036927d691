// Fields of a form, one `name=value` a line, an empty line, then any bytes as its policy, properly signed: a
// parsed policy survives a round trip, and a form is accepted only if the policy permits each of its parts.
#include <algorithm>

#include "fuzz.hpp"
#include "signer/canonical_request.hpp"
#include "signer/message_rules.hpp"
#include "signer/post_policy_wire.hpp"
#include "signer/signing_key.hpp"
#include "signer/verify.hpp"

namespace photogate::signer {
namespace {

using fuzz::require;
using Kind = PolicyCondition::Kind;

const Credentials kCredentials{"fuzz", Secret{"a secret of no store"}, std::nullopt};
const Region kRegion = Region::trusted("us-east-1");
constexpr Timestamp kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20};

bool same(const PolicyCondition& a, const PolicyCondition& b) {
    return a.kind == b.kind && a.field == b.field && a.value == b.value && a.least == b.least &&
           a.most == b.most;
}

void check_written(const PostPolicy& policy) {
    const auto again = read_post_policy(write_post_policy(policy));
    require(again.has_value(), "a written policy is read");
    require(again->expiration == std::chrono::floor<std::chrono::seconds>(policy.expiration),
            "its end survives being written");
    require(std::equal(policy.conditions.begin(), policy.conditions.end(), again->conditions.begin(),
                       again->conditions.end(), same),
            "its conditions survive being written");
}

std::optional<std::string_view> value_of(const ReceivedForm& form, std::string_view name) {
    if (equals_ignoring_case(name, "bucket")) return form.bucket;
    for (const auto& field : form.fields) {
        if (equals_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

/// The meaning of a policy, independent of verify_form.cpp.
void check_let_through(const PostPolicy& policy, const ReceivedForm& form, const VerifiedForm& verified) {
    require(form.now <= policy.expiration, "a policy that has ended lets nothing through");
    for (const auto& condition : policy.conditions) {
        const auto value = value_of(form, condition.field);
        switch (condition.kind) {
            case Kind::equals:
                require(value == condition.value, "a field is what the policy says");
                break;
            case Kind::starts_with: {
                // A Content-Type may be a list, each of whose entries may begin with a space.
                auto text = value.value_or("");
                while (equals_ignoring_case(condition.field, "content-type") && text.starts_with(' '))
                    text.remove_prefix(1);
                require(text.starts_with(condition.value), "a field has the beginning that the policy says");
                break;
            }
            case Kind::content_length_range:
                require(verified.least >= condition.least && verified.most <= condition.most,
                        "the file is held to each range");
                break;
        }
    }
    for (const auto& field : form.fields) {
        const bool free = equals_ignoring_case(field.name, "policy") ||
                          equals_ignoring_case(field.name, "file") ||
                          equals_ignoring_case(field.name, "x-amz-signature") ||
                          starts_with_ignoring_case(field.name, "x-ignore-");
        require(free || std::any_of(policy.conditions.begin(), policy.conditions.end(),
                                    [&](const auto& condition) {
                                        return equals_ignoring_case(condition.field, field.name);
                                    }),
                "a field that the policy does not speak of is refused");
    }
    require(value_of(form, "key") == verified.key, "the key is the form's");
}

void run(BytesView bytes) {
    fuzz::Input input{bytes};
    std::vector<HeaderField> fields;
    for (auto line = input.line(); !line.empty(); line = input.line()) {
        const auto [name, value] = fuzz::split(line, '=');
        fields.push_back({std::string{name}, std::string{value}});
    }
    const auto policy = read_post_policy(input.rest());
    if (policy) check_written(*policy);

    static const auto key =
        derive_signing_key({kCredentials, kRegion, "s3"}, std::chrono::floor<std::chrono::days>(kNow));
    static const Verifier verifier{{kCredentials}, kRegion};
    const auto text = base64(as_bytes(input.rest()));
    for (auto field : {HeaderField{"x-amz-algorithm", std::string{kAlgorithm}},
                       HeaderField{"x-amz-credential", key.credential},
                       HeaderField{"x-amz-date", std::string{AmzDate{kNow}.text()}},
                       HeaderField{"policy", text}, HeaderField{"x-amz-signature", key.sign(text)}}) {
        fields.push_back(std::move(field));
    }
    const ReceivedForm form{"incoming", fields, kNow + std::chrono::minutes{1}};
    const auto verified = verifier.verify(form);
    if (!verified) return;
    require(policy.has_value(), "a form without a policy is refused");
    check_let_through(*policy, form, *verified);
}

const fuzz::Target target{"post_policy", run};

}  // namespace
}  // namespace photogate::signer
