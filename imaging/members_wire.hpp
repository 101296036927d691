// Members of a message of the worker process, each checked as it is read.
//
// Thread safety: pure functions.
#pragma once

#include <limits>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "imaging/format.hpp"

namespace photogate::imaging::members {

using nlohmann::json;

/// Thrown between the files that read messages alone, where a member is absent or not what it has to be.
struct ProtocolError {
    std::string what;
};

/// An object that is not nested too deeply.
json parse(std::string_view text);
const json& member(const json& object, const char* name);
std::string text(const json& object, const char* name, std::size_t longest);
bool flag(const json& object, const char* name);
Format format_member(const json& object, const char* name);
/// A JSON object as text of at most so many bytes, checked and passed on as it came.
std::string object_text(const json& object, const char* name, std::size_t longest);
std::string dump(const json& value);

template <class Number>
Number number(const json& object, const char* name, Number least = 0,
              Number most = std::numeric_limits<Number>::max()) {
    const json& value = member(object, name);
    if (!value.is_number_unsigned()) throw ProtocolError{std::string(name) + " is no natural number"};
    const auto found = value.get<std::uint64_t>();
    if (found < static_cast<std::uint64_t>(least) || found > static_cast<std::uint64_t>(most)) {
        throw ProtocolError{std::string(name) + " is out of range"};
    }
    return static_cast<Number>(found);
}

/// The choice that `word_of` has this member's word for.
template <class Choice, std::size_t N, class WordOf>
Choice choice(const json& object, const char* name, const Choice (&choices)[N], const WordOf& word_of) {
    const auto said = text(object, name, 16);
    for (const Choice candidate : choices) {
        if (word_of(candidate) == said) return candidate;
    }
    throw ProtocolError{std::string(name) + " is unknown"};
}
template <class Choice, std::size_t N>
Choice choice(const json& object, const char* name, const Choice (&choices)[N]) {
    return choice(object, name, choices, [](Choice each) { return to_string(each); });
}

}  // namespace photogate::imaging::members
