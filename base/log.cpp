#include "base/log.hpp"

#include <atomic>
#include <memory>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/encoding.hpp"
#include "base/time.hpp"

namespace photogate::log {
namespace {

std::atomic<Format> g_format{Format::text};
std::atomic<Level> g_level{Level::info};

spdlog::logger& logger() {
    // spdlog writes and flushes; the line itself is ours, because its patterns do not escape JSON.
    static const auto instance = [] {
        auto made = std::make_shared<spdlog::logger>("photogate", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%v");
        made->set_level(spdlog::level::trace);
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    return *instance;
}

std::string_view word(Level level) {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warn: return "warn";
        case Level::error: return "error";
    }
    return "error";
}

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (char c : to_valid_utf8(text)) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

bool plain(std::string_view text) {
    if (text.empty()) return false;
    for (char c : text) {
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '"' || c == '\\' || c == '=') return false;
    }
    return true;
}

void append_value(std::string& out, const Value& value, Format format) {
    std::visit(
        [&](const auto& v) {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<T, std::string>) {
                const auto clean = redact(v);
                if (format == Format::text && plain(clean)) {
                    out += to_valid_utf8(clean);
                } else {
                    append_quoted(out, clean);
                }
            } else if constexpr (std::is_same_v<T, bool>) {
                out += v ? "true" : "false";
            } else {
                fmt::format_to(std::back_inserter(out), "{}", v);
            }
        },
        value.get());
}

bool token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
           c == '~' || c == '+' || c == '/' || c == '=' || c == '%';
}

void redact_after(std::string& text, std::string_view marker) {
    for (std::size_t at = text.find(marker); at != std::string::npos; at = text.find(marker, at)) {
        at += marker.size();
        std::size_t end = at;
        while (end < text.size() && token_character(text[end])) ++end;
        text.replace(at, end - at, "***");
        at += 3;
    }
}

}  // namespace

void configure(Format format, Level level) {
    g_format = format;
    g_level = level;
}

std::string render(Format format, Level level, std::string_view timestamp, std::string_view event, Fields fields) {
    std::string out;
    if (format == Format::json) {
        out = fmt::format(R"({{"ts":"{}","level":"{}","msg":)", timestamp, word(level));
        append_quoted(out, event);
        for (const auto& field : fields) {
            out += ',';
            append_quoted(out, field.name);
            out += ':';
            append_value(out, field.value, format);
        }
        out += '}';
    } else {
        out = fmt::format("{} {:<5} {}", timestamp, word(level), event);
        for (const auto& field : fields) {
            out += ' ';
            out += field.name;
            out += '=';
            append_value(out, field.value, format);
        }
    }
    return out;
}

void write(Level level, std::string_view event, Fields fields) {
    if (level < g_level.load(std::memory_order_relaxed)) return;
    const auto line = render(g_format.load(std::memory_order_relaxed), level, format_rfc3339(SystemClock{}.now()), event, fields);
    logger().log(spdlog::level::info, spdlog::string_view_t{line.data(), line.size()});
}

std::string redact(std::string text) {
    for (std::string_view marker : {"X-Amz-Signature=", "X-Amz-Credential=", "X-Amz-Security-Token=", "Signature=", "Bearer ",
                                    "whsec_", "v1,", "pg_", "pgt_", "password=", "sig="}) {
        if (text.find(marker) != std::string::npos) redact_after(text, marker);
    }
    // scheme://user:password@host
    for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
        const auto end = text.find_first_of("/ ?\"", at + 3);
        const auto colon = text.find(':', at + 3);
        const auto sign = text.find('@', at + 3);
        if (sign != std::string::npos && sign < end && colon != std::string::npos && colon < sign) {
            text.replace(colon + 1, sign - colon - 1, "***");
        }
    }
    return text;
}

}  // namespace photogate::log
