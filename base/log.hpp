// Logs are events with fields: `log::info("upload.published", {{"upload", id.str()}, {"ms", 412}})`.
//
// JSON lines (one object a line, always valid whatever a field holds) or text for a terminal, to stderr.
// Every line passes a redactor: credentials in URLs, Authorization headers and webhook secrets never reach a
// log. Thread safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace photogate::log {

enum class Level { debug, info, warn, error };
enum class Format { text, json };

/// A field's value. Strings are copied: a line may be written later than it was logged.
class Value {
  public:
    Value(std::string text) : value_(std::move(text)) {}
    Value(std::string_view text) : value_(std::string{text}) {}
    Value(const char* text) : value_(std::string{text}) {}
    Value(bool flag) : value_(flag) {}
    template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Value(T number)
        : value_(static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(number)) {}
    Value(double number) : value_(number) {}
    const std::variant<std::string, std::int64_t, std::uint64_t, double, bool>& get() const { return value_; }

  private:
    std::variant<std::string, std::int64_t, std::uint64_t, double, bool> value_;
};

struct Field {
    std::string_view name;
    Value value;
};
using Fields = std::initializer_list<Field>;

/// Call before the first line; the default is text at info.
void configure(Format format, Level level);

void write(Level level, std::string_view event, Fields fields);
inline void debug(std::string_view event, Fields fields = {}) {
    write(Level::debug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) {
    write(Level::info, event, fields);
}
inline void warn(std::string_view event, Fields fields = {}) {
    write(Level::warn, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
    write(Level::error, event, fields);
}

/// The line as the sink writes it, without its end; for tests. Behind the fields the trace that the thread works for (log_context.hpp).
std::string render(Format format, Level level, std::string_view timestamp, std::string_view event,
                   Fields fields);

/// Replaces secrets with `***`: values of X-Amz-Signature, -Credential and -Security-Token, Authorization
/// headers, Bearer tokens, our keys (`pg_<app>_<secret>`) and tokens (`pgt_…`), `whsec_…` secrets, `v1,…`
/// signatures, `password=` and the passwords in `scheme://user:password@host`. PostgreSQL's own names
/// (`pg_stat_activity`) stay.
std::string redact(std::string text);

}  // namespace photogate::log
