// Which pages may call a service from a browser (the Fetch standard, 3.2, "CORS protocol").
//
// One reading for the REST API, whose one rule comes from the configuration, and for the built-in store, whose buckets
// have rules of their own in S3's form. What it does not do: answer a request that a browser has not announced; a
// caller without an origin is never refused here.
//
// Thread safety: values; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/semantics/field.hpp"

namespace photogate::http::semantics {

/// Whether a page may send cookies and HTTP authentication, and read what comes back.
enum class CorsCredentials { never, allowed };

/// What pages of some origins may do. Origins compare byte by byte, names of fields without case; a pattern may have
/// one `*`, which stands for any text.
struct CorsRule {
    std::string id;                        ///< S3's name for the rule; nothing is decided by it
    std::vector<std::string> origins;      ///< patterns: `https://app.example`, `https://*.example`, `*`
    std::vector<std::string> methods;      ///< empty: every method
    std::vector<std::string> headers;      ///< patterns of the request's fields that a page may set
    std::vector<std::string> exposed;      ///< the response's fields that a page may read
    std::optional<std::uint32_t> max_age;  ///< seconds for which a browser may remember a preflight's answer
    CorsCredentials credentials = CorsCredentials::never;
};

struct CorsRequest {
    std::optional<std::string_view> origin;  ///< Origin
    std::string_view method;                 ///< its own, or Access-Control-Request-Method
    std::string_view headers = {};           ///< Access-Control-Request-Headers
};

/// An origin as browsers send it, or `*`. Errors: as parse_endpoint().
Result<std::string> parse_origin(std::string_view text);

/// The rule's pattern that this origin matches; null: the origin may not call.
const std::string* allows_origin(const CorsRule& rule, std::string_view origin);

/// The first rule that allows the origin, the method and every requested header; null: none does, or the request has
/// no origin.
const CorsRule* find_rule(std::span<const CorsRule> rules, const CorsRequest& request);

/// For any response but a preflight's. Without rules none; otherwise at least `Vary`, so that no cache gives one
/// page's response to another.
std::vector<HeaderField> cors_fields(std::span<const CorsRule> rules, const CorsRequest& request);

/// For the response to a preflight of an origin that `rule` allows. `methods` is the list that the page is told. Of
/// fields it is told those that it asked for, or, where it asked for others or for none, the names in the rule: the
/// browser compares, and says which is missing.
std::vector<HeaderField> preflight_fields(const CorsRule& rule, const CorsRequest& request,
                                          std::string_view methods);

/// `GET, PUT`.
std::string joined(const std::vector<std::string>& names);

}  // namespace photogate::http::semantics
