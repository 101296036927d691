#include "http/semantics/cors.hpp"

#include <algorithm>
#include <iterator>

#include "base/ascii.hpp"
#include "base/endpoint.hpp"
#include "base/text.hpp"

namespace photogate::http::semantics {

namespace {

/// A request that asks for more is no page's.
constexpr std::size_t kMostNames = 64;

enum class Letters { exact, any_case };

bool equal(std::string_view a, std::string_view b, Letters letters) {
    return letters == Letters::exact ? a == b : ascii::equals_ignoring_case(a, b);
}

bool matches(std::string_view pattern, std::string_view text, Letters letters) {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) return equal(pattern, text, letters);
    const auto before = pattern.substr(0, star), after = pattern.substr(star + 1);
    return text.size() >= before.size() + after.size() &&
           equal(text.substr(0, before.size()), before, letters) &&
           equal(text.substr(text.size() - after.size()), after, letters);
}

bool allows_method(const CorsRule& rule, std::string_view method) {
    return rule.methods.empty() ||
           std::find(rule.methods.begin(), rule.methods.end(), method) != rule.methods.end();
}

bool allows_header(const CorsRule& rule, std::string_view name) {
    return is_token(name) &&
           std::any_of(rule.headers.begin(), rule.headers.end(),
                       [&](const std::string& pattern) { return matches(pattern, name, Letters::any_case); });
}

/// `list` is `a, b`; an empty one allows nothing and asks for nothing.
bool allows_headers(const CorsRule& rule, std::string_view list) {
    std::size_t names = 0;
    for (std::size_t at = 0; at < list.size();) {
        const auto end = std::min(list.find(',', at), list.size());
        if (++names > kMostNames || !allows_header(rule, trim(list.substr(at, end - at)))) return false;
        at = end + 1;
    }
    return true;
}

void append_origin(std::vector<HeaderField>& fields, const CorsRule& rule, const std::string& pattern,
                   std::string_view origin) {
    fields.push_back({"Access-Control-Allow-Origin", pattern == "*" ? pattern : std::string{origin}});
    if (rule.credentials == CorsCredentials::allowed)
        fields.push_back({"Access-Control-Allow-Credentials", "true"});
}

/// Names that a browser understands: a pattern is told only by what it matches.
std::string literal_names(const CorsRule& rule) {
    std::vector<std::string> names;
    std::copy_if(rule.headers.begin(), rule.headers.end(), std::back_inserter(names),
                 [](const std::string& name) { return name.find('*') == std::string::npos; });
    return joined(names);
}

}  // namespace

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text.append(text.empty() ? "" : ", ").append(name);
    return text;
}

Result<std::string> parse_origin(std::string_view text) {
    if (text == "*") return std::string{text};
    return parse_endpoint(text).map([](const Endpoint& endpoint) { return endpoint.origin(); });
}

const std::string* allows_origin(const CorsRule& rule, std::string_view origin) {
    const auto found =
        std::find_if(rule.origins.begin(), rule.origins.end(),
                     [&](const std::string& pattern) { return matches(pattern, origin, Letters::exact); });
    return found == rule.origins.end() ? nullptr : &*found;
}

const CorsRule* find_rule(std::span<const CorsRule> rules, const CorsRequest& request) {
    if (!request.origin) return nullptr;
    const auto found = std::find_if(rules.begin(), rules.end(), [&](const CorsRule& rule) {
        return allows_method(rule, request.method) && allows_origin(rule, *request.origin) != nullptr &&
               allows_headers(rule, request.headers);
    });
    return found == rules.end() ? nullptr : &*found;
}

std::vector<HeaderField> cors_fields(std::span<const CorsRule> rules, const CorsRequest& request) {
    if (rules.empty()) return {};
    std::vector<HeaderField> fields{{"Vary", "Origin"}};
    const CorsRule* rule = find_rule(rules, request);
    if (rule == nullptr) return fields;
    append_origin(fields, *rule, *allows_origin(*rule, *request.origin), *request.origin);
    if (!rule->exposed.empty()) fields.push_back({"Access-Control-Expose-Headers", joined(rule->exposed)});
    return fields;
}

std::vector<HeaderField> preflight_fields(const CorsRule& rule, const CorsRequest& request,
                                          std::string_view methods) {
    std::vector<HeaderField> fields{{"Vary", "Origin"}};
    const std::string* pattern = request.origin ? allows_origin(rule, *request.origin) : nullptr;
    if (pattern == nullptr) return fields;
    append_origin(fields, rule, *pattern, *request.origin);
    fields.push_back({"Access-Control-Allow-Methods", std::string{methods}});
    const bool as_asked = !request.headers.empty() && allows_headers(rule, request.headers);
    std::string names = as_asked ? std::string{request.headers} : literal_names(rule);
    if (!names.empty()) fields.push_back({"Access-Control-Allow-Headers", std::move(names)});
    if (rule.max_age) fields.push_back({"Access-Control-Max-Age", std::to_string(*rule.max_age)});
    return fields;
}

}  // namespace photogate::http::semantics
