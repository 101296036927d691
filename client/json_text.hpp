// Answers in JSON: what is in a member, as text, and the bytes that an element had as it was sent.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/value.hpp"

namespace photogate::client {

/// A text as it is, a number or true in its own spelling; empty where there is none, or null.
std::string text_at(const json::Value& object, std::string_view name);
std::optional<std::int64_t> integer_at(const json::Value& object, std::string_view name);
/// The elements of an array; none where the member is something else.
const json::Value::Array& array_at(const json::Value& object, std::string_view name);

/// The elements of the array `name` of an outermost object, each with the very bytes it was sent as: a callback's body is
/// signed as bytes. `text` is well-formed JSON (json::read took it).
std::vector<std::string_view> elements_of(std::string_view text, std::string_view name);

}  // namespace photogate::client
