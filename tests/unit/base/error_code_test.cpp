#include "base/error_code.hpp"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace photogate {
namespace {

const std::vector<ErrorCode>& all_codes() {
    static const std::vector<ErrorCode> codes = {
#define PHOTOGATE_ERROR_LIST(code, answer, retry, title) ErrorCode::code,
        PHOTOGATE_ERROR_CODES(PHOTOGATE_ERROR_LIST)
#undef PHOTOGATE_ERROR_LIST
    };
    return codes;
}

TEST(ErrorCode, has_unique_name_error_status_and_title) {
    std::set<std::string> words;
    for (auto code : all_codes()) {
        words.insert(std::string{to_string(code)});
        EXPECT_GE(http_status(code), 400) << to_string(code);
        EXPECT_LE(http_status(code), 599) << to_string(code);
        EXPECT_FALSE(title(code).empty()) << to_string(code);
        EXPECT_FALSE(title(code).ends_with('.')) << to_string(code);
    }
    EXPECT_EQ(words.size(), all_codes().size());
}

TEST(ErrorCode, answers_only_with_public_codes) {
    for (auto code : all_codes()) {
        EXPECT_EQ(public_code(public_code(code)), public_code(code)) << to_string(code);
        EXPECT_EQ(http_status(public_code(code)), http_status(code)) << to_string(code);
    }
    EXPECT_EQ(public_code(ErrorCode::upload_not_found), ErrorCode::upload_not_found);
    EXPECT_EQ(public_code(ErrorCode::database_constraint), ErrorCode::internal);
    EXPECT_EQ(public_code(ErrorCode::commit_in_doubt), ErrorCode::unavailable);
    EXPECT_EQ(http_status(ErrorCode::store_denied), 503);
    EXPECT_EQ(to_string(ErrorCode::store_denied), "store_denied") << "its own word stays, for the log";
}

TEST(ErrorCode, retries_only_transient_errors) {
    for (auto code : {ErrorCode::store_slow_down, ErrorCode::database_unavailable, ErrorCode::http_timeout,
                      ErrorCode::rate_limited}) {
        EXPECT_TRUE(is_retryable(code)) << to_string(code);
    }
    for (auto code : {ErrorCode::invalid_field, ErrorCode::unauthenticated, ErrorCode::store_denied,
                      ErrorCode::http_blocked, ErrorCode::internal}) {
        EXPECT_FALSE(is_retryable(code)) << to_string(code);
    }
}

}  // namespace
}  // namespace photogate
