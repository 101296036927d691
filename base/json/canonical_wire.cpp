#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "base/json/value.hpp"

namespace photogate::json {
namespace {

using nlohmann::json;

/// nlohmann::json orders the members of an object by name.
json ordered(const Value& value) {
    if (const bool* boolean = value.boolean()) return *boolean;
    if (const auto* integer = value.integer()) return *integer;
    if (const double* number = value.number()) {
        // Below 2^53 a double is the integer that it is written as.
        constexpr double kExact = 9'007'199'254'740'992.0;
        if (std::abs(*number) < kExact && std::trunc(*number) == *number)
            return static_cast<std::int64_t>(*number);
        return *number;
    }
    if (const auto* text = value.text()) return *text;
    if (const auto* array = value.array()) {
        json out = json::array();
        for (const auto& each : *array)
            out.push_back(ordered(each));
        return out;
    }
    if (const auto* object = value.object()) {
        json out = json::object();
        for (const auto& [name, member] : *object)
            if (!member.is_null()) out[name] = ordered(member);
        return out;
    }
    return nullptr;
}

}  // namespace

std::string canonical(const Value& value) {
    return ordered(value).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace photogate::json
