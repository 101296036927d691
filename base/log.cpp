#include "base/log.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cmath>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "base/log_context.hpp"
#include "base/log_stats.hpp"
#include "base/time.hpp"

namespace photogate::log {
namespace {

std::atomic<Format> g_format{Format::text};
std::atomic<Level> g_level{Level::info};
std::atomic<std::uint64_t> g_dropped{0};
thread_local std::string_view t_trace_id;

/// Writes to standard error without blocking: if the reader of a pipe has stopped, uploads continue and lines
/// are dropped.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        if (cut_) line.push_back('\n');
        formatter_->format(message, line);
        const auto unwritten = write_what_goes({line.data(), line.size()});
        if (unwritten > 0) ++g_dropped;
        cut_ = unwritten > 0 && (cut_ || unwritten < line.size());
    }
    void flush_() override {}

  private:
    /// The number of bytes that were not written.
    static std::size_t write_what_goes(std::string_view rest) {
        while (!rest.empty()) {
            pollfd ready{STDERR_FILENO, POLLOUT, 0};
            const int answered = ::poll(&ready, 1, 0);
            if (answered < 0 && errno == EINTR) continue;
            if (answered != 1 || (ready.revents & POLLOUT) == 0) break;
            // A pipe that is ready takes PIPE_BUF bytes without a wait.
            const auto written =
                ::write(STDERR_FILENO, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) break;
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        return rest.size();
    }

    bool cut_ = false;  ///< the last line was written without its end
};

spdlog::logger& logger() {
    // spdlog orders the lines; photogate formats them, because spdlog's patterns do not escape JSON.
    static const auto instance = [] {
        auto made = std::make_shared<spdlog::logger>("photogate", std::make_shared<StandardError>());
        made->set_pattern("%v");
        made->set_level(spdlog::level::trace);
        return made;
    }();
    return *instance;
}

std::string_view word(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            return "error";
    }
    return "error";
}

/// U+0080 to U+009F, two bytes each: a terminal takes U+009B as the start of a command.
bool is_c1_control(std::string_view text, std::size_t at) {
    return text[at] == '\xC2' && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

void append_quoted(std::string& out, std::string_view text) {
    const auto clean = to_valid_utf8(text);
    out += '"';
    for (std::size_t i = 0; i < clean.size(); ++i) {
        const auto c = static_cast<unsigned char>(clean[i]);
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (c < 0x20 || c == 0x7F) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                } else if (is_c1_control(clean, i)) {
                    out += fmt::format("\\u{:04x}",
                                       static_cast<unsigned>(static_cast<unsigned char>(clean[++i])));
                } else {
                    out += clean[i];
                }
        }
    }
    out += '"';
}

/// True if the value needs no quotes in a line of text.
bool plain(std::string_view text) {
    if (text.empty()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '"' || c == '\\' || c == '=')
            return false;
        if (is_c1_control(text, i)) return false;
    }
    return is_utf8(text);
}

void append_text(std::string& out, std::string_view text, Format format) {
    if (format == Format::text && plain(text)) {
        out += text;
    } else {
        append_quoted(out, text);
    }
}

void append_value(std::string& out, const Value& value, Format format) {
    std::visit(
        [&](const auto& v) {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<T, std::string>) {
                append_text(out, redact(v), format);
            } else if constexpr (std::is_same_v<T, double>) {
                // JSON can't represent these.
                out += std::isfinite(v) ? fmt::format("{}", v) : fmt::format("\"{}\"", v);
            } else if constexpr (std::is_same_v<T, bool>) {
                out += v ? "true" : "false";
            } else {
                fmt::format_to(std::back_inserter(out), "{}", v);
            }
        },
        value.get());
}

std::string render_with_trace(Format format, Level level, std::string_view timestamp, std::string_view event,
                              Fields fields, std::string_view trace_id) {
    std::string out;
    if (format == Format::json) {
        out = fmt::format(R"({{"ts":"{}","level":"{}","msg":)", timestamp, word(level));
        append_quoted(out, redact(std::string{event}));
        for (const auto& field : fields) {
            out += ',';
            append_quoted(out, field.name);
            out += ':';
            append_value(out, field.value, format);
        }
        if (!trace_id.empty()) out.append(R"(,"trace_id":")").append(trace_id).append("\"");
        out += '}';
    } else {
        out = fmt::format("{} {:<5} ", timestamp, word(level));
        append_text(out, redact(std::string{event}), format);
        for (const auto& field : fields) {
            out += ' ';
            append_text(out, field.name, format);
            out += '=';
            append_value(out, field.value, format);
        }
        if (!trace_id.empty()) out.append(" trace_id=").append(trace_id);
    }
    return out;
}

}  // namespace

void configure(Format format, Level level) {
    g_format = format;
    g_level = level;
}

std::string render(Format format, Level level, std::string_view timestamp, std::string_view event,
                   Fields fields) {
    return render_with_trace(format, level, timestamp, event, fields, t_trace_id);
}

void set_trace_id(std::string_view id) noexcept {
    t_trace_id = id;
}

std::string_view trace_id() noexcept {
    return t_trace_id;
}

std::uint64_t dropped() {
    return g_dropped.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, Fields fields) {
    if (level < g_level.load(std::memory_order_relaxed)) return;
    const auto line = render(g_format.load(std::memory_order_relaxed), level,
                             format_rfc3339(SystemClock{}.now()), event, fields);
    logger().log(spdlog::level::info, spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace photogate::log
