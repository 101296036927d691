// The bucket, key and query of a request: parsed once from the target as sent, by the same rule as the
// signature. Nothing is normalised: `a//b`, `./a` and `a\b` are ordinary keys.
//
// Thread safety: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/words.hpp"
#include "gateway/s3/error.hpp"
#include "signer/message.hpp"

namespace photogate::gateway::s3 {

struct Address {
    std::optional<Bucket> bucket;
    std::optional<ObjectKey> key;
    std::vector<signer::Parameter> query;  ///< decoded, in order

    const std::string* parameter(std::string_view name) const;
    bool has(std::string_view name) const { return parameter(name) != nullptr; }
};

/// `host` is the Host header, `domains` those for virtual-host style (`b.s3.example.org`), lower case and
/// without port. Refusals: InvalidURI (a broken escape, NUL, text that is not UTF-8), InvalidBucketName,
/// KeyTooLongError.
S3Result<Address> read_address(std::string_view target, std::string_view host,
                               const std::vector<std::string>& domains);

/// A key in a form: 1 to 1,024 bytes of UTF-8 without NUL.
S3Result<ObjectKey> read_key(std::string_view text);

}  // namespace photogate::gateway::s3
