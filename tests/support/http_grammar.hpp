// RFC 9112's messages, checked against its grammar: written from the ABNF, sharing nothing with the server's
// parsers nor with Beast. Whatever these accept must match, and mean what is read here.
//
// Thread safety: pure functions; the results point into their argument.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace photogate::test::grammar {

struct Head {
    std::string_view method, target;
    bool is_http_1_1 = false;
    std::vector<std::pair<std::string_view, std::string_view>> fields;
};

/// How the body's end is known; none where the head leaves more than one reading.
struct BodyEnd {
    bool chunked = false;
    std::uint64_t length = 0;
};

// The characters of RFC 9110 5.5, 5.6.2 and 5.6.4, and of RFC 5234 B.1.
inline bool is_digit(unsigned char c) {
    return c >= '0' && c <= '9';
}
inline bool is_hex_digit(unsigned char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
inline bool is_visible(unsigned char c) {
    return c > 0x20 && c < 0x7f;
}
inline bool is_token_char(unsigned char c) {
    return is_visible(c) &&
           std::string_view{"\"(),/:;<=>?@[\\]{}"}.find(static_cast<char>(c)) == std::string_view::npos;
}
/// Visible, of obs-text, space or tab: what a field's value and a quoted pair are made of.
inline bool is_text_char(unsigned char c) {
    return c == '\t' || c == ' ' || is_visible(c) || c >= 0x80;
}
inline bool is_target_char(unsigned char c) {
    return is_visible(c) || c >= 0x80;  // a target's own grammar is target_test's matter
}
inline bool is_blank(unsigned char c) {
    return c == ' ' || c == '\t';
}

/// Reads a text from its front.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : left_(text) {}
    bool at_end() const { return left_.empty(); }
    bool literal(std::string_view text) {
        if (!left_.starts_with(text)) return false;
        left_.remove_prefix(text.size());
        return true;
    }
    /// The longest run of such characters.
    template <class Is>
    std::string_view run(Is is) {
        const auto end = std::find_if_not(left_.begin(), left_.end(), is);
        return take(static_cast<std::size_t>(end - left_.begin()));
    }
    std::string_view take(std::size_t size) {
        const auto taken = left_.substr(0, size);
        left_.remove_prefix(taken.size());
        return taken;
    }

  private:
    std::string_view left_;
};

/// field-line CRLF (5.0)
inline std::optional<std::pair<std::string_view, std::string_view>> match_field(Scanner& scanner) {
    const auto name = scanner.run(is_token_char);
    if (name.empty() || !scanner.literal(":")) return std::nullopt;
    auto value = scanner.run(is_text_char);
    while (!value.empty() && is_blank(static_cast<unsigned char>(value.front())))
        value.remove_prefix(1);
    while (!value.empty() && is_blank(static_cast<unsigned char>(value.back())))
        value.remove_suffix(1);
    if (!scanner.literal("\r\n")) return std::nullopt;
    return std::pair{name, value};
}

/// start-line CRLF *( field-line CRLF ) CRLF, and nothing behind it (2.1, 3).
inline std::optional<Head> match_head(std::string_view bytes) {
    Scanner scanner{bytes};
    Head head;
    head.method = scanner.run(is_token_char);
    if (head.method.empty() || !scanner.literal(" ")) return std::nullopt;
    head.target = scanner.run(is_target_char);
    if (head.target.empty() || !scanner.literal(" HTTP/1.")) return std::nullopt;
    head.is_http_1_1 = scanner.literal("1");
    if (!head.is_http_1_1 && !scanner.literal("0")) return std::nullopt;
    if (!scanner.literal("\r\n")) return std::nullopt;
    while (!scanner.literal("\r\n")) {
        const auto field = match_field(scanner);
        if (!field) return std::nullopt;
        head.fields.push_back(*field);
    }
    if (!scanner.at_end()) return std::nullopt;
    return head;
}

inline bool is_name(std::string_view name, std::string_view lower) {
    return std::equal(name.begin(), name.end(), lower.begin(), lower.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

/// 6.1 to 6.3, where exactly one reading is left.
inline std::optional<BodyEnd> body_end(const Head& head) {
    BodyEnd end;
    std::size_t seen = 0;
    for (const auto& [name, value] : head.fields) {
        if (is_name(name, "transfer-encoding")) {
            if (value != "chunked" || !head.is_http_1_1) return std::nullopt;
            end.chunked = true;
        } else if (is_name(name, "content-length")) {
            if (value.empty() || value.size() > 19 || !std::all_of(value.begin(), value.end(), is_digit))
                return std::nullopt;
            for (const char c : value)
                end.length = end.length * 10 + static_cast<std::uint64_t>(c - '0');
        } else {
            continue;
        }
        if (++seen > 1) return std::nullopt;
    }
    return end;
}

/// *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ) (7.1.1)
inline bool match_extensions(Scanner& scanner) {
    for (;;) {
        const bool blank = !scanner.run(is_blank).empty();
        if (!scanner.literal(";")) return !blank;
        scanner.run(is_blank);
        if (scanner.run(is_token_char).empty()) return false;
        Scanner behind = scanner;
        behind.run(is_blank);
        if (!behind.literal("=")) continue;
        behind.run(is_blank);
        scanner = behind;
        if (!scanner.literal("\"")) {
            if (scanner.run(is_token_char).empty()) return false;
            continue;
        }
        while (!scanner.literal("\"")) {
            scanner.literal("\\");
            const auto c = scanner.take(1);
            if (c.empty() || !is_text_char(static_cast<unsigned char>(c.front()))) return false;
        }
    }
}

/// chunked-body (7.1), and nothing behind it: the decoded bytes.
inline std::optional<std::string> match_chunked(std::string_view bytes) {
    Scanner scanner{bytes};
    std::string body;
    for (;;) {
        const auto digits = scanner.run(is_hex_digit);
        if (digits.empty() || !match_extensions(scanner) || !scanner.literal("\r\n")) return std::nullopt;
        std::size_t size = 0;
        for (const char c : digits) {
            size = size * 16 + static_cast<std::size_t>(
                                   is_digit(static_cast<unsigned char>(c)) ? c - '0' : (c | 0x20) - 'a' + 10);
            if (size > bytes.size()) return std::nullopt;
        }
        if (size == 0) break;
        const auto data = scanner.take(size);
        if (data.size() != size || !scanner.literal("\r\n")) return std::nullopt;
        body += data;
    }
    while (!scanner.literal("\r\n")) {
        if (!match_field(scanner)) return std::nullopt;
    }
    if (!scanner.at_end()) return std::nullopt;
    return body;
}

}  // namespace photogate::test::grammar
