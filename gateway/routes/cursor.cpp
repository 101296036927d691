#include "gateway/routes/cursor.hpp"

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::routes {
namespace {

constexpr std::size_t kMostLimit = 200;
constexpr char kVersion = '1';  // so that a later form of cursor can be told from this one

/// `<path?…&cursor=next>; rel="next"`, with the request's other parameters kept.
std::string next_link(const http::RequestHead& head, std::string_view next) {
    std::string link = "<" + std::string{head.raw_path()} + "?";
    for (const auto& parameter : head.query) {
        if (parameter.name == "cursor") continue;
        link +=
            signer::encode_component(parameter.name) + "=" + signer::encode_component(parameter.value) + "&";
    }
    return link + "cursor=" + std::string{next} + ">; rel=\"next\"";
}

}  // namespace

std::string make_cursor(std::string_view content) {
    return hex_lower(as_bytes(kVersion + std::string{content}));
}

std::optional<std::string> read_cursor(std::string_view cursor) {
    const auto bytes = from_hex(cursor);
    if (!bytes || bytes->size() < 2 || bytes->front() != static_cast<std::uint8_t>(kVersion))
        return std::nullopt;
    return std::string{as_text(*bytes).substr(1)};
}

tl::unexpected<Error> not_a_cursor() {
    return fail(ErrorCode::invalid_cursor, "use 'next' of the page before, as it is");
}

Result<PageRequest> read_page_request(const http::RequestHead& head) {
    PageRequest page;
    if (const auto text = head.query_value("limit")) {
        const auto limit = ascii::parse_whole<std::size_t>(*text);
        if (!limit || *limit == 0 || *limit > kMostLimit)
            return fail(ErrorCode::invalid_query, "'limit' is 1 to 200; 'next' of the answer leads on");
        page.limit = *limit;
    }
    if (const auto text = head.query_value("cursor")) {
        page.before = read_cursor(*text);
        if (!page.before) return not_a_cursor();
    }
    return page;
}

http::Response page_response(const http::RequestHead& head, const std::vector<std::string>& items,
                             const std::optional<std::string>& last_id) {
    const auto next = last_id ? std::optional{make_cursor(*last_id)} : std::nullopt;
    auto response = http::Response::json(200, page_json(items, next));
    if (next) response.set("Link", next_link(head, *next));
    return response;
}

}  // namespace photogate::gateway::routes
