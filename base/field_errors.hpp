// Several wrong fields as one error, so that a caller learns all of them at once.
//
// Thread safety: pure.
#pragma once

#include <vector>

#include "base/result.hpp"

namespace photogate {

/// A single mistake becomes an error with its own code; several become `invalid_fields` with each in
/// Error::fields. Requires at least one.
Error field_errors(std::vector<FieldError> mistakes);

}  // namespace photogate
