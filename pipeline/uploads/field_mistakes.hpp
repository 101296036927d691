// What is wrong with a request's fields, from reading and from checking, as one error.
//
// Thread safety: pure.
#pragma once

#include <vector>

#include "base/result.hpp"

namespace photogate::pipeline::uploads {

/// `checking` is the checks' error, or nullptr. A field that could not be read is absent for the checks, which may
/// miss it: only its first mistake is reported. An error that is about no field is returned as it is.
Error all_mistakes(std::vector<FieldError> reading, const Error* checking);

}  // namespace photogate::pipeline::uploads
