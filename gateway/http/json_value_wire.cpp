#include <algorithm>
#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "gateway/http/json_value.hpp"

namespace photogate::gateway::http {

namespace {

std::string at_byte(std::size_t offset) {
    return " at byte " + std::to_string(offset) + ".";
}

std::optional<unsigned> hex4(std::string_view text) {
    if (text.size() < 4) return std::nullopt;
    unsigned value = 0;
    for (char c : text.substr(0, 4)) {
        unsigned digit = 0;
        if (c >= '0' && c <= '9') {
            digit = static_cast<unsigned>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = static_cast<unsigned>(c - 'a' + 10);
        } else if (c >= 'A' && c <= 'F') {
            digit = static_cast<unsigned>(c - 'A' + 10);
        } else {
            return std::nullopt;
        }
        value = value * 16 + digit;
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
                    "The body is not UTF-8" + at_byte(static_cast<std::size_t>(differs - text.begin())));
    }
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '\0') return fail(ErrorCode::invalid_text, "A NUL stands in the body" + at_byte(i));
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
            return fail(ErrorCode::invalid_text, "A surrogate stands alone" + at_byte(escape));
        }
        i += 6;
    }
    return {};
}

/// Builds the value and stops at the first thing that is over a limit or said twice.
class Guard {
  public:
    explicit Guard(const JsonLimits& limits) : limits_(limits) {}

    bool null() { return put(JsonValue{}); }
    bool boolean(bool value) { return put(JsonValue{value}); }
    bool number_integer(std::int64_t value) { return put(JsonValue{value}); }
    bool number_unsigned(std::uint64_t value) {
        if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            return put(JsonValue{static_cast<double>(value)});
        }
        return put(JsonValue{static_cast<std::int64_t>(value)});
    }
    bool number_float(double value, const std::string&) { return put(JsonValue{value}); }
    bool string(std::string& value) { return put(JsonValue{std::move(value)}); }
    bool binary(nlohmann::json::binary_t&) {
        return refuse(ErrorCode::invalid_json, "Binary values are not JSON.");
    }
    bool start_object(std::size_t) { return open(JsonValue{JsonValue::Object{}}); }
    bool start_array(std::size_t) { return open(JsonValue{JsonValue::Array{}}); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        for (const JsonValue::Member& member : *open_.back().value.object()) {
            if (member.first == name) {
                return refuse(ErrorCode::duplicate_member, "A member of an object stands twice in it.");
            }
        }
        open_.back().name = std::move(name);
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
        return refuse(ErrorCode::invalid_json, "The body stops being JSON" + at_byte(position));
    }

    Result<JsonValue> finish() {
        if (error_) return fail(std::move(*error_));
        return std::move(root_);
    }

  private:
    struct Open {
        JsonValue value;
        std::string name;  ///< of the member that is being read
    };

    bool refuse(ErrorCode code, std::string detail) {
        if (!error_) error_ = Error{code, std::move(detail), {}, std::nullopt};
        return false;
    }
    bool count() {
        if (++nodes_ <= limits_.nodes) return true;
        return refuse(ErrorCode::json_too_deep,
                      "The JSON may hold " + std::to_string(limits_.nodes) + " values.");
    }
    bool put(JsonValue value) { return count() && attach(std::move(value)); }
    bool attach(JsonValue value) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (JsonValue::Array* array = open_.back().value.array()) {
            array->push_back(std::move(value));
        } else {
            open_.back().value.object()->emplace_back(std::move(open_.back().name), std::move(value));
        }
        return true;
    }
    bool open(JsonValue container) {
        if (!count()) return false;
        if (open_.size() == limits_.depth) {
            return refuse(ErrorCode::json_too_deep,
                          "The JSON may be nested " + std::to_string(limits_.depth) + " deep.");
        }
        open_.push_back({std::move(container), {}});
        return true;
    }
    bool close() {
        JsonValue whole = std::move(open_.back().value);
        open_.pop_back();
        return attach(std::move(whole));
    }

    const JsonLimits& limits_;
    std::vector<Open> open_;
    JsonValue root_;
    std::size_t nodes_ = 0;
    std::optional<Error> error_;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
    const Object* members = object();
    if (!members) return nullptr;
    for (const Member& member : *members) {
        if (member.first == name) return &member.second;
    }
    return nullptr;
}

Result<JsonValue> read_json(std::string_view text, const JsonLimits& limits) {
    if (text.starts_with("\xef\xbb\xbf")) {
        return fail(ErrorCode::invalid_json, "The body begins with a byte order mark; send it without.");
    }
    if (text.empty()) return fail(ErrorCode::invalid_json, "The body is empty; JSON is expected.");
    if (Result<> unicode = check_text(text); !unicode) return fail(std::move(unicode.error()));
    Guard guard(limits);
    // What the guard refused is in the guard; the returned flag says no more.
    (void)nlohmann::json::sax_parse(text.begin(), text.end(), &guard);
    return guard.finish();
}

}  // namespace photogate::gateway::http
