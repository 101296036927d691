// How a row of the table puts a value into the configuration.
//
// Thread safety: pure functions.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "gateway/config/options.hpp"

namespace photogate::gateway::config {

template <class T, class Field>
ValidationError put(Reading<T> reading, Field& field) {
    if (!reading) return reading.error();
    if constexpr (std::is_arithmetic_v<T> && std::is_arithmetic_v<Field>) {
        field = static_cast<Field>(*reading);
    } else {
        field = std::move(*reading);
    }
    return std::nullopt;
}

inline ValidationError put_seconds(Reading<std::chrono::milliseconds> reading, std::chrono::seconds& field) {
    if (!reading) return reading.error();
    if (reading->count() % 1'000 != 0) return "must be whole seconds";
    field = std::chrono::duration_cast<std::chrono::seconds>(*reading);
    return std::nullopt;
}

/// A former word of a value is accepted and named nowhere.
enum class Standing { current, former };

template <class Value>
struct Choice {
    std::string_view word;
    Value value;
    Standing standing = Standing::current;
};

template <class Value, std::size_t N>
std::string choices_text(const std::array<Choice<Value>, N>& choices) {
    std::string all;
    for (const auto& choice : choices) {
        if (choice.standing == Standing::current) all.append(all.empty() ? "" : ", ").append(choice.word);
    }
    return all;
}

/// The field becomes the value of the word given.
template <class Value, std::size_t N, class Field>
ValidationError put_choice(const RawValue& given, const std::array<Choice<Value>, N>& choices, Field& field) {
    auto word = read_text(given);
    if (!word) return word.error();
    for (const auto& choice : choices) {
        if (choice.word == *word) {
            field = choice.value;
            return std::nullopt;
        }
    }
    return "is '" + *word + "', but must be one of " + choices_text(choices);
}

/// Each item through `parse` (a Result), or the first that is wrong.
template <class Parse, class Field>
ValidationError put_list(const RawValue& given, const Parse& parse, Field& field) {
    auto items = read_list(given);
    if (!items) return items.error();
    Field parsed;
    for (auto& item : *items) {
        auto one = parse(item);
        if (!one) return "has '" + item + "': " + one.error().detail;
        parsed.push_back(std::move(*one));
    }
    field = std::move(parsed);
    return std::nullopt;
}

/// A text through `parse` (a Result). Not for secrets: what is wrong may be repeated.
template <class Parse, class Field>
ValidationError put_parsed(const RawValue& given, const Parse& parse, Field& field) {
    auto text = read_text(given);
    if (!text) return text.error();
    auto parsed = parse(*text);
    if (!parsed) return "is not valid: " + parsed.error().detail;
    field = std::move(*parsed);
    return std::nullopt;
}

/// Whether there is a region of that name is a question for later.
inline Result<std::string> parse_region_name(std::string_view text) {
    if (!parse_app_name(text))
        return fail(ErrorCode::invalid_field, "a region is the NAME of [regions.NAME]");
    return std::string{text};
}

/// A secret text; `shape` names what is wrong without repeating it.
inline ValidationError put_secret(const RawValue& given, Secret& field) {
    auto text = read_text(given);
    if (!text) return text.error();
    if (text->empty()) return "is empty";
    field = Secret{std::move(*text)};
    return std::nullopt;
}

/// Secrets of which the first signs and all verify.
inline ValidationError put_signing_secrets(const RawValue& given, std::vector<Secret>& field) {
    constexpr std::size_t kShortest = 32;
    auto items = read_list(given);
    if (!items) return items.error();
    std::vector<Secret> secrets;
    for (auto& item : *items) {
        if (item.size() < kShortest) return "must have 32 characters or more each";
        secrets.emplace_back(std::move(item));
    }
    if (secrets.empty()) return "has no secret";
    field = std::move(secrets);
    return std::nullopt;
}

}  // namespace photogate::gateway::config
