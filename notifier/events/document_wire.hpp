// A message as JSON, and its members by the places of dialect_table.hpp.
//
// For this module's *_wire.cpp alone. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace photogate::notifier::events {

/// One JSON object within the limits.
struct Document {
    nlohmann::json body;
    std::set<std::size_t> ambiguous_records;  ///< indices in `Records` of those with a member twice
};

/// Errors: bad_request, why it is not.
Result<Document> read_document(std::string_view text);

/// nullptr where there is none, or the place is empty.
const nlohmann::json* at(const nlohmann::json& message, std::string_view place);

/// What stands there as text; nullptr where it is absent, another type, longer, or can't be stored as text.
const std::string* text_at(const nlohmann::json& message, std::string_view place, std::size_t longest);

}  // namespace photogate::notifier::events
