#include "gateway/s3/bucket_cors.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/s3/operations.hpp"
#include "gateway/s3/request_xml.hpp"
#include "gateway/s3/xml.hpp"

namespace photogate::gateway::s3 {

namespace {

constexpr std::size_t kMostRules = 100;
constexpr std::size_t kLongestId = 255;
constexpr std::size_t kMostNames = 64;
constexpr std::array<std::string_view, 5> kMethods = {"GET", "PUT", "HEAD", "POST", "DELETE"};

enum class Letters { exact, any_case };

bool equal(std::string_view a, std::string_view b, Letters letters) {
    return letters == Letters::exact ? a == b : ascii::equals_ignoring_case(a, b);
}

/// A pattern with at most one `*`.
bool matches(std::string_view pattern, std::string_view text, Letters letters) {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) return equal(pattern, text, letters);
    const auto before = pattern.substr(0, star), after = pattern.substr(star + 1);
    return text.size() >= before.size() + after.size() &&
           equal(text.substr(0, before.size()), before, letters) &&
           equal(text.substr(text.size() - after.size()), after, letters);
}

/// The pattern that allows the origin; null: none.
const std::string* allowing(const CorsRule& rule, std::string_view origin, std::string_view method) {
    if (std::find(rule.methods.begin(), rule.methods.end(), method) == rule.methods.end()) return nullptr;
    const auto found = std::find_if(rule.origins.begin(), rule.origins.end(), [&](const std::string& each) {
        return matches(each, origin, Letters::exact);
    });
    return found == rule.origins.end() ? nullptr : &*found;
}

std::vector<std::string_view> names_in(std::string_view list) {
    std::vector<std::string_view> names;
    for (std::size_t at = 0; at < list.size();) {
        const auto end = std::min(list.find(',', at), list.size());
        names.push_back(trim(list.substr(at, end - at)));
        at = end + 1;
    }
    return names;
}

bool allows_headers(const CorsRule& rule, const std::vector<std::string_view>& names) {
    return std::all_of(names.begin(), names.end(), [&](std::string_view name) {
        return std::any_of(rule.headers.begin(), rule.headers.end(),
                           [&](const std::string& each) { return matches(each, name, Letters::any_case); });
    });
}

std::string joined(const std::vector<std::string>& texts) {
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string origin_answer(const std::string& pattern, std::string_view origin) {
    return pattern == "*" ? pattern : std::string{origin};
}

S3Result<> check_patterns(const std::vector<std::string>& patterns, std::string_view element) {
    for (const std::string& each : patterns) {
        if (std::count(each.begin(), each.end(), '*') > 1)
            return refuse(Code::InvalidRequest,
                          fmt::format("{} \"{}\" can not have more than one wildcard.", element, each));
    }
    return {};
}

/// Header values are written into answers.
bool is_printable(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

S3Result<CorsRule> rule_of(pugi::xml_node node) {
    CorsRule rule;
    for (const pugi::xml_node each : node.children()) {
        if (each.type() != pugi::node_element) continue;
        const auto name = xml::local(each.name());
        const std::string value = each.child_value();
        if (name == "ID" && value.size() <= kLongestId) {
            rule.id = value;
        } else if (name == "MaxAgeSeconds") {
            rule.max_age = ascii::parse_whole<std::uint32_t>(value);
            if (!rule.max_age) return refuse(Code::MalformedXML);
        } else if (!is_printable(value)) {
            return refuse(Code::MalformedXML);
        } else if (name == "AllowedOrigin") {
            rule.origins.push_back(value);
        } else if (name == "AllowedMethod") {
            rule.methods.push_back(value);
        } else if (name == "AllowedHeader") {
            rule.headers.push_back(value);
        } else if (name == "ExposeHeader") {
            rule.exposed.push_back(value);
        } else {
            return refuse(Code::MalformedXML);
        }
    }
    if (rule.origins.empty() || rule.methods.empty()) return refuse(Code::MalformedXML);
    for (const std::string& method : rule.methods) {
        if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end())
            return refuse(
                Code::InvalidRequest,
                fmt::format("Found unsupported HTTP method in CORS config. Unsupported method is {}",
                            method));
    }
    if (auto fine = check_patterns(rule.origins, "AllowedOrigin"); !fine) return refuse(fine.error());
    if (auto fine = check_patterns(rule.headers, "AllowedHeader"); !fine) return refuse(fine.error());
    for (const std::string& each : rule.exposed) {
        if (each.find('*') != std::string::npos)
            return refuse(Code::InvalidRequest,
                          fmt::format("ExposeHeader \"{}\" contains wildcard. We currently do not support "
                                      "wildcard for ExposeHeader.",
                                      each));
    }
    return rule;
}

S3Result<http::Response> rules_set(Dependencies& dependencies, const Call& call,
                                   const std::string& document) {
    const auto rules = read_cors_document(document);
    if (!rules) return refuse(rules.error());
    if (auto set = dependencies.cors.set(call.bucket(), *rules); !set) return refuse(of(set.error()));
    return http::Response::empty(200);
}

}  // namespace

S3Result<CorsRules> read_cors_document(std::string_view text) {
    pugi::xml_document document;
    const auto root = xml::root_of(document, text, "CORSConfiguration");
    if (!root || text.size() > kMostCorsDocument) return refuse(Code::MalformedXML);
    CorsRules rules;
    for (const pugi::xml_node each : root.children()) {
        if (each.type() != pugi::node_element) continue;
        if (xml::local(each.name()) != "CORSRule") return refuse(Code::MalformedXML);
        if (rules.size() == kMostRules)
            return refuse(Code::InvalidRequest,
                          "The number of CORS rules should not exceed allowed limit of "
                          "100 rules.");
        auto rule = rule_of(each);
        if (!rule) return refuse(rule.error());
        rules.push_back(std::move(*rule));
    }
    if (rules.empty()) return refuse(Code::MalformedXML);
    return rules;
}

std::string cors_document(const CorsRules& rules) {
    Xml document{"CORSConfiguration"};
    for (const CorsRule& rule : rules) {
        document.open("CORSRule");
        if (!rule.id.empty()) document.add("ID", rule.id);
        for (const auto& [element, values] : {std::pair{"AllowedHeader", &rule.headers},
                                              {"AllowedMethod", &rule.methods},
                                              {"AllowedOrigin", &rule.origins},
                                              {"ExposeHeader", &rule.exposed}}) {
            for (const std::string& value : *values)
                document.add(element, value);
        }
        if (rule.max_age) document.add("MaxAgeSeconds", *rule.max_age);
        document.close();
    }
    return document.done();
}

std::vector<http::HeaderField> cors_headers(const CorsRules& rules, const http::RequestHead& head) {
    const auto origin = head.headers.find("Origin");
    if (!origin) return {};
    std::vector<http::HeaderField> fields{{"Vary", "Origin"}};
    for (const CorsRule& rule : rules) {
        const std::string* pattern = allowing(rule, *origin, http::to_string(head.method));
        if (pattern == nullptr) continue;
        fields.push_back({"Access-Control-Allow-Origin", origin_answer(*pattern, *origin)});
        if (!rule.exposed.empty()) fields.push_back({"Access-Control-Expose-Headers", joined(rule.exposed)});
        break;
    }
    return fields;
}

S3Result<http::Response> preflight(const CorsRules& rules, const http::RequestHead& head) {
    const auto origin = head.headers.find("Origin");
    if (!origin) return refuse(Code::BadRequest, "Insufficient information. Origin request header needed.");
    const auto method = head.headers.find("Access-Control-Request-Method");
    if (!method) return refuse(Code::BadRequest, "Invalid Access-Control-Request-Method: null");
    const std::string asked{head.headers.find("Access-Control-Request-Headers").value_or("")};
    const auto names = names_in(asked);
    if (names.size() > kMostNames) return refuse(Code::AccessForbidden);
    for (const CorsRule& rule : rules) {
        const std::string* pattern = allowing(rule, *origin, *method);
        if (pattern == nullptr || !allows_headers(rule, names)) continue;
        http::Response response = http::Response::empty(200);
        response.set("Access-Control-Allow-Origin", origin_answer(*pattern, *origin));
        response.set("Access-Control-Allow-Methods", joined(rule.methods));
        if (!names.empty()) response.set("Access-Control-Allow-Headers", asked);
        if (!rule.exposed.empty()) response.set("Access-Control-Expose-Headers", joined(rule.exposed));
        if (rule.max_age) response.set("Access-Control-Max-Age", std::to_string(*rule.max_age));
        return response;
    }
    return refuse(Code::AccessForbidden);
}

BucketCors::BucketCors(storage::builtin::FolderStore& store) : store_(store) {
    const auto documents = store_.buckets().documents("cors");
    if (!documents) {
        log::error("store.cors_unread", {{"error", documents.error().detail}});
        return;
    }
    for (const auto& [bucket, document] : *documents) {
        if (auto rules = read_cors_document(document))
            rules_.emplace(bucket, std::make_shared<const CorsRules>(std::move(*rules)));
    }
}

std::shared_ptr<const CorsRules> BucketCors::find(const Bucket& bucket) const {
    const std::lock_guard lock{mutex_};
    const auto found = rules_.find(bucket);
    return found == rules_.end() ? nullptr : found->second;
}

Result<> BucketCors::set(const Bucket& bucket, const std::optional<CorsRules>& rules) {
    const std::lock_guard change{changing_};
    std::optional<std::string> document;
    if (rules) document = cors_document(*rules);
    if (auto set = store_.buckets().set_document(bucket, "cors", document); !set) return set;
    if (!rules) {
        forget(bucket);
        return {};
    }
    const std::lock_guard lock{mutex_};
    rules_.insert_or_assign(bucket, std::make_shared<const CorsRules>(*rules));
    return {};
}

void BucketCors::forget(const Bucket& bucket) {
    const std::lock_guard lock{mutex_};
    rules_.erase(bucket);
}

void put_bucket_cors(Dependencies& dependencies, CallPtr call) {
    with_document(dependencies, std::move(call), kMostCorsDocument, rules_set);
}

void delete_bucket_cors(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call]() -> S3Result<http::Response> {
        if (auto gone = dependencies.cors.set(call->bucket(), std::nullopt); !gone)
            return refuse(of(gone.error()));
        return http::Response::empty(204);
    });
}

}  // namespace photogate::gateway::s3
