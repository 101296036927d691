#include "gateway/s3/bucket_cors.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/log.hpp"
#include "gateway/s3/operations.hpp"
#include "gateway/s3/request_xml.hpp"
#include "gateway/s3/xml.hpp"

namespace photogate::gateway::s3 {

using photogate::http::semantics::cors_fields;
using photogate::http::semantics::CorsRequest;
using photogate::http::semantics::find_rule;
using photogate::http::semantics::joined;
using photogate::http::semantics::preflight_fields;

namespace {

constexpr std::size_t kMostRules = 100;
constexpr std::size_t kLongestId = 255;
constexpr std::array<std::string_view, 5> kMethods = {"GET", "PUT", "HEAD", "POST", "DELETE"};

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

namespace {

CorsRules rules_for(const std::vector<std::string>& origins) {
    CorsRule rule{
        .origins = origins,
        .methods = {kMethods.begin(), kMethods.end()},
        .headers = {"*"},
        .exposed = {"ETag", "Content-Length", "Content-Range", "Content-Type", "Last-Modified", "Location",
                    "x-amz-request-id", "x-amz-version-id", "x-amz-checksum-crc32", "x-amz-checksum-crc32c",
                    "x-amz-checksum-crc64nvme", "x-amz-checksum-sha1", "x-amz-checksum-sha256", "*"},
        .max_age = 3'600};
    return {std::move(rule)};
}

CorsRequest asked_by(const http::RequestHead& head) {
    return {head.headers.find("Origin"), head.headers.find("Access-Control-Request-Method").value_or(""),
            head.headers.find("Access-Control-Request-Headers").value_or("")};
}

http::Response preflight_response(int status, const CorsRule& rule, const CorsRequest& asked) {
    http::Response response = http::Response::empty(status);
    response.headers = preflight_fields(rule, asked, joined(rule.methods));
    return response;
}

}  // namespace

std::vector<http::HeaderField> BucketCors::fields(const std::optional<Bucket>& bucket,
                                                  const http::RequestHead& head) const {
    if (head.method == http::Method::options) return {};
    const auto own = bucket ? find(*bucket) : nullptr;
    return cors_fields(own ? *own : configured_, {head.headers.find("Origin"), http::to_string(head.method)});
}

S3Result<http::Response> BucketCors::preflight(const std::optional<Bucket>& bucket,
                                               const http::RequestHead& head) const {
    const CorsRequest asked = asked_by(head);
    const auto own = bucket ? find(*bucket) : nullptr;
    if (!own) {
        const CorsRule* rule = asked.method.empty() ? nullptr : find_rule(configured_, asked);
        http::Response response =
            rule != nullptr ? preflight_response(204, *rule, asked) : http::Response::empty(204);
        response.set("Allow", "GET, HEAD, PUT, POST, DELETE, OPTIONS");
        return response;
    }
    if (!asked.origin)
        return refuse(Code::BadRequest, "Insufficient information. Origin request header needed.");
    if (asked.method.empty()) return refuse(Code::BadRequest, "Invalid Access-Control-Request-Method: null");
    const CorsRule* rule = find_rule(*own, asked);
    if (rule == nullptr) return refuse(Code::AccessForbidden);
    return preflight_response(200, *rule, asked);
}

BucketCors::BucketCors(storage::builtin::FolderStore& store, const std::vector<std::string>& origins)
    : store_(store), configured_(rules_for(origins)) {
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
