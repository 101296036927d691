#include "signer/message_rules.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "http/semantics/field.hpp"
#include "signer/amz_date.hpp"
#include "signer/canonical_request.hpp"
#include "signer/signer.hpp"

namespace photogate::signer {
namespace {

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
    return std::any_of(names.begin(), names.end(),
                       [&](auto known) { return equals_ignoring_case(name, known); });
}

constexpr std::array<std::string_view, 5> kSetHeaders = {"host", "authorization", "x-amz-date",
                                                         "x-amz-security-token", "x-amz-content-sha256"};
constexpr std::array<std::string_view, 12> kUnsignedHeaders = {"user-agent",
                                                               "expect",
                                                               "connection",
                                                               "keep-alive",
                                                               "transfer-encoding",
                                                               "te",
                                                               "trailer",
                                                               "upgrade",
                                                               "proxy-connection",
                                                               "proxy-authenticate",
                                                               "proxy-authorization",
                                                               "x-amzn-trace-id"};
constexpr std::array<std::string_view, 8> kSetParameters = {
    "x-amz-algorithm",     "x-amz-credential",     "x-amz-date",      "x-amz-expires",
    "x-amz-signedheaders", "x-amz-security-token", "x-amz-signature", "x-amz-content-sha256"};

bool is_name(std::string_view host) {
    return !host.starts_with('[') && std::any_of(host.begin(), host.end(), ascii::is_lower);
}

}  // namespace

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool is_sha256_hex(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), ascii::is_lower_hex);
}

bool is_payload_hash(std::string_view text) {
    constexpr std::array<std::string_view, 4> words = {kUnsignedPayload, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                                                       "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
                                                       "STREAMING-UNSIGNED-PAYLOAD-TRAILER"};
    return is_sha256_hex(text) || std::find(words.begin(), words.end(), text) != words.end();
}

bool is_clean_text(std::string_view text) {
    return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
               return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
           });
}

bool is_set_by_signing(std::string_view header_name) {
    return is_one_of(header_name, kSetHeaders);
}
bool is_left_unsigned(std::string_view header_name) {
    return is_one_of(header_name, kUnsignedHeaders);
}

Result<Target> target_of(const ObjectAddress& address) {
    if (address.key && !address.bucket)
        return fail(ErrorCode::invalid_field, "an object's address has a bucket");
    Target target{address.endpoint.host_header(), "/"};
    if (address.bucket) {
        switch (address.style) {
            case AddressingStyle::path:
                target.path += address.bucket->str();
                if (address.key) target.path += '/';
                break;
            case AddressingStyle::virtual_host:
                if (!is_name(address.endpoint.host)) {
                    return fail(ErrorCode::invalid_field,
                                fmt::format("'{}' is an address: virtual-host style needs a host name",
                                            address.endpoint.host));
                }
                target.host = address.bucket->str() + '.' + target.host;
                break;
        }
    }
    if (address.key) target.path += address.key->str();
    return target;
}

Result<> check_expiry(std::chrono::seconds expires) {
    if (expires < std::chrono::seconds{1} || expires > kLongestExpiry) {
        return fail(ErrorCode::invalid_expiry, fmt::format("the expiry is 1 to {} seconds, not {}",
                                                           kLongestExpiry.count(), expires.count()));
    }
    return {};
}

Result<> check_time(Timestamp at) {
    if (!has_amz_date(at))
        return fail(ErrorCode::invalid_field, "the time of signing lies between the years 1970 and 9999");
    return {};
}

Result<> check_method(std::string_view method) {
    for (std::string_view known : {"GET", "PUT", "HEAD", "DELETE", "POST"}) {
        if (method == known) return {};
    }
    return fail(ErrorCode::invalid_field, "the method is GET, PUT, HEAD, DELETE or POST");
}

Result<> check_header(const HeaderField& header) {
    if (!http::semantics::is_token(header.name))
        return fail(ErrorCode::invalid_field, "a header's name is a token (RFC 9110, 5.6.2)");
    if (!is_clean_text(header.value)) {
        return fail(ErrorCode::invalid_field,
                    fmt::format("the header '{}' is UTF-8 text without control characters", header.name));
    }
    return {};
}

Result<> check_parameter(const Parameter& parameter) {
    if (parameter.name.empty()) return fail(ErrorCode::invalid_field, "a query parameter has a name");
    if (!is_utf8(parameter.name) || !is_utf8(parameter.value)) {
        return fail(ErrorCode::invalid_field, "a query parameter is UTF-8 text");
    }
    if (is_one_of(parameter.name, kSetParameters)) {
        return fail(ErrorCode::invalid_field,
                    fmt::format("the query parameter '{}' is set by signing", parameter.name));
    }
    return {};
}

}  // namespace photogate::signer
