// The access key of AWS's documentation, and requests to vary.
#pragma once

#include <ostream>
#include <string>

#include "signer/amz_date.hpp"
#include "signer/signer.hpp"
#include "signer/verify.hpp"

namespace photogate::signer {

/// What a failed test prints.
inline void PrintTo(SignatureFault fault, std::ostream* out) {
    *out << "fault " << static_cast<int>(fault);
}

inline Credentials documented_credentials() {
    return {"AKIAIOSFODNN7EXAMPLE", Secret{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, std::nullopt};
}

inline Signer documented_signer() {
    return Signer{documented_credentials(), *parse_region("us-east-1")};
}

inline Signer signer_with_token(std::string token) {
    auto credentials = documented_credentials();
    credentials.session_token = Secret{std::move(token)};
    return Signer{std::move(credentials), *parse_region("us-east-1")};
}

inline ObjectAddress address(const std::string& endpoint, const std::string& bucket, const std::string& key,
                             AddressingStyle style = AddressingStyle::path) {
    return {*parse_endpoint(endpoint), style, *parse_bucket(bucket), *parse_object_key(key)};
}

inline ObjectAddress documented_address(const std::string& key) {
    return address("https://s3.amazonaws.com", "examplebucket", key, AddressingStyle::virtual_host);
}

inline PresignRequest put_request() {
    PresignRequest request;
    request.method = "PUT";
    request.address = address("http://127.0.0.1:9000", "incoming", "u/202611201234/upl_1/a b.jpg");
    request.headers = {{"Content-Type", "image/jpeg"}, {"Content-Length", "4711"}, {"If-None-Match", "*"}};
    request.at = *parse_amz_date("20261120T123456Z");
    return request;
}

}  // namespace photogate::signer
