// Several wrong fields as one error, so that a caller learns all of them at once.
//
// Thread safety: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace photogate {

/// A single mistake becomes an error with its own code; several become `invalid_fields` with each in
/// Error::fields. Requires at least one.
Error field_errors(std::vector<FieldError> mistakes);

/// The RFC 6901 pointer of the member `name` of the object at `parent`: `/metadata/order~1id`.
std::string member_pointer(std::string_view parent, std::string_view name);

}  // namespace photogate
