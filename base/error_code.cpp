#include "base/error_code.hpp"

namespace photogate {
namespace {

enum class Retry { yes, no };

struct Row {
    std::string_view word;
    int status;
    Retry retry;
    std::string_view title;
};

constexpr Row row(ErrorCode code) {
    switch (code) {
#define PHOTOGATE_ERROR_CASE(code, status, retry, title) \
    case ErrorCode::code:                                \
        return {#code, status, Retry::retry, title};
        PHOTOGATE_ERROR_CODES(PHOTOGATE_ERROR_CASE)
#undef PHOTOGATE_ERROR_CASE
    }
    return {"internal", 500, Retry::no, "Something went wrong in the gateway"};
}

}  // namespace

std::string_view to_string(ErrorCode code) {
    return row(code).word;
}
int http_status(ErrorCode code) {
    return row(code).status;
}
std::string_view title(ErrorCode code) {
    return row(code).title;
}
bool is_retryable(ErrorCode code) {
    return row(code).retry == Retry::yes;
}

}  // namespace photogate
