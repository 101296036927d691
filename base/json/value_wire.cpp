#include <algorithm>
#include <limits>
#include <optional>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/json/guard_wire.hpp"
#include "base/json/value.hpp"

namespace photogate::json {

namespace {

std::string at_byte(std::size_t offset) {
    return " at byte " + std::to_string(offset);
}

std::optional<unsigned> hex4(std::string_view text) {
    if (text.size() < 4) return std::nullopt;
    unsigned value = 0;
    for (const char c : text.substr(0, 4)) {
        const int digit = ascii::hex_value(c);
        if (digit < 0) return std::nullopt;
        value = value * 16 + static_cast<unsigned>(digit);
    }
    return value;
}

/// Where a text that JSON's grammar permits is not Unicode: the parser reports both faults in one way, so it
/// is asked first.
Result<> check_text(std::string_view text) {
    if (!is_utf8(text)) {
        std::string repaired = to_valid_utf8(text);
        auto differs = std::mismatch(text.begin(), text.end(), repaired.begin(), repaired.end()).first;
        return fail(ErrorCode::invalid_text,
                    "the body is not UTF-8" + at_byte(static_cast<std::size_t>(differs - text.begin())));
    }
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '\0') return fail(ErrorCode::invalid_text, "a NUL stands in the body" + at_byte(i));
        if (c == '"') in_string = !in_string;
        if (!in_string || c != '\\') continue;
        std::size_t escape = i++;
        if (i >= text.size() || text[i] != 'u') continue;
        std::optional<unsigned> unit = hex4(text.substr(i + 1));
        if (!unit) continue;
        i += 4;
        if (*unit == 0)
            return fail(ErrorCode::invalid_text, "U+0000 is not allowed in a text" + at_byte(escape));
        if (*unit < 0xd800 || *unit > 0xdfff) continue;
        std::optional<unsigned> low;
        if (*unit < 0xdc00 && text.substr(i + 1, 2) == "\\u") low = hex4(text.substr(i + 3));
        if (!low || *low < 0xdc00 || *low > 0xdfff) {
            return fail(ErrorCode::invalid_text, "a surrogate stands alone" + at_byte(escape));
        }
        i += 6;
    }
    return {};
}

/// Builds the value of what the guard lets through.
class Reader : public Guard {
  public:
    using Guard::Guard;

    bool null() { return Guard::null() && put(Value{}); }
    bool boolean(bool value) { return Guard::boolean(value) && put(Value{value}); }
    bool number_integer(std::int64_t value) { return Guard::number_integer(value) && put(Value{value}); }
    bool number_unsigned(std::uint64_t value) {
        if (!Guard::number_unsigned(value)) return false;
        if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return put(Value{static_cast<double>(value)});
        return put(Value{static_cast<std::int64_t>(value)});
    }
    bool number_float(double value, const std::string& text) {
        return Guard::number_float(value, text) && put(Value{value});
    }
    bool string(std::string& value) { return Guard::string(value) && put(Value{std::move(value)}); }
    bool start_object(std::size_t size) { return Guard::start_object(size) && open(Value{Value::Object{}}); }
    bool start_array(std::size_t size) { return Guard::start_array(size) && open(Value{Value::Array{}}); }
    bool end_object() { return Guard::end_object() && close(); }
    bool end_array() { return Guard::end_array() && close(); }
    bool key(std::string& name) {
        if (!Guard::key(name)) return false;
        open_.back().name = std::move(name);
        return true;
    }

    Value take() { return std::move(root_); }

  private:
    struct Open {
        Value value;
        std::string name;  ///< of the member that is being read
    };

    bool put(Value value) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (Value::Array* array = open_.back().value.array()) {
            array->push_back(std::move(value));
        } else {
            open_.back().value.object()->emplace_back(std::move(open_.back().name), std::move(value));
        }
        return true;
    }
    bool open(Value container) {
        open_.push_back({std::move(container), {}});
        return true;
    }
    bool close() {
        Value whole = std::move(open_.back().value);
        open_.pop_back();
        return put(std::move(whole));
    }

    std::vector<Open> open_;
    Value root_;
};

tl::unexpected<Error> refused(const Refusal& refusal, const Bounds& bounds) {
    switch (refusal.fault) {
        case Fault::too_large:
            return fail(ErrorCode::body_too_large,
                        "the JSON may have " + std::to_string(bounds.bytes) + " bytes");
        case Fault::empty:
            return fail(ErrorCode::invalid_json, "the body is empty; JSON is expected");
        case Fault::not_json:
            break;
        case Fault::too_deep:
            return fail(ErrorCode::json_too_deep,
                        "the JSON may be nested " + std::to_string(bounds.depth) + " deep");
        case Fault::too_many_values:
            return fail(ErrorCode::json_too_deep,
                        "the JSON may hold " + std::to_string(bounds.nodes) + " values");
        case Fault::duplicate_name:
            return fail(ErrorCode::duplicate_member, "a member of an object stands twice in it");
    }
    return fail(ErrorCode::invalid_json, "the body stops being JSON" + at_byte(refusal.at));
}

}  // namespace

const Value* Value::find(std::string_view name) const {
    const Object* members = object();
    if (!members) return nullptr;
    for (const Member& member : *members) {
        if (member.first == name) return &member.second;
    }
    return nullptr;
}

Result<Value> read(std::string_view text, const Bounds& bounds) {
    if (text.starts_with("\xef\xbb\xbf"))
        return fail(ErrorCode::invalid_json, "the body begins with a byte order mark; send it without");
    if (Result<> unicode = check_text(text); !unicode) return fail(std::move(unicode.error()));
    Reader reader{bounds};
    if (const auto refusal = parse(text, bounds, reader)) return refused(*refusal, bounds);
    return reader.take();
}

}  // namespace photogate::json
