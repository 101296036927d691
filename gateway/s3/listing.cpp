// ListObjects in its three forms, and ListBuckets.
#include "gateway/s3/listing.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "gateway/s3/description.hpp"
#include "gateway/s3/operations.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::s3 {

using storage::objects::ListedObject;
using storage::objects::ListOptions;
using storage::objects::ListPage;

S3Result<std::uint32_t> read_count(const Address& address, std::string_view name, std::uint32_t most,
                                   std::optional<std::uint32_t> fallback) {
    const auto* text = address.parameter(name);
    if (text == nullptr || text->empty()) return fallback.value_or(most);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size() || value > INT32_MAX)
        return refuse(Code::InvalidArgument,
                      fmt::format("Argument {} must be an integer between 0 and 2147483647", name));
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, most));
}

KeyWriter::KeyWriter(const Address& address)
    : encoding_(address.parameter("encoding-type") != nullptr && *address.parameter("encoding-type") == "url"
                    ? Encoding::url
                    : Encoding::none) {}

std::string KeyWriter::operator()(std::string_view key) const {
    if (encoding_ == Encoding::none) return std::string{key};
    std::string out;
    signer::append_encoded_path(out, key);
    return out;
}

void KeyWriter::say_encoding(Xml& xml) const {
    if (encoding_ == Encoding::url) xml.add("EncodingType", "url");
}

void add_owner(Xml& xml, std::string_view element) {
    xml.open(element).add("ID", "photogate").add("DisplayName", "photogate").close();
}

namespace {

enum class Owners { shown, left_out };

std::string text_of(const Call& call, std::string_view name) {
    const auto* value = call.address.parameter(name);
    return value != nullptr ? *value : std::string{};
}

/// The last name of a page: the next page of the older forms begins after it.
std::string last_of(const ListPage& page) {
    std::string last;
    if (!page.objects.empty()) last = page.objects.back().key.str();
    if (!page.common_prefixes.empty()) last = std::max(last, page.common_prefixes.back());
    return last;
}

void add_object(Xml& xml, const ListedObject& object, const KeyWriter& keys) {
    xml.add("Key", keys(object.key.str()));
    if (object.last_modified) xml.add("LastModified", format_rfc3339(*object.last_modified));
    xml.add("ETag", quoted(object.etag)).add("Size", object.size).add("StorageClass", "STANDARD");
}

void add_prefixes(Xml& xml, const ListPage& page, const KeyWriter& keys) {
    for (const std::string& prefix : page.common_prefixes)
        xml.open("CommonPrefixes").add("Prefix", keys(prefix)).close();
}

std::string document_v2(const Call& call, const ListPage& page, const ListOptions& options) {
    const KeyWriter keys{call.address};
    const Owners owners = text_of(call, "fetch-owner") == "true" ? Owners::shown : Owners::left_out;
    Xml xml{"ListBucketResult"};
    xml.add("Name", call.bucket().str()).add("Prefix", keys(options.prefix));
    if (!options.delimiter.empty()) xml.add("Delimiter", keys(options.delimiter));
    if (options.start_after) xml.add("StartAfter", keys(*options.start_after));
    if (options.continuation) xml.add("ContinuationToken", *options.continuation);
    if (page.next) xml.add("NextContinuationToken", *page.next);
    xml.add("KeyCount", page.objects.size() + page.common_prefixes.size()).add("MaxKeys", options.max_keys);
    xml.add("IsTruncated", page.next ? "true" : "false");
    keys.say_encoding(xml);
    for (const auto& object : page.objects) {
        xml.open("Contents");
        add_object(xml, object, keys);
        if (owners == Owners::shown) add_owner(xml, "Owner");
        xml.close();
    }
    add_prefixes(xml, page, keys);
    return xml.done();
}

std::string document_v1(const Call& call, const ListPage& page, const ListOptions& options) {
    const KeyWriter keys{call.address};
    Xml xml{"ListBucketResult"};
    xml.add("Name", call.bucket().str()).add("Prefix", keys(options.prefix));
    xml.add("Marker", keys(options.start_after.value_or("")));
    if (page.next) xml.add("NextMarker", keys(last_of(page)));
    xml.add("MaxKeys", options.max_keys);
    if (!options.delimiter.empty()) xml.add("Delimiter", keys(options.delimiter));
    xml.add("IsTruncated", page.next ? "true" : "false");
    keys.say_encoding(xml);
    for (const auto& object : page.objects) {
        xml.open("Contents");
        add_object(xml, object, keys);
        add_owner(xml, "Owner");
        xml.close();
    }
    add_prefixes(xml, page, keys);
    return xml.done();
}

std::string document_versions(const Call& call, const ListPage& page, const ListOptions& options) {
    const KeyWriter keys{call.address};
    Xml xml{"ListVersionsResult"};
    xml.add("Name", call.bucket().str()).add("Prefix", keys(options.prefix));
    xml.add("KeyMarker", keys(options.start_after.value_or(""))).add("VersionIdMarker", "");
    if (page.next) xml.add("NextKeyMarker", keys(last_of(page))).add("NextVersionIdMarker", "null");
    xml.add("MaxKeys", options.max_keys);
    if (!options.delimiter.empty()) xml.add("Delimiter", keys(options.delimiter));
    xml.add("IsTruncated", page.next ? "true" : "false");
    keys.say_encoding(xml);
    for (const auto& object : page.objects) {
        xml.open("Version").add("VersionId", "null").add("IsLatest", "true");
        add_object(xml, object, keys);
        add_owner(xml, "Owner");
        xml.close();
    }
    add_prefixes(xml, page, keys);
    return xml.done();
}

S3Result<ListOptions> read_options(const Call& call) {
    const auto most = read_count(call.address, "max-keys", 1'000);
    if (!most) return refuse(most.error());
    if (const auto* encoding = call.address.parameter("encoding-type");
        encoding && *encoding != "url" && !encoding->empty())
        return refuse(Code::InvalidArgument, "Invalid Encoding Method specified in Request");
    ListOptions options;
    options.prefix = text_of(call, "prefix");
    options.delimiter = text_of(call, "delimiter");
    options.max_keys = *most;
    const bool v2 = call.operation == Operation::list_objects_v2;
    const auto after = text_of(call, v2                                           ? "start-after"
                                     : call.operation == Operation::list_versions ? "key-marker"
                                                                                  : "marker");
    if (!after.empty()) options.start_after = after;
    if (v2 && call.address.has("continuation-token")) {
        options.continuation = text_of(call, "continuation-token");
        if (options.continuation->empty())
            return refuse(Code::InvalidArgument, "The continuation token provided is incorrect");
    }
    return options;
}

S3Result<http::Response> objects_listed(Dependencies& dependencies, const Call& call) {
    const auto options = read_options(call);
    if (!options) return refuse(options.error());
    const auto page = dependencies.store.objects().list(call.bucket(), *options);
    if (!page) return refuse(of(page.error()));
    switch (call.operation) {
        case Operation::list_objects_v2:
            return xml_response(document_v2(call, *page, *options));
        case Operation::list_versions:
            return xml_response(document_versions(call, *page, *options));
        default:
            return xml_response(document_v1(call, *page, *options));
    }
}

}  // namespace

void list_objects(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return objects_listed(dependencies, *call); });
}

void list_buckets(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies]() -> S3Result<http::Response> {
        const auto buckets = dependencies.store.buckets().list();
        if (!buckets) return refuse(of(buckets.error()));
        Xml xml{"ListAllMyBucketsResult"};
        add_owner(xml, "Owner");
        xml.open("Buckets");
        for (const auto& bucket : *buckets) {
            xml.open("Bucket").add("Name", bucket.name.str());
            xml.add("CreationDate", format_rfc3339(bucket.created)).close();
        }
        return xml_response(xml.done());
    });
}

}  // namespace photogate::gateway::s3
