// What a JSON text must be before anything is built from it: well-formed, shallow, small, and without a name
// twice.
//
// A pass of its own over the text that keeps no values, so a hostile body costs neither stack nor memory.
// Thread safety: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace photogate::json {

struct Bounds {
    std::size_t bytes = 1U << 20;
    std::size_t depth = 16;
    std::size_t nodes = 100'000;  ///< values, an object or an array being one itself
    /// A member of the outermost object whose array elements may each hold a name twice: such an element is
    /// reported in Findings::ambiguous_elements, and the text is not refused for it. Empty: there is none.
    std::string_view independent_elements = {};
};

struct Findings {
    /// Why the text as a whole is refused.
    std::optional<std::string> refusal;
    /// Indices of the elements of Bounds::independent_elements that hold a name twice.
    std::set<std::size_t> ambiguous_elements;
};

Findings look_over(std::string_view text, const Bounds& bounds);

/// A JSON object within the bounds, nothing before or behind it but white space.
bool is_plain_object(std::string_view text, const Bounds& bounds);

}  // namespace photogate::json
