#include "storage/database/sql_array.hpp"

#include <chrono>
#include <stdexcept>

#include "base/encoding.hpp"

namespace photogate::storage::database {

void SqlArray::separate() {
    if (text_.size() > 1) text_ += ',';
}

SqlArray& SqlArray::add(std::string_view text) {
    separate();
    text_ += '"';
    for (const char c : text) {
        if (c == '\0') throw std::invalid_argument("a text holds NUL, which PostgreSQL cannot keep");
        if (c == '"' || c == '\\') text_ += '\\';
        text_ += c;
    }
    text_ += '"';
    return *this;
}

SqlArray& SqlArray::add(std::int64_t number) {
    separate();
    text_ += std::to_string(number);
    return *this;
}

SqlArray& SqlArray::add_null() {
    separate();
    text_ += "NULL";
    return *this;
}

std::string sql_timestamp(Timestamp at) {
    auto text = format_rfc3339(at);
    const auto whole = std::chrono::floor<std::chrono::milliseconds>(at);
    const auto rest = std::to_string(1'000 + (at - whole).count());  // of a millisecond, behind a 1
    text.replace(text.size() - 1, 1, rest, 1, 3);
    text += 'Z';
    return text;
}

std::optional<Timestamp> parse_sql_timestamp(std::string_view text) {
    // 2026-11-20 12:34:56[.789012]+00
    if (text.size() < 22 || text[10] != ' ' || !text.ends_with("+00")) return std::nullopt;
    std::string rfc3339{text.substr(0, text.size() - 3)};
    rfc3339[10] = 'T';
    return parse_rfc3339(rfc3339 + "Z");
}

std::string storable_text(std::string_view text, std::size_t limit) {
    // Cutting first bounds the work; a character cut in half becomes U+FFFD, and the second cut takes whole
    // ones away.
    std::string valid = to_valid_utf8(text.substr(0, limit));
    for (std::size_t at = valid.find('\0'); at != std::string::npos; at = valid.find('\0', at)) {
        valid.replace(at, 1, "\xEF\xBF\xBD");
    }
    if (valid.size() > limit) {
        std::size_t end = limit;
        while (end > 0 && (static_cast<unsigned char>(valid[end]) & 0xC0U) == 0x80U)
            --end;
        valid.resize(end);
    }
    return valid;
}

}  // namespace photogate::storage::database
