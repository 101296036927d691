// Which pages may read the store's answers, as the Fetch standard has it. Who a caller is stands in the
// signature and never in a cookie, so `*` gives nothing away; answers never allow credentials.
//
// Thread safety: pure.
#pragma once

#include <string>
#include <vector>

#include "gateway/http/message.hpp"

namespace photogate::gateway::s3 {

/// On every answer to a request with an Origin. `origins` are exact, or `*` alone.
std::vector<http::HeaderField> cors_headers(const std::vector<std::string>& origins,
                                            const http::RequestHead& head);

/// The answer to OPTIONS: what was asked for is allowed, where it is a header's name; the signature decides
/// later.
http::Response preflight(const std::vector<std::string>& origins, const http::RequestHead& head);

}  // namespace photogate::gateway::s3
