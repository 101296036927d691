#include "storage/objects/s3_headers.hpp"

#include "base/ascii.hpp"

namespace photogate::storage::objects {

namespace {

constexpr std::string_view kMeta = "x-amz-meta-";

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
    constexpr std::string_view kUnit = "bytes ";
    if (!text.starts_with(kUnit)) return std::nullopt;
    text.remove_prefix(kUnit.size());
    const auto dash = text.find('-');
    const auto slash = text.find('/');
    if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash)
        return std::nullopt;
    const auto first = ascii::parse_whole<std::uint64_t>(text.substr(0, dash));
    const auto last = ascii::parse_whole<std::uint64_t>(text.substr(dash + 1, slash - dash - 1));
    const auto total = ascii::parse_whole<std::uint64_t>(text.substr(slash + 1));
    if (!first || !last || !total || *first > *last || *last >= *total) return std::nullopt;
    return ContentRange{*first, *last, *total};
}

std::optional<std::uint64_t> content_length(const http::Response& response) {
    const std::string* length = response.header("content-length");
    return length != nullptr ? ascii::parse_whole<std::uint64_t>(*length) : std::nullopt;
}

Result<ObjectInfo> object_of(const http::Response& response) {
    const auto malformed = [](const char* why) {
        return fail(ErrorCode::store_protocol, std::string{"the store's answer: "} + why);
    };
    ObjectInfo info;
    const std::string* etag = response.header("etag");
    if (etag == nullptr) return malformed("no ETag");
    auto parsed = parse_etag(*etag);
    if (!parsed) return malformed("an invalid ETag");
    info.etag = std::move(*parsed);

    if (const std::string* range = response.header("content-range")) {
        const auto part = parse_content_range(*range);
        if (!part) return malformed("an invalid Content-Range");
        info.size = part->total;
    } else if (response.header("content-length") != nullptr) {
        const auto length = content_length(response);
        if (!length) return malformed("an invalid Content-Length");
        info.size = *length;
    }
    if (const std::string* version = response.header("x-amz-version-id");
        version != nullptr && *version != "null" && !version->empty()) {
        info.version = VersionId::trusted(*version);
    }
    if (const std::string* modified = response.header("last-modified"))
        info.last_modified = parse_http_date(*modified);
    if (const std::string* type = response.header("content-type")) info.content_type = *type;
    // A multipart object's checksum is of its parts' checksums (`…-2`): it does not verify the whole object.
    if (const std::string* sum = response.header("x-amz-checksum-sha256")) {
        const auto bytes = from_base64(*sum);
        if (bytes && bytes->size() == 32) info.sha256 = *sum;
    }
    for (const http::HeaderField& field : response.headers) {
        std::string name = ascii::to_lower(field.name);
        if (name.starts_with(kMeta)) info.metadata.insert_or_assign(name.substr(kMeta.size()), field.value);
    }
    return info;
}

std::vector<signer::HeaderField> headers_of(const PutOptions& options) {
    std::vector<signer::HeaderField> headers{{"content-type", options.content_type}};
    if (options.cache_control) headers.push_back({"cache-control", *options.cache_control});
    if (options.content_disposition) headers.push_back({"content-disposition", *options.content_disposition});
    for (const auto& [name, value] : options.metadata)
        headers.push_back({std::string{kMeta} + ascii::to_lower(name), value});
    return headers;
}

std::string quoted(const ETag& etag) {
    return '"' + etag.str() + '"';
}

Result<std::string> checksum_of(const std::string& sha256_hex) {
    const auto bytes = from_hex(sha256_hex);
    if (!bytes || bytes->size() != 32)
        return fail(ErrorCode::invalid_checksum, "a SHA-256 must be 64 hexadecimal digits");
    return base64(*bytes);
}

}  // namespace photogate::storage::objects
