#include "base/tracing/trace_context.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace photogate::tracing {
namespace {

constexpr std::size_t kLength = 55;  ///< of version 00
constexpr std::size_t kMostMembers = 32;

bool read_hex(std::string_view text, std::span<std::uint8_t> out) {
    if (!std::all_of(text.begin(), text.end(), ascii::is_lower_hex)) return false;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] =
            static_cast<std::uint8_t>(ascii::hex_value(text[2 * i]) * 16 + ascii::hex_value(text[2 * i + 1]));
    return true;
}

bool is_lower_or_digit(char c) {
    return ascii::is_lower(c) || ascii::is_digit(c);
}

bool is_key_part(std::string_view text, std::size_t longest) {
    return !text.empty() && text.size() <= longest && is_lower_or_digit(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_lower_or_digit(c) || c == '_' || c == '-' || c == '*' || c == '/';
           });
}

/// `vendor`, or `tenant@vendor`.
bool is_key(std::string_view key) {
    const auto at = key.find('@');
    if (at == std::string_view::npos) return is_key_part(key, 256) && ascii::is_lower(key.front());
    const auto vendor = key.substr(at + 1);
    return is_key_part(key.substr(0, at), 241) && is_key_part(vendor, 14) && ascii::is_lower(vendor.front());
}

bool is_value(std::string_view value) {
    return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
           std::all_of(value.begin(), value.end(),
                       [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; });
}

}  // namespace

std::string hex(const TraceId& id) {
    return hex_lower(id.bytes);
}

std::string hex(const SpanId& id) {
    return hex_lower(id.bytes);
}

std::optional<Context> parse_traceparent(std::string_view text) {
    if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
    std::array<std::uint8_t, 1> version{}, flags{};
    Context context;
    if (!read_hex(text.substr(0, 2), version) || !read_hex(text.substr(3, 32), context.trace.bytes) ||
        !read_hex(text.substr(36, 16), context.span.bytes) || !read_hex(text.substr(53, 2), flags))
        return std::nullopt;
    if (version[0] == 0xFF || !context.valid()) return std::nullopt;
    if (text.size() > kLength && (version[0] == 0 || text[kLength] != '-')) return std::nullopt;
    context.sampled = (flags[0] & 1U) != 0;
    return context;
}

std::string format_traceparent(const Context& context) {
    return "00-" + hex(context.trace) + "-" + hex(context.span) + (context.sampled ? "-01" : "-00");
}

bool is_tracestate(std::string_view text) {
    if (text.empty() || text.size() > kLongestTracestate) return false;
    std::set<std::string_view> keys;
    std::size_t members = 0;
    while (true) {
        const auto comma = text.find(',');
        const auto member = trim(text.substr(0, comma));
        if (++members > kMostMembers) return false;
        if (!member.empty()) {  // an empty one is permitted
            const auto equals = member.find('=');
            if (equals == std::string_view::npos || !is_key(member.substr(0, equals)) ||
                !is_value(member.substr(equals + 1)) || !keys.insert(member.substr(0, equals)).second)
                return false;
        }
        if (comma == std::string_view::npos) return !keys.empty();
        text.remove_prefix(comma + 1);
    }
}

}  // namespace photogate::tracing
