#include "base/json/fields.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/field_errors.hpp"

namespace photogate::json {

namespace {

constexpr std::size_t kLongestNamed = 64;
constexpr std::size_t kMostErrors = 32;

/// Untrusted text, cut to a length that can be repeated.
std::string shortened(std::string_view name) {
    if (name.size() <= kLongestNamed) return std::string{name};
    return to_valid_utf8(name.substr(0, kLongestNamed));
}

}  // namespace

Fields::Fields(const Value& object, std::string pointer) : value_(object), pointer_(std::move(pointer)) {
    if (!value_.object()) refuse({}, ErrorCode::invalid_field, "an object is expected here");
}

std::string Fields::pointer_to(std::string_view name) const {
    return name.empty() ? pointer_ : member_pointer(pointer_, shortened(name));
}

void Fields::refuse(std::string_view name, ErrorCode code, std::string detail) {
    if (errors_.size() < kMostErrors) errors_.push_back({pointer_to(name), code, std::move(detail)});
}

void Fields::take(Fields&& inner) {
    inner.collect_unknown();
    for (FieldError& error : inner.errors_) {
        if (errors_.size() < kMostErrors) errors_.push_back(std::move(error));
    }
    inner.errors_.clear();
}

const Value* Fields::ask(std::string_view name, Presence presence, ErrorCode absent) {
    asked_.emplace_back(name);
    const Value* found = value_.find(name);
    if (found && found->is_null()) found = nullptr;
    if (!found && presence == Presence::required && value_.object()) {
        refuse(name, absent, "\"" + std::string{name} + "\" is required");
    }
    return found;
}

std::optional<std::string> Fields::text(std::string_view name, const TextRule& rule) {
    const Value* found = ask(name, rule.presence, rule.absent);
    if (!found) return std::nullopt;
    const std::string* text = found->text();
    if (!text) {
        refuse(name, rule.code, "\"" + std::string{name} + "\" must be a text");
        return std::nullopt;
    }
    if (text->size() < rule.shortest || text->size() > rule.longest) {
        refuse(name, rule.code,
               "\"" + std::string{name} + "\" must have " + std::to_string(rule.shortest) + " to " +
                   std::to_string(rule.longest) + " bytes");
        return std::nullopt;
    }
    return *text;
}

std::optional<std::int64_t> Fields::integer(std::string_view name, const IntegerRule& rule) {
    const Value* found = ask(name, rule.presence, rule.absent);
    if (!found) return std::nullopt;
    const std::int64_t* number = found->integer();
    if (!number || *number < rule.least || *number > rule.most) {
        refuse(name, rule.code,
               "\"" + std::string{name} + "\" must be a whole number from " + std::to_string(rule.least) +
                   " to " + std::to_string(rule.most) + ", written in digits alone");
        return std::nullopt;
    }
    return *number;
}

std::optional<bool> Fields::flag(std::string_view name, const FieldRule& rule) {
    const Value* found = ask(name, rule.presence, rule.absent);
    if (!found) return std::nullopt;
    if (const bool* flag = found->boolean()) return *flag;
    refuse(name, rule.code, "\"" + std::string{name} + "\" must be true or false");
    return std::nullopt;
}

const Value* Fields::object(std::string_view name, const FieldRule& rule) {
    const Value* found = ask(name, rule.presence, rule.absent);
    if (!found || found->object()) return found;
    refuse(name, rule.code, "\"" + std::string{name} + "\" must be an object");
    return nullptr;
}

const Value* Fields::array(std::string_view name, const FieldRule& rule) {
    const Value* found = ask(name, rule.presence, rule.absent);
    if (!found || found->array()) return found;
    refuse(name, rule.code, "\"" + std::string{name} + "\" must be an array");
    return nullptr;
}

void Fields::collect_unknown() {
    const Value::Object* members = value_.object();
    if (!members) return;
    for (const Value::Member& member : *members) {
        if (std::find(asked_.begin(), asked_.end(), member.first) != asked_.end()) continue;
        refuse(member.first, ErrorCode::unknown_member,
               "\"" + shortened(member.first) + "\" is not known here");
    }
}

Result<> Fields::finish() {
    collect_unknown();
    if (errors_.empty()) return {};
    return fail(field_errors(std::move(errors_)));
}

Result<Value> read_object(std::string_view text, const Bounds& bounds) {
    Result<Value> value = read(text, bounds);
    if (value && !value->object()) {
        return fail(ErrorCode::unknown_member, "the body must be a JSON object");
    }
    return value;
}

}  // namespace photogate::json
