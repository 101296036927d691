// Errors are values between modules: a call returns its result or an Error: what is wrong, where, and what to
// do about it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/error_code.hpp"

namespace photogate {

/// One wrong field of a request: RFC 6901 pointer, stable code, and a message for people.
struct FieldError {
    std::string pointer;
    ErrorCode code = ErrorCode::invalid_field;
    std::string detail;
    bool operator==(const FieldError&) const = default;
};

struct Error {
    ErrorCode code = ErrorCode::internal;
    /// What is wrong and what to do, safe to show: no secret, no other app's data; lower case, no period.
    std::string detail;
    std::vector<FieldError> fields;
    /// How long the peer asked to wait, if it did.
    std::optional<std::chrono::seconds> retry_after;
};

template <class T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string detail) {
    return tl::unexpected<Error>(Error{code, std::move(detail), {}, std::nullopt});
}
inline tl::unexpected<Error> fail(Error error) {
    return tl::unexpected<Error>(std::move(error));
}

}  // namespace photogate
