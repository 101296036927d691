#include "signer/post_policy_wire.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ascii.hpp"

namespace photogate::signer {
namespace {

using nlohmann::json;

/// A JSON text in ASCII: everything else as \uXXXX.
std::string json_text(std::string_view text) {
    return json(std::string{text}).dump(-1, ' ', true, json::error_handler_t::replace);
}

std::string written(const PolicyCondition& condition) {
    switch (condition.kind) {
        case PolicyCondition::Kind::equals:
            return fmt::format("{{{}: {}}}", json_text(condition.field), json_text(condition.value));
        case PolicyCondition::Kind::starts_with:
            return fmt::format(R"(["starts-with", {}, {}])", json_text('$' + condition.field),
                               json_text(condition.value));
        case PolicyCondition::Kind::content_length_range:
            return fmt::format(R"(["content-length-range", {}, {}])", condition.least, condition.most);
    }
    return {};
}

std::optional<ByteSize> byte_size(const json& value) {
    if (value.is_number_unsigned()) return value.get<ByteSize>();
    if (!value.is_string()) return std::nullopt;
    return ascii::parse_whole<ByteSize>(value.get_ref<const std::string&>());
}

std::optional<PolicyCondition> condition_of(const json& value) {
    using Kind = PolicyCondition::Kind;
    if (value.is_object() && value.size() == 1 && value.front().is_string()) {
        return PolicyCondition{Kind::equals, value.begin().key(), value.front().get<std::string>(), 0, 0};
    }
    if (!value.is_array() || value.size() != 3 || !value[0].is_string()) return std::nullopt;
    const auto word = ascii::to_lower(value[0].get<std::string>());
    if (word == "content-length-range") {
        const auto least = byte_size(value[1]), most = byte_size(value[2]);
        if (!least || !most) return std::nullopt;
        return PolicyCondition{Kind::content_length_range, {}, {}, *least, *most};
    }
    if (!value[1].is_string() || !value[2].is_string()) return std::nullopt;
    const auto& field = value[1].get_ref<const std::string&>();
    if (field.size() < 2 || field.front() != '$') return std::nullopt;
    auto text = value[2].get<std::string>();
    if (word == "eq") return PolicyCondition{Kind::equals, field.substr(1), std::move(text), 0, 0};
    if (word == "starts-with")
        return PolicyCondition{Kind::starts_with, field.substr(1), std::move(text), 0, 0};
    return std::nullopt;
}

}  // namespace

std::string write_post_policy(const PostPolicy& policy) {
    // format_rfc3339 ends in `.mmmZ`; the policy has whole seconds.
    std::string out = fmt::format(R"({{"expiration": "{}Z", "conditions": [)",
                                  format_rfc3339(policy.expiration).substr(0, 19));
    bool first = true;
    for (const auto& condition : policy.conditions) {
        if (!first) out += ", ";
        first = false;
        out += written(condition);
    }
    return out += "]}";
}

std::optional<PostPolicy> read_post_policy(std::string_view text) {
    constexpr int kDeepest = 4;  // object, conditions, condition, and one spare
    bool too_deep = false;
    const auto watch = [&too_deep](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > kDeepest;
        return !too_deep;
    };
    const auto policy = json::parse(text, watch, false);
    if (too_deep || !policy.is_object() || policy.size() != 2) return std::nullopt;
    const auto expiration = policy.find("expiration"), conditions = policy.find("conditions");
    if (expiration == policy.end() || !expiration->is_string() || conditions == policy.end() ||
        !conditions->is_array()) {
        return std::nullopt;
    }
    const auto until = parse_rfc3339(expiration->get_ref<const std::string&>());
    if (!until) return std::nullopt;
    PostPolicy out{*until, {}};
    for (const auto& value : *conditions) {
        auto condition = condition_of(value);
        if (!condition) return std::nullopt;
        out.conditions.push_back(std::move(*condition));
    }
    return out;
}

}  // namespace photogate::signer
