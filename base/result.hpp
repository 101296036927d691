// Errors are values between rooms: a call gives what was asked, or an Error: what is wrong, where, and what
// to do about it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/error_code.hpp"

namespace photogate {

/// One field of a request that is wrong: RFC 6901 pointer, stable code, a sentence for a person.
struct FieldError {
    std::string pointer;
    ErrorCode code = ErrorCode::invalid_field;
    std::string detail;
    bool operator==(const FieldError&) const = default;
};

struct Error {
    ErrorCode code = ErrorCode::internal;
    /// For people, safe to show to the caller: what is wrong and what to do. No secret, no other app's data.
    std::string detail;
    std::vector<FieldError> fields;
    /// When the far side said how long to wait.
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
