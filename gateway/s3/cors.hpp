// Which origins may read the store's responses (Fetch standard). The signature identifies a caller, never a
// cookie, so `*` is safe; responses never allow credentials.
//
// Thread safety: pure.
#pragma once

#include <string>
#include <vector>

#include "gateway/http/message.hpp"

namespace photogate::gateway::s3 {

/// For every response to a request with an Origin. `origins` are exact, or `*` alone.
std::vector<http::HeaderField> cors_headers(const std::vector<std::string>& origins,
                                            const http::RequestHead& head);

/// The response to OPTIONS: every requested header name is allowed; the signature decides later.
http::Response preflight(const std::vector<std::string>& origins, const http::RequestHead& head);

}  // namespace photogate::gateway::s3
