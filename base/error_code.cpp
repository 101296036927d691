#include "base/error_code.hpp"

namespace photogate {
namespace {

enum class Retry { yes, no };

struct Row {
    std::string_view word;
    ErrorCode answered;
    Retry retry;
    std::string_view title;
};

constexpr Row row(ErrorCode code) {
    switch (code) {
#define PHOTOGATE_PUBLIC_CASE(code, status, retry, title) \
    case ErrorCode::code:                                 \
        return {#code, ErrorCode::code, Retry::retry, title};
#define PHOTOGATE_INTERNAL_CASE(code, answer, retry, title) \
    case ErrorCode::code:                                   \
        return {#code, ErrorCode::answer, Retry::retry, title};
        PHOTOGATE_PUBLIC_ERROR_CODES(PHOTOGATE_PUBLIC_CASE)
        PHOTOGATE_INTERNAL_ERROR_CODES(PHOTOGATE_INTERNAL_CASE)
#undef PHOTOGATE_PUBLIC_CASE
#undef PHOTOGATE_INTERNAL_CASE
    }
    return {"internal", ErrorCode::internal, Retry::no, "Something went wrong in the gateway"};
}

constexpr int status_of(ErrorCode public_code) {
    switch (public_code) {
#define PHOTOGATE_STATUS_CASE(code, status, retry, title) \
    case ErrorCode::code:                                 \
        return status;
        PHOTOGATE_PUBLIC_ERROR_CODES(PHOTOGATE_STATUS_CASE)
#undef PHOTOGATE_STATUS_CASE
        default:
            return 500;
    }
}

}  // namespace

std::string_view to_string(ErrorCode code) {
    return row(code).word;
}
ErrorCode public_code(ErrorCode code) {
    return row(code).answered;
}
int http_status(ErrorCode code) {
    return status_of(public_code(code));
}
std::string_view title(ErrorCode code) {
    return row(code).title;
}
bool is_retryable(ErrorCode code) {
    return row(code).retry == Retry::yes;
}

}  // namespace photogate
