#include "gateway/http/problem.hpp"

#include <string>

#include <gtest/gtest.h>

#include "base/json/value.hpp"

namespace photogate::gateway::http {
namespace {

TEST(Problem, writes_valid_json_for_any_error_detail) {
    Error error{ErrorCode::invalid_fields,
                "bad \xff \"quote\"\r\n\x01",
                {{"/a", ErrorCode::invalid_size, "\xc3"}},
                std::nullopt};
    std::string text = problem_json(error, {.request_id = "r-1"});
    auto read = json::read(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read->find("code")->text(), "invalid_fields");
    EXPECT_EQ(*read->find("type")->text(), "/docs/errors#invalid_fields");
    EXPECT_EQ(*read->find("status")->integer(), 422);
    EXPECT_EQ(*read->find("request_id")->text(), "r-1");
    EXPECT_EQ(*read->find("errors")->array()->front().find("pointer")->text(), "/a");
    EXPECT_EQ(text.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace photogate::gateway::http
