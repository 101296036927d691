// Several wrong fields as one error, so that a caller is told all of them at once.
//
// Thread safety: pure.
#pragma once

#include <vector>

#include "base/result.hpp"

namespace photogate {

/// One mistake speaks for itself, with its own code; several are `invalid_fields`, each in Error::fields. At
/// least one.
Error field_errors(std::vector<FieldError> mistakes);

}  // namespace photogate
