// Heads of requests, as tables.
#pragma once

#include <map>
#include <string>

#include "notifier/events/authenticator.hpp"

namespace photogate::notifier::events::testing {

using Texts = std::map<std::string, std::string, std::less<>>;

inline SenderHead head(Texts fields, Texts query = {}) {
    const auto look = [](Texts texts) {
        return [texts = std::move(texts)](std::string_view name) -> std::optional<std::string_view> {
            const auto found = texts.find(name);
            if (found == texts.end()) return std::nullopt;
            return found->second;
        };
    };
    return {look(std::move(fields)), look(std::move(query))};
}

}  // namespace photogate::notifier::events::testing
