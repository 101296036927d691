// Which trace something belongs to, as it travels between programs: `traceparent` and `tracestate`.
//
// What comes from outside is read strictly: whatever breaks a rule of the format is as good as absent, and never an
// error for whoever sent it.
//
// Source: W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context-1/).
// Thread safety: pure functions over values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace photogate::tracing {

struct TraceId {
    std::array<std::uint8_t, 16> bytes{};  ///< all zero: none
    auto operator<=>(const TraceId&) const = default;
};

struct SpanId {
    std::array<std::uint8_t, 8> bytes{};  ///< all zero: none
    auto operator<=>(const SpanId&) const = default;
};

/// A place in a trace: the span that whatever follows is a child of.
struct Context {
    TraceId trace;
    SpanId span;
    bool sampled = false;  ///< whether spans are recorded

    bool valid() const { return trace != TraceId{} && span != SpanId{}; }
    auto operator<=>(const Context&) const = default;
};

/// 32 lower-case hex digits.
std::string hex(const TraceId& id);
/// 16 lower-case hex digits.
std::string hex(const SpanId& id);

/// `00-` trace `-` span `-` flags. Later versions are read by what version 00 has of them; `ff`, an id of zeros, upper case, or
/// another length are nullopt.
std::optional<Context> parse_traceparent(std::string_view text);
/// Of version 00; of the flags `sampled` alone is known.
std::string format_traceparent(const Context& context);

inline constexpr std::size_t kLongestTracestate = 512;

/// Whether the text is a list of at most 32 members `key=value` within kLongestTracestate, no key twice. One that is not is to be
/// dropped whole.
bool is_tracestate(std::string_view text);

}  // namespace photogate::tracing
