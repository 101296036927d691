// How a command went, and where it says so.
//
// Thread safety: values.
#pragma once

#include <iosfwd>
#include <optional>

#include "base/error_code.hpp"

namespace photogate::client {

enum class Format { people, json };

/// What a command writes to: results to `out`, everything else to `err`.
struct Output {
    std::ostream& out;
    std::ostream& err;
    Format format = Format::people;
};

/// Nullopt: all of it succeeded. Otherwise what failed first, and `err` has been told.
using Outcome = std::optional<ErrorCode>;

}  // namespace photogate::client
