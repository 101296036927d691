// Maps an S3 store's error responses to Errors. Private to storage/objects.
//
// Sources: AWS "Error responses"; MinIO's own codes (XMinio…) as seen on the wire. An unknown code falls back
// on its status.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::storage::objects {

/// Whether the call named an object: a HEAD's 404 has no body that says what is missing.
enum class Target { object, bucket };

/// For any response that is not a success, and for a success whose body is an `<Error>`.
Error error_of(const http::Response& response, Target target, Timestamp now);

/// The code of a document's `<Error>`, translated; `status` is the fallback (0: none).
ErrorCode code_of_s3(std::string_view code, int status, Target target);

/// A store's message, sanitised: valid UTF-8, no control characters, at most 200 bytes.
std::string shown(std::string_view text);

}  // namespace photogate::storage::objects
