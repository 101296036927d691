#include "storage/objects/s3_exchange.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "signer/digest.hpp"
#include "storage/objects/s3_xml.hpp"

namespace photogate::storage::objects {

namespace {

/// Stores reject a skew of more than 15 minutes; a smaller one than this is not the reason for a rejection.
constexpr std::chrono::minutes kSkewWorthLearning{5};

RetryPolicy patient(const S3Options& options) {
    RetryPolicy policy = options.retry;
    policy.deadline = std::max(policy.deadline, options.timeouts.server_side_work * 3 / 2);
    return policy;
}

}  // namespace

S3Client::Exchange::Exchange(S3Options options, S3Dependencies dependencies)
    : options_(std::move(options)),
      patient_(patient(options_)),
      dependencies_(dependencies),
      signer_(options_.credentials, options_.region) {}

RetryLoop S3Client::Exchange::loop(Work work) {
    const RetryPolicy& policy = work == Work::server_side ? patient_ : options_.retry;
    return RetryLoop{policy, {dependencies_.pacer, dependencies_.random, budget_}};
}

Answered S3Client::Exchange::send(const S3Call& call) {
    RetryLoop tries = loop(call.work);
    while (true) {
        if (refuses_calls()) return {tl::unexpected(options_.health->refusal()), tries.attempts()};
        auto response = told(attempt(call, tries));
        if (response) {
            tries.succeeded();
            return {std::move(response), tries.attempts()};
        }
        if (refuses_calls() || !tries.again(response.error())) return {std::move(response), tries.attempts()};
        log::debug("store.retry", {{"method", call.method},
                                   {"code", to_string(response.error().code)},
                                   {"attempt", tries.attempts()}});
    }
}

template <class Once>
auto S3Client::Exchange::at_the_right_time(Once once) {
    const std::int64_t offset = offset_.load();
    auto answer = once();
    // One retry with the corrected time; the caller receives a second rejection.
    const bool moved =
        !answer && answer.error().code == ErrorCode::store_clock_skew && offset_.load() != offset;
    return moved ? once() : std::move(answer);
}

Result<http::Response> S3Client::Exchange::attempt(const S3Call& call, const RetryLoop& loop) {
    return at_the_right_time([&]() -> Result<http::Response> {
        auto request = request_of(call, loop);
        if (!request) return fail(std::move(request.error()));
        auto response = dependencies_.http.send(*request);
        if (!response) return response;
        if (auto refused = refusal(call, *response)) return fail(std::move(*refused));
        return response;
    });
}

Result<std::unique_ptr<http::ResponseStream>> S3Client::Exchange::open(const S3Call& call,
                                                                       const RetryLoop& loop) {
    if (refuses_calls()) return tl::unexpected(options_.health->refusal());
    return told(at_the_right_time([&]() -> Result<std::unique_ptr<http::ResponseStream>> {
        auto request = request_of(call, loop);
        if (!request) return fail(std::move(request.error()));
        auto stream = dependencies_.http.open(std::move(*request));
        if (!stream) return stream;
        if (auto refused = refusal(call, (*stream)->head())) return fail(std::move(*refused));
        return stream;
    }));
}

template <class Answer>
Result<Answer> S3Client::Exchange::told(Result<Answer> outcome) const {
    if (!options_.health) return outcome;
    if (outcome) {
        options_.health->answered();
    } else if (is_no_answer(outcome.error().code)) {
        options_.health->went_unanswered(outcome.error());
    } else if (outcome.error().code != ErrorCode::store_slow_down) {
        // Load, or a 503 without a word (HEAD): it says neither that the store is well nor that it is down.
        options_.health->answered();
    }
    return outcome;
}

Result<http::Request> S3Client::Exchange::request_of(const S3Call& call, const RetryLoop& loop) const {
    signer::HeaderSignRequest unsigned_request;
    unsigned_request.method = call.method;
    unsigned_request.address = {options_.endpoint, options_.style, call.bucket, call.key};
    unsigned_request.query = call.query;
    unsigned_request.headers = call.headers;
    if (call.payload_sha256) {
        unsigned_request.payload_sha256 = *call.payload_sha256;
    } else if (call.source != nullptr) {
        unsigned_request.payload_sha256 = kUnsignedPayload;
    } else {
        unsigned_request.payload_sha256 =
            call.body.empty() ? kEmptySha256 : hex_lower(signer::sha256(call.body));
    }
    unsigned_request.at = dependencies_.clock.now() + clock_offset();
    auto signed_request = signer_.sign_headers(unsigned_request);
    if (!signed_request) return fail(signed_request.error());

    http::Request request;
    request.method = call.method;
    request.url = std::move(signed_request->url);
    request.headers = std::move(signed_request->headers);
    request.body = call.body;
    request.source = call.source;
    request.max_response_body = call.longest_answer;
    request.connect_timeout = std::min(options_.timeouts.connect, loop.remaining());
    request.first_byte_timeout = std::min(
        call.work == Work::server_side ? options_.timeouts.server_side_work : options_.timeouts.first_byte,
        loop.remaining());
    request.stall_bytes_per_second = options_.timeouts.stall_bytes_per_second;

    return request;
}

std::optional<Error> S3Client::Exchange::refusal(const S3Call& call, const http::Response& response) {
    const bool success = response.status >= 200 && response.status < 300;
    if (success && !parse_error(response.body)) return std::nullopt;

    Error error = error_of(response, call.key ? Target::object : Target::bucket, dependencies_.clock.now());
    // A rejected HEAD has no body that distinguishes a wrong time from a wrong key; its Date does.
    const bool about_time = error.code == ErrorCode::store_clock_skew ||
                            (error.code == ErrorCode::store_denied && call.method == "HEAD");
    if (about_time && learn_skew(response)) error.code = ErrorCode::store_clock_skew;
    return error;
}

bool S3Client::Exchange::learn_skew(const http::Response& response) {
    const std::string* date = response.header("date");
    const auto theirs = date != nullptr ? parse_http_date(*date) : std::nullopt;
    if (!theirs) return false;
    const auto offset = *theirs - dependencies_.clock.now();
    const auto change = offset - clock_offset();
    if (change < kSkewWorthLearning && change > -kSkewWorthLearning) return false;
    offset_ = offset.count();
    log::warn("store.clock_skew",
              {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(offset).count()},
               {"store", options_.endpoint.origin()}});
    return true;
}

}  // namespace photogate::storage::objects
