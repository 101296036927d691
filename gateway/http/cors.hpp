// Which pages may call a group of routes from a browser (the Fetch standard's CORS protocol).
//
// Thread safety: values; pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.hpp"

namespace photogate::gateway::http {

enum class Credentials { never, allowed };

struct CorsPolicy {
    /// Exact origins (`https://app.example`), or `*` alone.
    std::vector<std::string> origins;
    Credentials credentials = Credentials::never;
    std::vector<std::string> allowed_headers{"Authorization", "Content-Type", "Idempotency-Key",
                                             "X-Request-Id", "traceparent"};

    /// `*` with credentials, `*` beside other origins and an origin with a path are refused.
    Result<> validate() const;
};

/// The fields for an actual answer; none where the request has no Origin and the policy does not depend on
/// it.
std::vector<HeaderField> cors_headers(const CorsPolicy& policy, const RequestHead& head);

/// True for OPTIONS with Origin and Access-Control-Request-Method.
bool is_preflight(const RequestHead& head);

/// The fields for a preflight's 204; `methods` is the path's Allow list.
std::vector<HeaderField> preflight_headers(const CorsPolicy& policy, const RequestHead& head,
                                           std::string_view methods);

}  // namespace photogate::gateway::http
