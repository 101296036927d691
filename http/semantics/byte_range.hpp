// One range of bytes of a representation (RFC 9110 14.1.2 and 14.2).
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

namespace photogate::http::semantics {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  ///< inclusive
    bool operator==(const ByteRange&) const = default;
};

/// The field is ignored: several ranges, another unit, or a text that is no range. 14.2 permits that.
struct WholeRepresentation {};
/// The range lies wholly behind the end: 416.
struct Unsatisfiable {};
using RangeAsked = std::variant<WholeRepresentation, Unsatisfiable, ByteRange>;

/// `text` is Range's value, `size` the representation's in bytes. A number that does not fit lies far behind the end.
RangeAsked read_byte_range(std::string_view text, std::uint64_t size);

}  // namespace photogate::http::semantics
