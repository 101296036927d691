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

namespace photogate::notifier {

struct JsonBounds {
    std::size_t bytes = 1U << 20;
    std::size_t depth = 16;
    std::size_t nodes = 200'000;
};

struct JsonFindings {
    /// Why the text as a whole is refused.
    std::optional<std::string> refusal;
    /// Indices in a top-level `Records` array of the elements that hold a member twice: they mean two things
    /// at once, and the others are read all the same.
    std::set<std::size_t> ambiguous_records;
};

JsonFindings look_over_json(std::string_view text, const JsonBounds& bounds);

/// A JSON object within the bounds, nothing before or behind it but white space.
bool is_plain_json_object(std::string_view text, const JsonBounds& bounds);

}  // namespace photogate::notifier
