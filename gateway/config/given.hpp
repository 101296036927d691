// What stands in a file, a flag or a variable, and what it means: text to numbers, sizes, durations, lists.
//
// A file's values have types and are held to them; flags and variables are text, so lists are separated by
// commas there. No message repeats a value unless its reader says so: the caller may be reading a secret.
//
// Thread safety: pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

namespace photogate::gateway::config {

/// From a flag (each time it was given) or a variable (once).
struct Untyped {
    std::vector<std::string> texts;
};
/// A float, a date, a table, a list of anything but text: no option takes one. Holds its name for the
/// message.
struct Unfit {
    std::string_view what;
};
using RawValue = std::variant<Untyped, std::string, std::int64_t, bool, std::vector<std::string>, Unfit>;

/// Why a value is not one: a clause that follows the option's name, `is 0, but must be 1 to 64`.
template <class T>
using Reading = tl::expected<T, std::string>;

struct Range {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
};
struct TimeRange {
    std::chrono::milliseconds least{};
    std::chrono::milliseconds most{};
};

Reading<std::string> read_text(const RawValue& given);
Reading<std::uint64_t> read_integer(const RawValue& given, Range range);
/// Bytes: an integer, or `25MiB` (KiB, MiB, GiB of 1,024; KB, MB, GB of 1,000; B).
Reading<std::uint64_t> read_size(const RawValue& given, Range range);
/// An integer of seconds, or `500ms`, `15s`, `5m`, `2h`, `7d`.
Reading<std::chrono::milliseconds> read_duration(const RawValue& given, TimeRange range);
Reading<bool> read_boolean(const RawValue& given);
/// A file's list; or texts, separated by commas, without white space around them.
Reading<std::vector<std::string>> read_list(const RawValue& given);

/// The first text of a list, or the text; empty where it is neither.
std::string first_text(const RawValue& given);
/// All texts of a list, a line each, or the text.
std::string whole_text(const RawValue& given);

/// `25MiB`, `1500`: the largest unit of 1,024 that divides it.
std::string size_text(std::uint64_t bytes);
/// `15m`, `500ms`: the largest unit that divides it.
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace photogate::gateway::config
