// Rules for a request before it is signed, and the target of an address. Each rule returns an Error that
// names the field.
//
// A value that a client and a server could read differently is rejected here instead of signed. Thread
// safety: pure functions.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/ascii.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "signer/message.hpp"

namespace photogate::signer {

/// Where the request goes: `Host` as it is sent and signed, and the decoded path.
struct Target {
    std::string host;
    std::string path;
};
/// Errors: invalid_field (a key without a bucket; virtual-host style with an IP address).
Result<Target> target_of(const ObjectAddress& address);

/// 1 second to 7 days, else invalid_expiry.
Result<> check_expiry(std::chrono::seconds expires);
/// A year of four digits, else invalid_field.
Result<> check_time(Timestamp at);
/// GET, PUT, HEAD, DELETE or POST, else invalid_field.
Result<> check_method(std::string_view method);

/// Names are RFC 9110 tokens; values are UTF-8 without control characters but the tab.
Result<> check_header(const HeaderField& header);
/// Names are not empty and none of those that signing itself sets; both are UTF-8.
Result<> check_parameter(const Parameter& parameter);

/// Headers that signing itself sets: host, authorization, x-amz-date, x-amz-security-token,
/// x-amz-content-sha256.
bool is_set_by_signing(std::string_view header_name);
/// Headers that a proxy or client library may change, and that no signer covers.
bool is_left_unsigned(std::string_view header_name);

using ascii::equals_ignoring_case;
/// `text` begins with `prefix`, which is in lower case.
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
/// 64 characters of lower-case hex.
bool is_sha256_hex(std::string_view text);
/// Valid values of x-amz-content-sha256: such hex, UNSIGNED-PAYLOAD or one of the STREAMING-… words.
bool is_payload_hash(std::string_view text);
/// UTF-8, and no control character but (for header values) the tab.
bool is_clean_text(std::string_view text);

}  // namespace photogate::signer
