#include "client/json_text.hpp"

#include <fmt/format.h>

namespace photogate::client {
namespace {

/// Walks over well-formed JSON; beyond the end it stays there.
class Walk {
  public:
    explicit Walk(std::string_view text) : text_(text) {}

    bool take(char c) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    std::string_view value() {
        skip_space();
        const auto begin = at_;
        if (at_ >= text_.size()) return {};
        if (text_[at_] == '"') {
            skip_string();
        } else if (text_[at_] == '{' || text_[at_] == '[') {
            std::size_t depth = 0;
            do {
                const char c = text_[at_];
                if (c == '"') {
                    skip_string();
                    continue;
                }
                if (c == '{' || c == '[') ++depth;
                if (c == '}' || c == ']') --depth;
                ++at_;
            } while (depth > 0 && at_ < text_.size());
        } else {
            at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
        }
        return text_.substr(begin, at_ - begin);
    }

  private:
    void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

    void skip_string() {
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
            if (text_[at_] == '\\') ++at_;
        }
        if (at_ < text_.size()) ++at_;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::string text_at(const json::Value& object, std::string_view name) {
    const auto* value = object.find(name);
    if (value == nullptr) return {};
    if (const auto* text = value->text()) return *text;
    if (const auto* integer = value->integer()) return fmt::format("{}", *integer);
    if (const auto* number = value->number()) return fmt::format("{}", *number);
    if (const auto* boolean = value->boolean()) return *boolean ? "true" : "false";
    return {};
}

std::optional<std::int64_t> integer_at(const json::Value& object, std::string_view name) {
    const auto* value = object.find(name);
    if (value == nullptr || value->integer() == nullptr) return std::nullopt;
    return *value->integer();
}

const json::Value::Array& array_at(const json::Value& object, std::string_view name) {
    static const json::Value::Array kNone;
    const auto* value = object.find(name);
    return value != nullptr && value->array() != nullptr ? *value->array() : kNone;
}

std::vector<std::string_view> elements_of(std::string_view text, std::string_view name) {
    std::vector<std::string_view> found;
    Walk members{text};
    if (!members.take('{')) return found;
    const auto quoted = fmt::format("\"{}\"", name);
    do {
        const auto key = members.value();
        if (!members.take(':')) return found;
        const auto value = members.value();
        if (key != quoted) continue;
        Walk elements{value};
        if (!elements.take('[') || elements.take(']')) return found;
        do {
            found.push_back(elements.value());
        } while (elements.take(','));
        return found;
    } while (members.take(','));
    return found;
}

}  // namespace photogate::client
