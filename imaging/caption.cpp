#include "imaging/caption.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "base/ascii.hpp"
#include "base/encoding.hpp"

namespace photogate::imaging {
namespace {

constexpr std::string_view kTakenAt = "taken_at";
constexpr std::size_t kLongestMoment = 32;  ///< bytes: `2024-03-10T12:34:56+02:00`

/// A piece of a text: characters that stand for themselves, or a placeholder.
struct Piece {
    enum class Kind { literal, placeholder } kind = Kind::literal;
    std::string_view source;   ///< as it stands in the text
    std::string_view literal;  ///< of a literal
    std::string_view name;     ///< of a placeholder
    std::string_view format;   ///< of a placeholder: behind the colon
};

/// Goes through a text; false where a brace has no partner.
bool each_piece(std::string_view text, const std::function<void(const Piece&)>& take) {
    while (!text.empty()) {
        const auto brace = text.find_first_of("{}");
        if (brace != 0) {
            const auto literal = text.substr(0, brace);
            take({Piece::Kind::literal, literal, literal, {}, {}});
            text.remove_prefix(literal.size());
            continue;
        }
        if (text.size() > 1 && text[1] == text[0]) {
            take({Piece::Kind::literal, text.substr(0, 2), text.substr(0, 1), {}, {}});
            text.remove_prefix(2);
            continue;
        }
        const auto end = text.find_first_of("{}", 1);
        if (text[0] == '}' || end == std::string_view::npos || text[end] == '{') return false;
        const auto inner = text.substr(1, end - 1);
        const auto colon = inner.find(':');
        const auto format = colon == std::string_view::npos ? std::string_view{} : inner.substr(colon + 1);
        take({Piece::Kind::placeholder, text.substr(0, end + 1), {}, inner.substr(0, colon), format});
        text.remove_prefix(end + 1);
    }
    return true;
}

/// Where a conversion's digits are in `2024-03-10T12:34:56`.
struct Conversion {
    char letter;
    std::size_t at;
    std::size_t digits;
};
constexpr std::array kConversions = {Conversion{'Y', 0, 4},  Conversion{'m', 5, 2},  Conversion{'d', 8, 2},
                                     Conversion{'H', 11, 2}, Conversion{'M', 14, 2}, Conversion{'S', 17, 2}};

const Conversion* conversion_of(char letter) {
    const auto* found = std::find_if(kConversions.begin(), kConversions.end(),
                                     [&](const Conversion& each) { return each.letter == letter; });
    return found == kConversions.end() ? nullptr : found;
}

bool is_sound_format(std::string_view format) {
    if (format.find('%') == std::string_view::npos) return false;
    for (auto at = format.find('%'); at != std::string_view::npos; at = format.find('%', at + 2))
        if (at + 1 >= format.size() || conversion_of(format[at + 1]) == nullptr) return false;
    return true;
}

/// Empty where the moment does not say all that the format asks for.
std::string formatted(std::string_view format, std::string_view moment) {
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') {
            out += format[i];
            continue;
        }
        const auto* conversion = ++i < format.size() ? conversion_of(format[i]) : nullptr;
        if (conversion == nullptr || moment.size() < conversion->at + conversion->digits) return {};
        const auto digits = moment.substr(conversion->at, conversion->digits);
        if (!std::all_of(digits.begin(), digits.end(), ascii::is_digit)) return {};
        out += digits;
    }
    return out;
}

bool is_space(char c) {
    return c == ' ';
}

/// One space where there are several, none at the ends.
std::string tidy(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (!is_space(c) || (!out.empty() && !is_space(out.back()))) out += c;
    if (!out.empty() && is_space(out.back())) out.pop_back();
    return out;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

std::optional<std::string> complaint_about_caption(std::string_view text) {
    if (text.empty()) return "is empty";
    if (text.size() > kLongestCaption) return "is longer than " + std::to_string(kLongestCaption) + " bytes";
    if (to_valid_utf8(text) != text) return "is not UTF-8";
    if (has_control(text)) return "has a control character; it is one line";
    std::optional<std::string> complaint;
    bool says_something = false;
    const bool paired = each_piece(text, [&](const Piece& piece) {
        if (complaint) return;
        if (piece.kind == Piece::Kind::literal) {
            says_something =
                says_something || !std::all_of(piece.literal.begin(), piece.literal.end(), is_space);
            return;
        }
        const bool is_name = piece.name == "app" || piece.name == "profile";
        if (piece.name == kTakenAt) {
            if (!is_sound_format(piece.format))
                complaint = "has " + std::string{piece.source} +
                            ", but {taken_at:…} needs a format of %Y %m %d %H %M %S, such as {taken_at:%Y}";
        } else if (!is_name || piece.source.size() != piece.name.size() + 2) {
            complaint = "has the unknown placeholder " + std::string{piece.source} +
                        "; there are {app}, {profile} and {taken_at:%Y}, and {{ is a brace";
        }
        says_something = says_something || is_name;
    });
    if (complaint) return complaint;
    if (!paired) return "has a brace without its partner; {{ is a brace";
    if (!says_something) return "is nothing but {taken_at}, which many pictures don't tell: add a word";
    return std::nullopt;
}

std::string with_names(std::string_view text, const CaptionNames& names) {
    std::string out;
    (void)each_piece(text, [&](const Piece& piece) {
        if (piece.kind == Piece::Kind::placeholder && piece.name == "app")
            out += names.app;
        else if (piece.kind == Piece::Kind::placeholder && piece.name == "profile")
            out += names.profile;
        else
            out += piece.source;
    });
    return out;
}

bool tells_when_taken(std::string_view text) {
    bool tells = false;
    (void)each_piece(text, [&](const Piece& piece) {
        tells = tells || (piece.kind == Piece::Kind::placeholder && piece.name == kTakenAt);
    });
    return tells;
}

std::optional<std::string> told_taken_at(std::string_view exif_json) {
    // In a JSON text the quotes of a value are escaped, so that this is the member and nothing else.
    constexpr std::string_view kMember = "\"taken_at\"";
    const auto at = exif_json.find(kMember);
    if (at == std::string_view::npos) return std::nullopt;
    auto rest = exif_json.substr(at + kMember.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
    const auto end = rest.find('"', 1);
    if (!rest.starts_with('"') || end == std::string_view::npos || end > kLongestMoment) return std::nullopt;
    return std::string{rest.substr(1, end - 1)};
}

std::string expand_caption(std::string_view text, const std::optional<std::string>& taken_at) {
    std::string out;
    (void)each_piece(text, [&](const Piece& piece) {
        if (piece.kind == Piece::Kind::literal)
            out += piece.literal;
        else if (piece.name == kTakenAt && taken_at)
            out += formatted(piece.format, *taken_at);
    });
    return tidy(out);
}

}  // namespace photogate::imaging
