#include "http/resumable/structured.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/text.hpp"

namespace photogate::http::resumable {
namespace {

constexpr std::size_t kMostDigits = 15;

std::string_view bare_item(std::string_view text) {
    return trim(text.substr(0, text.find(';')));
}

}  // namespace

std::optional<bool> read_boolean(std::string_view text) {
    const auto item = bare_item(text);
    if (item == "?1") return true;
    if (item == "?0") return false;
    return std::nullopt;
}

std::optional<std::uint64_t> read_integer(std::string_view text) {
    const auto item = bare_item(text);
    if (item.size() > kMostDigits) return std::nullopt;
    return ascii::parse_whole<std::uint64_t>(item);
}

std::optional<Bytes> read_bytes_of(std::string_view dictionary, std::string_view key) {
    while (!dictionary.empty()) {
        const auto comma = std::min(dictionary.find(','), dictionary.size());
        const auto member = trim(dictionary.substr(0, comma));
        dictionary.remove_prefix(std::min(comma + 1, dictionary.size()));
        const auto equals = member.find('=');
        if (equals == std::string_view::npos || member.substr(0, equals) != key) continue;
        auto value = bare_item(member.substr(equals + 1));
        if (value.size() < 2 || value.front() != ':' || value.back() != ':') return std::nullopt;
        return from_base64(value.substr(1, value.size() - 2));
    }
    return std::nullopt;
}

}  // namespace photogate::http::resumable
