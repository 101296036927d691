#include "gateway/routes/cursor.hpp"

#include <algorithm>
#include <charconv>

#include "base/encoding.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::routes {
namespace {

constexpr std::size_t kDefaultLimit = 50;
constexpr std::size_t kMostLimit = 200;
constexpr char kVersion = '1';  // so that a later form of cursor can be told from this one

}  // namespace

std::string make_cursor(std::string_view last_id) {
    return hex_lower(as_bytes(kVersion + std::string{last_id}));
}

Result<std::string> read_cursor(std::string_view cursor) {
    const auto bytes = from_hex(cursor);
    if (!bytes || bytes->size() < 2 || bytes->front() != static_cast<std::uint8_t>(kVersion)) {
        return fail(ErrorCode::invalid_cursor, "use 'next' of the page before, as it is");
    }
    return std::string{as_text(*bytes).substr(1)};
}

Result<std::size_t> read_limit(const http::RequestHead& head) {
    const auto text = head.query_value("limit");
    if (!text) return kDefaultLimit;
    std::size_t limit = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error == std::errc::result_out_of_range) return kMostLimit;
    if (error != std::errc{} || end != text->data() + text->size() || limit == 0) {
        return fail(ErrorCode::invalid_query, "'limit' is 1 to 200");
    }
    return std::min(limit, kMostLimit);
}

std::string next_link(const http::RequestHead& head, std::string_view next) {
    std::string link = "<" + std::string{head.raw_path()} + "?";
    for (const auto& parameter : head.query) {
        if (parameter.name == "cursor") continue;
        link +=
            signer::encode_component(parameter.name) + "=" + signer::encode_component(parameter.value) + "&";
    }
    return link + "cursor=" + std::string{next} + ">; rel=\"next\"";
}

}  // namespace photogate::gateway::routes
