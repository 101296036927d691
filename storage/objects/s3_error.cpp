#include "storage/objects/s3_error.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "storage/http/retry_after.hpp"
#include "storage/objects/s3_xml.hpp"

namespace photogate::storage::objects {

namespace {

using Known = std::pair<std::string_view, ErrorCode>;

constexpr std::array kKnown{
    Known{"AccessDenied", ErrorCode::store_denied},
    Known{"AccessForbidden", ErrorCode::store_denied},
    Known{"AccountProblem", ErrorCode::store_denied},
    Known{"AllAccessDisabled", ErrorCode::store_denied},
    Known{"AuthorizationHeaderMalformed", ErrorCode::store_denied},
    Known{"AuthorizationQueryParametersError", ErrorCode::store_denied},
    Known{"BadDigest", ErrorCode::store_checksum_mismatch},
    Known{"BandwidthLimitExceeded", ErrorCode::store_slow_down},
    Known{"BucketNotEmpty", ErrorCode::store_bucket_not_empty},
    Known{"Busy", ErrorCode::store_slow_down},
    Known{"ConditionalRequestConflict", ErrorCode::store_unavailable},
    Known{"EntityTooSmall", ErrorCode::store_part_too_small},
    Known{"ExpiredToken", ErrorCode::store_denied},
    Known{"IncompleteBody", ErrorCode::store_unavailable},
    Known{"InternalError", ErrorCode::store_unavailable},
    Known{"InvalidAccessKeyId", ErrorCode::store_denied},
    Known{"InvalidPart", ErrorCode::store_invalid_part},
    Known{"InvalidPartOrder", ErrorCode::store_invalid_part_order},
    Known{"InvalidRange", ErrorCode::range_not_satisfiable},
    Known{"InvalidSecurity", ErrorCode::store_denied},
    Known{"InvalidToken", ErrorCode::store_denied},
    Known{"InvalidTokenId", ErrorCode::store_denied},
    Known{"MissingFields", ErrorCode::store_denied},
    Known{"NoSuchBucket", ErrorCode::store_no_such_bucket},
    Known{"NoSuchKey", ErrorCode::store_no_such_key},
    Known{"NoSuchUpload", ErrorCode::store_no_such_upload},
    Known{"NoSuchVersion", ErrorCode::store_no_such_key},
    Known{"NotImplemented", ErrorCode::store_refused},
    Known{"NotSignedUp", ErrorCode::store_denied},
    Known{"OperationAborted", ErrorCode::store_unavailable},
    Known{"OperationTimedOut", ErrorCode::store_unavailable},
    Known{"PreconditionFailed", ErrorCode::store_precondition_failed},
    Known{"RequestLimitExceeded", ErrorCode::store_slow_down},
    Known{"RequestTimeTooSkewed", ErrorCode::store_clock_skew},
    Known{"RequestTimeout", ErrorCode::store_unavailable},
    Known{"ServerBusy", ErrorCode::store_slow_down},
    Known{"ServiceUnavailable", ErrorCode::store_unavailable},
    Known{"SignatureDoesNotMatch", ErrorCode::store_denied},
    Known{"SlowDown", ErrorCode::store_slow_down},
    Known{"SlowDownRead", ErrorCode::store_slow_down},
    Known{"SlowDownWrite", ErrorCode::store_slow_down},
    Known{"Throttling", ErrorCode::store_slow_down},
    Known{"ThrottlingException", ErrorCode::store_slow_down},
    Known{"TokenRefreshRequired", ErrorCode::store_denied},
    Known{"TooManyRequests", ErrorCode::store_slow_down},
    Known{"XAmzContentChecksumMismatch", ErrorCode::store_checksum_mismatch},
    Known{"XAmzContentSHA256Mismatch", ErrorCode::store_checksum_mismatch},
    Known{"XMinioServerNotInitialized", ErrorCode::store_unavailable},
    Known{"XMinioStorageFull", ErrorCode::store_full},
};
static_assert(std::is_sorted(kKnown.begin(), kKnown.end(),
                             [](const Known& a, const Known& b) { return a.first < b.first; }));

ErrorCode code_of_status(int status, Target target) {
    switch (status) {
        case 401:
        case 403:
            return ErrorCode::store_denied;
        case 404:
            return target == Target::object ? ErrorCode::store_no_such_key : ErrorCode::store_no_such_bucket;
        case 408:
            return ErrorCode::store_unavailable;
        case 412:
            return ErrorCode::store_precondition_failed;
        case 416:
            return ErrorCode::range_not_satisfiable;
        case 429:
        case 503:
            return ErrorCode::store_slow_down;
        case 501:
        case 505:
            return ErrorCode::store_refused;
        default:
            return status >= 500 ? ErrorCode::store_unavailable : ErrorCode::store_refused;
    }
}

}  // namespace

ErrorCode code_of_s3(std::string_view code, int status, Target target) {
    const auto found =
        std::lower_bound(kKnown.begin(), kKnown.end(), code,
                         [](const Known& known, std::string_view wanted) { return known.first < wanted; });
    if (found != kKnown.end() && found->first == code) return found->second;
    return code_of_status(status, target);
}

std::string shown(std::string_view text) {
    constexpr std::size_t kMost = 200;
    std::string cut = to_valid_utf8(text.substr(0, kMost));
    for (char& c : cut) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return cut;
}

Error error_of(const http::Response& response, Target target, Timestamp now) {
    Error error;
    const auto document = parse_error(response.body);
    if (document) {
        error.code = code_of_s3(document->code, response.status, target);
        error.detail = fmt::format("the store says {} {}: {}", response.status, shown(document->code),
                                   shown(document->message));
    } else {
        error.code = code_of_status(response.status, target);
        error.detail = fmt::format("the store says {}", response.status);
    }
    // A delete marker requested by version is answered 405 with a header that identifies it.
    const std::string* marker = response.header("x-amz-delete-marker");
    if (response.status == 405 && marker != nullptr && *marker == "true")
        error.code = ErrorCode::store_no_such_key;
    if (const std::string* wait = response.header("retry-after"))
        error.retry_after = http::parse_retry_after(*wait, now);
    return error;
}

}  // namespace photogate::storage::objects
