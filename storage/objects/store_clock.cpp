#include "storage/objects/store_clock.hpp"

namespace photogate::storage::objects {

using namespace std::chrono_literals;

Result<ClockReading> read_store_clock(const Endpoint& endpoint, const S3Dependencies& dependencies) {
    http::Request request;
    request.url = endpoint.origin() + "/";
    request.max_response_body = 4'096;
    request.cut_long_body = true;
    request.total_timeout = 15s;
    const auto asked_at = dependencies.clock.now();
    const auto answer = dependencies.http.send(request);
    const auto answered_at = dependencies.clock.now();
    if (!answer) return fail(answer.error());
    const auto* date = answer->header("date");
    const auto said = date != nullptr ? parse_http_date(*date) : std::nullopt;
    if (!said) return fail(ErrorCode::store_protocol, "the store's response has no Date");
    const auto took = answered_at - asked_at;
    // A Date has no fraction: half a second is the best guess.
    return ClockReading{*said + 500ms - (asked_at + took / 2), took};
}

}  // namespace photogate::storage::objects
