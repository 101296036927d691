// Reads an enumerator from its word, as it stands in the database, in JSON, in configuration and in logs.
//
// An enum of the model has one table of words: the switch in its to_string(), which the compiler holds to be
// complete. Enumerators count from zero without a gap, and no word is empty.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string_view>

namespace photogate::model {

/// nullopt where no enumerator has this word. Found by ADL: to_string(Enum) of the enum's own namespace.
template <class Enum>
std::optional<Enum> parse_word(std::string_view word) {
    if (word.empty()) return std::nullopt;
    for (int i = 0;; ++i) {
        const std::string_view known = to_string(static_cast<Enum>(i));
        if (known.empty()) return std::nullopt;
        if (known == word) return static_cast<Enum>(i);
    }
}

}  // namespace photogate::model
