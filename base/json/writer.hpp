// A JSON text written front to back, with no tree in between: callbacks are composed inside a transaction.
//
// The caller opens and closes in pairs. Texts that are not UTF-8 get U+FFFD. Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace photogate::json {

/// A member's name that is written in the source: printable ASCII that needs no escape, which the compiler checks.
class Name {
  public:
    template <std::size_t N>
    consteval Name(const char (&text)[N]) : text_(text, N - 1) {
        for (const char c : text_) {
            if (c < 0x20 || c > 0x7E || c == '"' || c == '\\') throw "a name that needs an escape";
        }
    }
    std::string_view text() const { return text_; }

  private:
    std::string_view text_;
};

class Writer {
  public:
    Writer() { out_.reserve(4'096); }

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }
    void name(Name name);
    /// A name that comes from elsewhere, of any bytes.
    void any_name(std::string_view name);
    void text(std::string_view value);
    void number(std::uint64_t value);
    void null() { raw("null"); }
    /// A JSON value that is known to be well-formed.
    void raw(std::string_view json);

    std::string take() { return std::move(out_); }

  private:
    void separate();
    void open(char bracket);
    void close(char bracket);
    void quote_any(std::string_view value);
    void quote(std::string_view utf8);

    std::string out_;
    bool first_ = true;
    bool named_ = false;
};

}  // namespace photogate::json
