// The pages of a list: which one is asked for, by an opaque cursor, and the answer with its `Link`.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "gateway/http/message.hpp"

namespace photogate::gateway::routes {

/// Which page is asked for.
struct PageRequest {
    std::size_t limit = 50;
    std::optional<std::string>
        before;  ///< the id that the cursor holds; whether it is one is the caller's question
};

/// `limit=` (1 to 200, more is cut to 200) and `cursor=`. Errors: invalid_query, invalid_cursor.
Result<PageRequest> read_page_request(const http::RequestHead& head);

/// Opaque, for URLs and JSON; and what it holds, nullopt where it is none of ours.
std::string make_cursor(std::string_view content);
std::optional<std::string> read_cursor(std::string_view cursor);

/// Why a cursor that holds another sort of id is refused.
tl::unexpected<Error> not_a_cursor();

/// Cuts `rows`, of which one more than `limit` was asked for, to the page. Where another page follows, what
/// `content_of` says of the last row: the content of the next cursor.
template <class Row, class ContentOf>
std::optional<std::string> cut_to_page(std::vector<Row>& rows, std::size_t limit,
                                       const ContentOf& content_of) {
    if (rows.size() <= limit) return std::nullopt;
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(limit), rows.end());
    return content_of(rows.back());
}

/// The answer of a page: `items` are JSON already; `last_id` is the page's last, where another page follows.
http::Response page_response(const http::RequestHead& head, const std::vector<std::string>& items,
                             const std::optional<std::string>& last_id);

}  // namespace photogate::gateway::routes
