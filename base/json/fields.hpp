// The members of a JSON object, taken one by one with their rules; every mistake is collected and named by
// its RFC 6901 pointer.
//
//     Fields fields(body);
//     auto profile = fields.text("profile", {.presence = Presence::required, .longest = 32});
//     auto size = fields.integer("size", {.least = 1, .most = limit, .code = ErrorCode::invalid_size});
//     if (Result<> sane = fields.finish(); !sane) return fail(sane.error());
//
// A getter gives nullopt (or null) where the member is absent or wrong; wrong ones, and null, are mistakes.
// What no getter asked for is `unknown_member`. One mistake in all: its own code. Several: `invalid_fields`,
// each in `errors`.
//
// Thread safety: one request, one thread. The object outlives this.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/value.hpp"

namespace photogate::json {

enum class Presence { optional, required };

/// Not 2^63: what JavaScript can hold exactly.
inline constexpr std::int64_t kLargestInteger = (std::int64_t{1} << 53) - 1;

struct TextRule {
    Presence presence = Presence::optional;
    std::size_t shortest = 1;  ///< bytes
    std::size_t longest = 1'024;
    ErrorCode code = ErrorCode::invalid_field;
    ErrorCode absent = ErrorCode::missing_field;
};

struct IntegerRule {
    Presence presence = Presence::optional;
    std::int64_t least = 0;
    std::int64_t most = kLargestInteger;
    ErrorCode code = ErrorCode::invalid_field;
    ErrorCode absent = ErrorCode::missing_field;
};

struct FieldRule {
    Presence presence = Presence::optional;
    ErrorCode code = ErrorCode::invalid_field;
    ErrorCode absent = ErrorCode::missing_field;
};

/// A member that is null counts as absent.
class Fields {
  public:
    /// `pointer` is where the object stands in the document; empty for the whole.
    explicit Fields(const Value& object, std::string pointer = {});

    std::optional<std::string> text(std::string_view name, const TextRule& rule = {});
    /// Refuses 5.0, 1e3, "5", true and all that is out of range.
    std::optional<std::int64_t> integer(std::string_view name, const IntegerRule& rule = {});
    std::optional<bool> flag(std::string_view name, const FieldRule& rule = {});
    const Value* object(std::string_view name, const FieldRule& rule = {});
    const Value* array(std::string_view name, const FieldRule& rule = {});
    bool has(std::string_view name) const { return value_.find(name) != nullptr; }

    /// A mistake that the caller found: `name` is a member, or empty for the object itself.
    void refuse(std::string_view name, ErrorCode code, std::string detail);
    /// The mistakes of an object inside this one.
    void take(Fields&& inner);
    /// `/metadata/order_id`, escaped.
    std::string pointer_to(std::string_view name) const;

    /// Call it last, once.
    Result<> finish();

  private:
    const Value* ask(std::string_view name, Presence presence, ErrorCode absent);
    void collect_unknown();

    const Value& value_;
    std::string pointer_;
    std::vector<std::string> asked_;
    std::vector<FieldError> errors_;
};

/// One reading of a request's JSON object: 400 as read says, 422 unknown_member where it is no object.
Result<Value> read_object(std::string_view text, const Bounds& bounds = kRequestBounds);

}  // namespace photogate::json
