// The JSON of `POST /v1/uploads`, read into what the pipeline understands; and the headers around it.
//
// Thread safety: pure functions.
#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/value.hpp"
#include "base/result.hpp"
#include "gateway/http/message.hpp"
#include "pipeline/grant.hpp"

namespace photogate::gateway::routes {

/// A request as far as it could be read: a field that is wrong is absent from it and stands among the
/// mistakes.
struct ReadGrantRequest {
    pipeline::GrantRequest request;
    std::vector<FieldError> mistakes;
};
/// Errors: why it is no JSON object. Fields that are unknown or of the wrong type are mistakes, not errors,
/// so that what the profile refuses can be told with them.
Result<ReadGrantRequest> read_grant_request(std::string_view body);
/// The same of a JSON value that was read already, an item of a batch; pointers are within it.
Result<ReadGrantRequest> read_grant_request(const json::Value& value);

/// `Idempotency-Key`, quoted (an RFC 8941 string) or bare; nullopt where there is none. Errors:
/// invalid_idempotency_key.
Result<std::optional<std::string>> read_idempotency_key(const http::RequestHead& head);

/// `?wait=20`: 0 to 60 seconds; 0 where absent. Errors: invalid_query.
Result<std::chrono::seconds> read_wait(const http::RequestHead& head);

/// Every query parameter is one of these, once. Errors: invalid_query, naming it.
Result<> check_query(const http::RequestHead& head, std::initializer_list<std::string_view> known);

}  // namespace photogate::gateway::routes
