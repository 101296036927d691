// Removes secrets from text in one pass, without regular expressions; the result is never much longer than
// the text.
#include <algorithm>
#include <array>
#include <cstdint>

#include "base/ascii.hpp"
#include "base/log.hpp"

namespace photogate::log {
namespace {

constexpr std::string_view kStars = "***";

bool is_base64(char c) {
    return ascii::is_alphanumeric(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
}
/// The characters of a token, a credential or a percent-encoded value.
bool is_token(char c) {
    return is_base64(c) || c == '.' || c == '~' || c == '%';
}
bool is_url_token(char c) {
    return ascii::is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '~';
}
bool is_space_or_quote(char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\'';
}

/// `word` is in lower case.
bool stands_at(std::string_view text, std::size_t at, std::string_view word) {
    if (text.size() - at < word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (ascii::to_lower(text[at + i]) != word[i]) return false;
    }
    return true;
}

template <class Belongs>
std::size_t end_of(std::string_view text, std::size_t at, Belongs belongs) {
    while (at < text.size() && belongs(text[at]))
        ++at;
    return at;
}

bool is_blank(char c) {
    return c == ' ';
}
std::size_t end_of_line(std::string_view text, std::size_t at) {
    return std::min(text.find('\n', at), text.size());
}

/// The part of the text to remove; empty if there is none.
struct Hidden {
    std::size_t begin = 0, end = 0;
    bool empty() const { return begin >= end; }
};

/// A value after its name and `=`: quoted up to its closing quote, otherwise as long as it has a token's
/// characters.
Hidden value_at(std::string_view text, std::size_t at) {
    if (at < text.size() && (text[at] == '\'' || text[at] == '"')) {
        const char quote = text[at];
        std::size_t end = at + 1;
        while (end < text.size() && text[end] != quote)
            end += text[end] == '\\' ? 2 : 1;
        return {at + 1, std::min(end, text.size())};
    }
    return {at, end_of(text, at, is_token)};
}

struct NamedSecret {
    std::string_view name;
    bool also_as_header;  // `name: value` and `"name": "value"`; for common words that would hide plain prose
};
constexpr std::array<NamedSecret, 9> kNamed = {{{"x-amz-signature", true},
                                                {"x-amz-credential", true},
                                                {"x-amz-security-token", true},
                                                {"authorization", true},
                                                {"signature", false},
                                                {"credential", false},
                                                {"password", false},
                                                {"secret", false},
                                                {"sig", false}}};

Hidden named(std::string_view text, std::size_t at) {
    for (const auto& each : kNamed) {
        if (!stands_at(text, at, each.name)) continue;
        auto next = at + each.name.size();
        if (stands_at(text, next, "%3d")) return value_at(text, next + 3);
        // libpq accepts spaces around the sign.
        if (const auto sign = end_of(text, next, is_blank); sign < text.size() && text[sign] == '=') {
            const auto value = end_of(text, sign + 1, is_blank);
            return each.name == "authorization" ? Hidden{value, end_of_line(text, value)}
                                                : value_at(text, value);
        }
        if (!each.also_as_header) continue;
        if (next < text.size() && text[next] == '"') ++next;
        if (next >= text.size() || text[next] != ':') continue;
        next = end_of(text, next + 1, is_blank);
        // A header's value is removed up to the end of its line, since its scheme may be any.
        if (each.name == "authorization") return {next, end_of_line(text, next)};
        return value_at(text, next);
    }
    return {};
}

/// `pg_<app>_<secret>`: PostgreSQL's own names (`pg_stat_activity`) consist of words; a secret is long and
/// not all lower-case letters.
Hidden api_key(std::string_view text, std::size_t at) {
    constexpr std::size_t kLongestApp = 32, kShortestSecret = 20;
    if (!stands_at(text, at, "pg_")) return {};
    const auto app = end_of(text, at + 3, [](char c) { return ascii::is_alphanumeric(c) || c == '-'; });
    if (app == at + 3 || app - at - 3 > kLongestApp || app >= text.size() || text[app] != '_') return {};
    const auto end =
        end_of(text, app + 1, [](char c) { return ascii::is_alphanumeric(c) || c == '-' || c == '_'; });
    const auto secret = text.substr(app + 1, end - app - 1);
    const bool random =
        std::any_of(secret.begin(), secret.end(), [](char c) { return c < 'a' && c != '_' && c != '-'; });
    return secret.size() >= kShortestSecret && random ? Hidden{app + 1, end} : Hidden{};
}

/// The end of `word` at `at`, whose characters may be percent-encoded (`%70gt_`); npos where it is not there.
std::size_t end_of_encoded(std::string_view text, std::size_t at, std::string_view word) {
    for (char expected : word) {
        if (at >= text.size()) return std::string_view::npos;
        if (text[at] == '%' && at + 2 < text.size()) {
            const int high = ascii::hex_value(text[at + 1]), low = ascii::hex_value(text[at + 2]);
            if (high < 0 || low < 0 || ascii::to_lower(static_cast<char>(high * 16 + low)) != expected)
                return std::string_view::npos;
            at += 3;
        } else if (ascii::to_lower(text[at++]) != expected) {
            return std::string_view::npos;
        }
    }
    return at;
}

/// A client token in a path, as `pgt_…` in any spelling that a server decodes to it.
Hidden client_token(std::string_view text, std::size_t at) {
    constexpr std::size_t kShortest = 8;
    const auto begin = end_of_encoded(text, at, "pgt_");
    if (begin == std::string_view::npos) return {};
    const auto end = end_of(text, begin, [](char c) { return is_url_token(c) || c == '%'; });
    return end - begin >= kShortest ? Hidden{begin, end} : Hidden{};
}

Hidden with_prefix(std::string_view text, std::size_t at) {
    struct Prefix {
        std::string_view word;
        std::size_t shortest;
        bool (*belongs)(char);
    };
    static constexpr std::array<Prefix, 3> prefixes = {
        {{"bearer ", 1, is_token}, {"whsec_", 1, is_base64}, {"v1,", 40, is_base64}}};
    for (const auto& prefix : prefixes) {
        if (!stands_at(text, at, prefix.word)) continue;
        const auto begin = at + prefix.word.size();
        const auto end = end_of(text, begin, prefix.belongs);
        if (end - begin >= prefix.shortest) return {begin, end};
    }
    return {};
}

/// The password of `scheme://user:password@host`; `at` is after the `://`.
Hidden url_password(std::string_view text, std::size_t at) {
    // Passwords in database URLs contain whatever an operator typed, including `/` and `@`.
    const auto scheme = text.substr(0, at - 3);
    const bool database = scheme.ends_with("postgres") || scheme.ends_with("postgresql");
    std::size_t end = at;
    while (end < text.size() && !is_space_or_quote(text[end]) &&
           (database || (text[end] != '/' && text[end] != '?')))
        ++end;
    const auto authority = text.substr(at, end - at);
    const auto sign = authority.rfind('@'), colon = authority.find(':');
    if (sign == std::string_view::npos || colon == std::string_view::npos || colon > sign) return {};
    return {at + colon + 1, at + sign};
}

/// The digits of a percent escape are no letters of the word that begins after it (`%2Fpgt_…`).
bool is_escape_before(std::string_view text, std::size_t at) {
    return at >= 3 && text[at - 3] == '%' && ascii::hex_value(text[at - 2]) >= 0 &&
           ascii::hex_value(text[at - 1]) >= 0;
}

Hidden hidden_at(std::string_view text, std::size_t at) {
    if (at >= 3 && stands_at(text, at - 3, "://")) {
        if (const auto found = url_password(text, at); !found.empty()) return found;
    }
    // Names and prefixes begin a word: `mypg_…` is not a key. `-` and `_` may precede them, as in
    // `X-My-Signature=`.
    if (at > 0 && ascii::is_alphanumeric(text[at - 1]) && !is_escape_before(text, at)) return {};
    if (const auto found = named(text, at); !found.empty()) return found;
    if (const auto found = api_key(text, at); !found.empty()) return found;
    if (const auto found = client_token(text, at); !found.empty()) return found;
    return with_prefix(text, at);
}

}  // namespace

std::string redact(std::string text) {
    std::string out;
    std::size_t kept = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto hidden = hidden_at(text, at);
        if (hidden.empty()) continue;
        out.append(text, kept, hidden.begin - kept);
        out += kStars;
        kept = hidden.end;
        at = hidden.end - 1;
    }
    if (kept == 0) return text;
    out.append(text, kept);
    return out;
}

}  // namespace photogate::log
