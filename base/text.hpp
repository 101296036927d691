// Text functions that several protocols share.
//
// Thread safety: pure functions.
#pragma once

#include <string_view>

namespace photogate {

/// Without the optional white space (spaces and tabs) around it: OWS of RFC 9110, section 5.6.3.
constexpr std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

/// A URL's scheme, host and path, for logs: its query may contain a secret.
constexpr std::string_view without_query(std::string_view url) {
    return url.substr(0, url.find_first_of("?#"));
}

}  // namespace photogate
