// Inside the server: a response's head as bytes (RFC 9112 4 and 5), with the server's own fields and its safe
// defaults.
//
// Thread safety: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.hpp"

namespace photogate::gateway::http {

/// What the server knows and the route does not.
struct ResponseContext {
    std::string_view request_id;
    std::string_view date;
    const std::vector<HeaderField>& extra;  ///< of the admission
    Version version = Version::http_1_1;
    Persistence persistence = Persistence::keep_alive;
};

/// How the answer's body is framed.
enum class Coding { none, length, chunked, until_close };
struct BodyFraming {
    Coding coding = Coding::none;
    std::uint64_t length = 0;
};

/// Appends the head with its empty line. Names that are no tokens are left out, control characters in values
/// become spaces, and the fields that frame a message are the server's alone: a route can not split an
/// answer.
void append_head(std::string& out, const Response& response, const BodyFraming& framing,
                 const ResponseContext& context);

/// 1xx, 204 and 304 never have a body.
bool may_have_body(int status);

/// Of an interim answer: status and fields alone.
void append_interim_head(std::string& out, const Response& response);

}  // namespace photogate::gateway::http
