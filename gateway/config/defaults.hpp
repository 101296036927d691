// Defaults as a flag would write them, read from the structs that have them, so that each is stated once.
// size_text() and duration_text() are in given.hpp.
//
// Thread safety: pure functions over constants.
#pragma once

#include <string>
#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {

inline const Config& standard() {
    static const Config config;
    return config;
}
inline const model::Profile& standard_profile() {
    static const model::Profile profile;
    return profile;
}
inline const model::StoreRegion& standard_region() {
    static const model::StoreRegion region;
    return region;
}

template <class Value, std::size_t N>
std::string choice_text(const std::array<Choice<Value>, N>& choices, const Value& value) {
    for (const auto& choice : choices) {
        if (choice.value == value) return std::string{choice.word};
    }
    return {};
}

/// `jpeg, png`
template <class Value>
std::string words_text(const std::vector<Value>& values) {
    std::string all;
    for (const auto& value : values)
        all.append(all.empty() ? "" : ", ").append(to_string(value));
    return all;
}

}  // namespace photogate::gateway::config
