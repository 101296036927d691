// The stages of SigV4, one function each, so that a test (or a person) can look at every one of them:
// canonical request → string to sign → signature.
//
//   PUT                                             method
//   /incoming/u/a%20b.jpg                           path, encoded
//   X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-…        query, encoded, sorted, without X-Amz-Signature
//   content-type:image/jpeg                         headers: lower case, trimmed, sorted, each with a newline
//   host:127.0.0.1:9000
//                                                   (an empty line)
//   content-type;host                               the names of those headers
//   UNSIGNED-PAYLOAD                                SHA-256 of the body in hex, or one of the fixed words
//
// Source: AWS "Signature Version 4: create a canonical request". It validates nothing: the caller has checked
// the input. Thread safety: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "http/semantics/field.hpp"
#include "signer/amz_date.hpp"
#include "signer/digest.hpp"

namespace photogate::signer {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
/// SHA-256 of nothing.
inline constexpr std::string_view kEmptyPayload =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// S3 uses a path unchanged; every other service first removes `.`, `..` and doubled slashes.
enum class PathRule { s3, normalised };

/// `path` is decoded and begins with `/`.
std::string canonical_path(std::string_view path, PathRule rule);

/// `encoded` is a query whose names and values are encoded already, in any order; the result is sorted by
/// name, then value, in byte order, and a name without a value gets its `=`.
void append_canonical_query(std::string& out, std::string_view encoded);

using HeaderView = http::semantics::FieldView;

struct CanonicalHeaders {
    std::string lines;  ///< `host:example.com\nrange:bytes=0-9\n`
    std::string names;  ///< `host;range`
};
/// Names in lower case, sorted; outer white space removed, inner runs reduced to one space; repeated headers
/// joined by `,` in order.
CanonicalHeaders canonical_headers(std::span<const HeaderView> headers);

/// Parts that are canonical already.
struct CanonicalParts {
    std::string_view method;
    std::string_view path;
    std::string_view query;
    std::string_view header_lines;
    std::string_view header_names;
    std::string_view payload_hash;
};
std::string canonical_request(const CanonicalParts& parts);

/// `scope` is `20261120/eu-central-1/s3/aws4_request`.
std::string string_to_sign(const AmzDate& at, std::string_view scope, std::string_view canonical_request);

/// One chunk of a body sent as STREAMING-AWS4-HMAC-SHA256-PAYLOAD (AWS "sigv4-streaming"): each is chained to
/// the previous one.
struct ChunkToSign {
    AmzDate at;
    std::string_view scope;
    std::string_view previous_signature;  ///< of the chunk before, or of the request's headers
    const Sha256& chunk;
};
std::string chunk_string_to_sign(const ChunkToSign& chunk);

}  // namespace photogate::signer
