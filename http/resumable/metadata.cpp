#include "http/resumable/metadata.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace photogate::http::resumable {

std::optional<std::map<std::string, std::string>> read_metadata(std::string_view text) {
    std::map<std::string, std::string> pairs;
    if (trim(text).empty()) return pairs;
    for (bool more = true; more;) {
        const auto comma = text.find(',');
        more = comma != std::string_view::npos;
        const auto pair = trim(text.substr(0, comma));
        if (more) text.remove_prefix(comma + 1);
        const auto space = pair.find(' ');
        const auto key = pair.substr(0, space);
        const bool visible =
            !key.empty() && std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7F; });
        const auto value = space == std::string_view::npos ? std::optional<Bytes>{Bytes{}}
                                                           : from_base64(trim(pair.substr(space + 1)));
        if (!visible || !value) return std::nullopt;
        if (!pairs.emplace(std::string{key}, std::string{as_text(*value)}).second) return std::nullopt;
    }
    return pairs;
}

}  // namespace photogate::http::resumable
