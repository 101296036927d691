// ListObjects in its three forms, and ListBuckets.
#include "gateway/s3/listing.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "gateway/s3/description.hpp"
#include "gateway/s3/offered.hpp"
#include "gateway/s3/operations.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::StoredPage;
using storage::objects::ListedObject;
using storage::objects::ListOptions;

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
    xml.open(element).add("ID", kOwner).add("DisplayName", kOwner).close();
}

namespace {

enum class Owners { shown, left_out };

std::string text_of(const Call& call, std::string_view name) {
    const auto* value = call.address.parameter(name);
    return value != nullptr ? *value : std::string{};
}

/// The last name of a page: the next page of the older forms begins after it.
std::string last_of(const StoredPage& page) {
    std::string last;
    if (!page.objects.empty()) last = page.objects.back().key.str();
    if (!page.common_prefixes.empty()) last = std::max(last, page.common_prefixes.back());
    return last;
}

void add_object(Xml& xml, const StoredPage& page, std::size_t at, const KeyWriter& keys) {
    const ListedObject& object = page.objects[at];
    xml.add("Key", keys(object.key.str()));
    if (object.last_modified) xml.add("LastModified", format_rfc3339(*object.last_modified));
    xml.add("ETag", quoted(object.etag)).add("Size", object.size);
    xml.add("StorageClass", to_string(page.storage_classes[at]));
}

void add_prefixes(Xml& xml, const StoredPage& page, const KeyWriter& keys) {
    for (const std::string& prefix : page.common_prefixes)
        xml.open("CommonPrefixes").add("Prefix", keys(prefix)).close();
}

std::string document_v2(const Call& call, const StoredPage& page, const ListOptions& options) {
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
    for (std::size_t i = 0; i < page.objects.size(); ++i) {
        xml.open("Contents");
        add_object(xml, page, i, keys);
        if (owners == Owners::shown) add_owner(xml, "Owner");
        xml.close();
    }
    add_prefixes(xml, page, keys);
    return xml.done();
}

std::string document_v1(const Call& call, const StoredPage& page, const ListOptions& options) {
    const KeyWriter keys{call.address};
    Xml xml{"ListBucketResult"};
    xml.add("Name", call.bucket().str()).add("Prefix", keys(options.prefix));
    xml.add("Marker", keys(options.start_after.value_or("")));
    if (page.next) xml.add("NextMarker", keys(last_of(page)));
    xml.add("MaxKeys", options.max_keys);
    if (!options.delimiter.empty()) xml.add("Delimiter", keys(options.delimiter));
    xml.add("IsTruncated", page.next ? "true" : "false");
    keys.say_encoding(xml);
    for (std::size_t i = 0; i < page.objects.size(); ++i) {
        xml.open("Contents");
        add_object(xml, page, i, keys);
        add_owner(xml, "Owner");
        xml.close();
    }
    add_prefixes(xml, page, keys);
    return xml.done();
}

std::string document_versions(const Call& call, const StoredPage& page, const ListOptions& options) {
    const KeyWriter keys{call.address};
    Xml xml{"ListVersionsResult"};
    xml.add("Name", call.bucket().str()).add("Prefix", keys(options.prefix));
    xml.add("KeyMarker", keys(options.start_after.value_or(""))).add("VersionIdMarker", "");
    if (page.next) xml.add("NextKeyMarker", keys(last_of(page))).add("NextVersionIdMarker", "null");
    xml.add("MaxKeys", options.max_keys);
    if (!options.delimiter.empty()) xml.add("Delimiter", keys(options.delimiter));
    xml.add("IsTruncated", page.next ? "true" : "false");
    keys.say_encoding(xml);
    for (std::size_t i = 0; i < page.objects.size(); ++i) {
        xml.open("Version").add("VersionId", "null").add("IsLatest", "true");
        add_object(xml, page, i, keys);
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

struct BucketPage {
    std::vector<storage::builtin::BucketInfo> buckets;
    std::optional<std::string> next;  ///< continuation token
};

/// `max-buckets`, `prefix`, `continuation-token` and `bucket-region` of ListBuckets.
S3Result<BucketPage> page_of(const Dependencies& dependencies, const Address& address,
                             std::vector<storage::builtin::BucketInfo> all) {
    const auto most = read_count(address, "max-buckets", 10'000);
    if (!most) return refuse(most.error());
    if (*most == 0)
        return refuse(Code::InvalidArgument, "Argument max-buckets must be an integer between 1 and 10000");
    const auto text = [&](std::string_view name) {
        const auto* value = address.parameter(name);
        return value != nullptr ? std::string_view{*value} : std::string_view{};
    };
    std::string after;
    if (const auto token = text("continuation-token"); !token.empty()) {
        const auto bytes = from_base64(token);
        if (!bytes) return refuse(Code::InvalidArgument, "The continuation token provided is incorrect");
        after = as_text(*bytes);
    }
    BucketPage page;
    const auto region = text("bucket-region");
    if (!region.empty() && region != dependencies.options.region.str()) return page;
    for (auto& bucket : all) {
        if (bucket.name.str() <= after || !bucket.name.str().starts_with(text("prefix"))) continue;
        if (page.buckets.size() == *most) {
            page.next = base64(as_bytes(page.buckets.back().name.str()));
            break;
        }
        page.buckets.push_back(std::move(bucket));
    }
    return page;
}

S3Result<http::Response> buckets_listed(Dependencies& dependencies, const Call& call) {
    auto all = dependencies.store.buckets().list();
    if (!all) return refuse(of(all.error()));
    const auto page = page_of(dependencies, call.address, std::move(*all));
    if (!page) return refuse(page.error());
    Xml xml{"ListAllMyBucketsResult"};
    add_owner(xml, "Owner");
    xml.open("Buckets");
    for (const auto& bucket : page->buckets) {
        xml.open("Bucket").add("Name", bucket.name.str());
        xml.add("CreationDate", format_rfc3339(bucket.created));
        xml.add("BucketRegion", dependencies.options.region.str()).close();
    }
    xml.close();
    if (page->next) xml.add("ContinuationToken", *page->next);
    if (const auto* prefix = call.address.parameter("prefix")) xml.add("Prefix", *prefix);
    return xml_response(xml.done());
}

}  // namespace

void list_objects(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return objects_listed(dependencies, *call); });
}

void list_buckets(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return buckets_listed(dependencies, *call); });
}

}  // namespace photogate::gateway::s3
