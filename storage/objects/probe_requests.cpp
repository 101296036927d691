#include "storage/objects/probe_requests.hpp"

#include <array>
#include <cstddef>
#include <utility>

#include "base/encoding.hpp"

namespace photogate::storage::objects {

std::string random_probe_name(Random& random) {
    std::array<std::byte, 16> bytes{};
    random.fill(bytes);
    return base32_crockford({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

Result<http::Response> send_presigned(const signer::Signer& signer, ProbeRequest request,
                                      storage::http::HttpClient& http) {
    const auto url = signer.presign(request.presign);
    if (!url) return fail(url.error());
    http::Request sent;
    sent.method = request.presign.method;
    sent.url = url->url;
    sent.headers = std::move(request.headers);
    sent.body = std::move(request.body);
    sent.max_response_body = kLongestProbeAnswer;
    sent.cut_long_body = true;
    return http.send(sent);
}

}  // namespace photogate::storage::objects
