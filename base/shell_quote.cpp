#include "base/shell_quote.hpp"

namespace photogate {

std::string shell_quote(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 16);
    out += '\'';
    for (;;) {
        const auto quote = text.find('\'');
        out += text.substr(0, quote);
        if (quote == std::string_view::npos) break;
        out += "'\\''";
        text.remove_prefix(quote + 1);
    }
    out += '\'';
    return out;
}

std::string shell_word(std::string_view text) {
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    const bool plain = !text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos;
    return plain ? std::string{text} : shell_quote(text);
}

}  // namespace photogate
