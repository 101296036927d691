#include "gateway/http/target.hpp"

#include <optional>

#include "base/ascii.hpp"
#include "base/encoding.hpp"

namespace photogate::gateway::http {

namespace {

bool may_stand_in_target(unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '#';
}

enum class Plus { literal, space };

/// nullopt on a broken escape or an escaped NUL.
std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '+' && plus == Plus::space) {
            decoded += ' ';
        } else if (c != '%') {
            decoded += c;
        } else {
            if (text.size() - i < 3) return std::nullopt;
            int high = ascii::hex_value(text[i + 1]);
            int low = ascii::hex_value(text[i + 2]);
            if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
            decoded += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return decoded;
}

bool is_safe_segment(std::string_view segment) {
    if (segment == "." || segment == "..") return false;
    for (unsigned char c : segment) {
        if (c < 0x20 || c == 0x7f || c == '\\') return false;
    }
    return is_utf8(segment);
}

auto refuse(const char* detail) {
    return fail(ErrorCode::bad_target, detail);
}

/// Uppy 6 puts `/s3/…` behind an endpoint as it is, also behind one that ends with a slash: `/u/TOKEN//s3/…` is read as
/// `/u/TOKEN/s3/…`. No other path may have an empty segment.
std::string without_doubled_slash(std::string_view path) {
    std::string out{path};
    const auto token = path.starts_with("/u/") ? path.find('/', 3) : std::string_view::npos;
    if (token != std::string_view::npos && path.substr(token).starts_with("//s3/")) out.erase(token, 1);
    return out;
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
    if (text.empty() || text.front() != '/') return refuse("send the path alone, beginning with \"/\"");
    for (unsigned char c : text) {
        if (!may_stand_in_target(c)) return refuse("a character in the target must be percent-encoded");
    }
    Target target;
    std::size_t question = text.find('?');
    const auto read = without_doubled_slash(text.substr(0, question));
    const std::string_view path = read;
    if (path.find("//") != std::string_view::npos) return refuse("the path has an empty segment");
    std::string_view rest = path.substr(1);
    while (path.size() > 1) {
        std::size_t slash = rest.find('/');
        std::optional<std::string> segment = percent_decode(rest.substr(0, slash), Plus::literal);
        if (!segment) return refuse("a percent escape in the path is not valid");
        if (!is_safe_segment(*segment)) return refuse("a path segment is not allowed");
        target.path.push_back(std::move(*segment));
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash + 1);
    }
    if (question == std::string_view::npos) return target;
    rest = text.substr(question + 1);
    while (!rest.empty()) {
        std::size_t end = rest.find('&');
        std::string_view piece = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (piece.empty()) continue;
        std::size_t equals = piece.find('=');
        std::optional<std::string> name = percent_decode(piece.substr(0, equals), Plus::space);
        std::optional<std::string> value = equals == std::string_view::npos
                                               ? std::string{}
                                               : percent_decode(piece.substr(equals + 1), Plus::space);
        if (!name || !value) return refuse("a percent escape in the query is not valid");
        if (!is_utf8(*name) || !is_utf8(*value)) return refuse("the query is not UTF-8 once decoded");
        target.query.push_back({std::move(*name), std::move(*value)});
    }
    return target;
}

}  // namespace photogate::gateway::http
