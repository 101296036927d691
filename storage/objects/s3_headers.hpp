// An object's headers, parsed and written. Private to storage/objects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "signer/message.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::storage::objects {

/// ETag, version, time, type, checksum and metadata; `size` is Content-Length, or the total of a
/// Content-Range. Errors: store_protocol if the ETag is missing or invalid, or a length is malformed.
Result<ObjectInfo> object_of(const http::Response& response);

struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t total = 0;
};
/// `bytes 0-99/1234`; nullopt for anything else.
std::optional<ContentRange> parse_content_range(std::string_view text);
std::optional<std::uint64_t> content_length(const http::Response& response);

/// Content-Type, Cache-Control, Content-Disposition, x-amz-meta-*.
std::vector<signer::HeaderField> headers_of(const PutOptions& options);

std::string quoted(const ETag& etag);
/// Converts lower-case hex to the base64 of checksum headers. Errors: invalid_checksum.
Result<std::string> checksum_of(const std::string& sha256_hex);

}  // namespace photogate::storage::objects
