// Requests of both store probes: under a presigned URL, on keys of their own. Private to storage/objects.
//
// Thread safety: pure functions over parts that are thread safe.
#pragma once

#include <string>
#include <vector>

#include "signer/signer.hpp"
#include "storage/objects/s3_client.hpp"

namespace photogate::storage::objects {

/// Longer responses are truncated.
inline constexpr std::size_t kLongestProbeAnswer = 64U << 10;

std::string random_probe_name(Random& random);

struct ProbeRequest {
    signer::PresignRequest presign;
    std::vector<http::HeaderField> headers;  ///< all that is sent, signed or not
    std::string body;
};
/// Sends a request with a URL presigned by `signer`, as a client does.
Result<http::Response> send_presigned(const signer::Signer& signer, ProbeRequest request,
                                      storage::http::HttpClient& http);

}  // namespace photogate::storage::objects
