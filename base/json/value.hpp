// A JSON document from a stranger, read under guard (RFC 8259, I-JSON's strictness): nothing is taken that
// two readers could understand in two ways.
//
//   400 invalid_json      not JSON, empty, a byte order mark, a comment, trailing data, a number that no
//                         double holds; the byte is named
//   400 json_too_deep     nested deeper than the limit, or more nodes than the limit
//   400 duplicate_member  a name twice in one object
//   400 invalid_text      ill-formed UTF-8, a lone surrogate, U+0000
//
// What it does not do: write JSON, or keep numbers beyond int64 exactly (they become `number`, which no
// integer getter takes).
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json/guard.hpp"
#include "base/result.hpp"

namespace photogate::json {

class Value {
  public:
    using Array = std::vector<Value>;
    using Member = std::pair<std::string, Value>;
    using Object = std::vector<Member>;  ///< in the order sent, each name once

    Value() = default;
    template <class T>
    explicit Value(T value) : value_(std::move(value)) {}

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    /// Null pointer where the value is of another kind; nothing is converted.
    const bool* boolean() const { return std::get_if<bool>(&value_); }
    const std::int64_t* integer() const { return std::get_if<std::int64_t>(&value_); }
    const double* number() const { return std::get_if<double>(&value_); }
    const std::string* text() const { return std::get_if<std::string>(&value_); }
    const Array* array() const { return std::get_if<Array>(&value_); }
    const Object* object() const { return std::get_if<Object>(&value_); }
    /// The member of an object; null where there is none, or this is no object.
    const Value* find(std::string_view name) const;

    Array* array() { return std::get_if<Array>(&value_); }
    Object* object() { return std::get_if<Object>(&value_); }

  private:
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

/// Of a request's body.
inline constexpr Bounds kRequestBounds{.bytes = 1U << 20, .depth = 16, .nodes = 1'000};

Result<Value> read(std::string_view text, const Bounds& bounds = kRequestBounds);

/// One text for all that mean the same: members in the order of their names, without those that are null, no
/// white space, one way to write each text and number. For comparing, not for sending.
std::string canonical(const Value& value);

}  // namespace photogate::json
