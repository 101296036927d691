#include "gateway/s3/tagging.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "gateway/s3/operations.hpp"
#include "gateway/s3/request_documents.hpp"
#include "gateway/s3/request_xml.hpp"
#include "gateway/s3/xml.hpp"
#include "signer/message_rules.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::s3 {

namespace {

constexpr std::size_t kLongestKey = 128;
constexpr std::size_t kLongestValue = 256;

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// Letters of every script are allowed, and of ASCII what S3 lists.
bool is_allowed(char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view{" +-=._:/@"}.find(c) != std::string_view::npos;
}

bool is_text(std::string_view text, std::size_t most) {
    return characters(text) <= most && is_utf8(text) && std::all_of(text.begin(), text.end(), is_allowed);
}

S3Result<> add_tag(Tags& tags, std::string key, std::string value, std::size_t most) {
    if (key.empty() || !is_text(key, kLongestKey))
        return refuse(Code::InvalidTag, "The TagKey you have provided is invalid");
    if (!is_text(value, kLongestValue))
        return refuse(Code::InvalidTag, "The TagValue you have provided is invalid");
    if (signer::starts_with_ignoring_case(key, "aws:"))
        return refuse(Code::InvalidTag, "System tags cannot be added/updated by requester");
    if (tags.size() == most && !tags.contains(key)) {
        return refuse(Code::BadRequest, fmt::format("{} tags cannot be greater than {}",
                                                    most == kMostObjectTags ? "Object" : "Bucket", most));
    }
    if (!tags.emplace(std::move(key), std::move(value)).second)
        return refuse(Code::InvalidTag, "Cannot provide multiple Tags with the same key");
    return {};
}

S3Result<http::Response> tags_set(Dependencies& dependencies, const Call& call, const std::string& document) {
    if (auto known = check_version(call); !known) return refuse(known.error());
    const auto tags = read_tagging_document(document, kMostObjectTags);
    if (!tags) return refuse(tags.error());
    if (auto set = dependencies.store.objects().set_tags(call.bucket(), call.key(), *tags); !set)
        return refuse(of(set.error()));
    return http::Response::empty(200);
}

S3Result<http::Response> bucket_tags_set(Dependencies& dependencies, const Call& call,
                                         const std::string& document) {
    const auto tags = read_tagging_document(document, kMostBucketTags);
    if (!tags) return refuse(tags.error());
    auto set = dependencies.store.buckets().set_document(call.bucket(), "tagging", tagging_document(*tags));
    if (!set) return refuse(of(set.error()));
    return http::Response::empty(204);
}

}  // namespace

S3Result<Tags> read_tagging_header(std::string_view text) {
    Tags tags;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('&', at), text.size());
        const auto pair = text.substr(at, end - at);
        at = end + 1;
        const auto equals = std::min(pair.find('='), pair.size());
        auto key = signer::decode_component(pair.substr(0, equals));
        auto value = signer::decode_component(equals < pair.size() ? pair.substr(equals + 1) : "");
        if (!key || !value || tags.contains(*key))
            return refuse(Code::InvalidArgument,
                          "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
                          "parameters without tag name duplicates.");
        if (auto added = add_tag(tags, std::move(*key), std::move(*value), kMostObjectTags); !added)
            return refuse(added.error());
    }
    return tags;
}

S3Result<Tags> read_tagging_document(std::string_view text, std::size_t most) {
    pugi::xml_document document;
    const auto set = xml::child(xml::root_of(document, text, "Tagging"), "TagSet");
    if (!set) return refuse(Code::MalformedXML);
    Tags tags;
    for (const pugi::xml_node each : set.children()) {
        if (each.type() != pugi::node_element) continue;
        if (xml::local(each.name()) != "Tag" || !xml::child(each, "Key") || !xml::child(each, "Value"))
            return refuse(Code::MalformedXML);
        auto added = add_tag(tags, std::string{xml::text_of(each, "Key")},
                             std::string{xml::text_of(each, "Value")}, most);
        if (!added) return refuse(added.error());
    }
    return tags;
}

std::string tagging_document(const Tags& tags) {
    Xml document{"Tagging"};
    document.open("TagSet");
    for (const auto& [key, value] : tags)
        document.open("Tag").add("Key", key).add("Value", value).close();
    return document.done();
}

void put_object_tagging(Dependencies& dependencies, CallPtr call) {
    with_document(dependencies, std::move(call), kMostTaggingDocument, tags_set);
}

void delete_object_tagging(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call]() -> S3Result<http::Response> {
        if (auto known = check_version(*call); !known) return refuse(known.error());
        if (auto set = dependencies.store.objects().set_tags(call->bucket(), call->key(), {}); !set)
            return refuse(of(set.error()));
        return http::Response::empty(204);
    });
}

void put_bucket_tagging(Dependencies& dependencies, CallPtr call) {
    with_document(dependencies, std::move(call), kMostTaggingDocument, bucket_tags_set);
}

void delete_bucket_tagging(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call]() -> S3Result<http::Response> {
        auto set = dependencies.store.buckets().set_document(call->bucket(), "tagging", std::nullopt);
        if (!set) return refuse(of(set.error()));
        return http::Response::empty(204);
    });
}

}  // namespace photogate::gateway::s3
