// Internal: a member of a JSON object as text.
#pragma once

#include <string_view>

#include "base/json/value.hpp"

namespace photogate::notifier::events {

/// Empty where there is none, or where it is no text. It stands in the object.
inline std::string_view text_of(const json::Value& object, std::string_view name) {
    const auto* value = object.find(name);
    const auto* text = value ? value->text() : nullptr;
    return text ? std::string_view{*text} : std::string_view{};
}

}  // namespace photogate::notifier::events
