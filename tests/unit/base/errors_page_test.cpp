#include <fstream>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error_code.hpp"

namespace photogate {
namespace {

TEST(ErrorsPage, lists_exactly_the_codes_of_the_program) {
    std::ifstream page(PHOTOGATE_SOURCE_DIR "/docs/errors.md");
    std::multiset<std::string> listed;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("| `")) listed.insert(line);
    }
    std::multiset<std::string> expected;
#define PHOTOGATE_ERROR_ROW(code, status, retry, title_text)                                                \
    expected.insert(fmt::format("| `{}` | {} | {} | {} |", to_string(ErrorCode::code),                      \
                                http_status(ErrorCode::code), is_retryable(ErrorCode::code) ? "yes" : "no", \
                                title(ErrorCode::code)));
    PHOTOGATE_ERROR_CODES(PHOTOGATE_ERROR_ROW)
#undef PHOTOGATE_ERROR_ROW
    EXPECT_EQ(listed, expected);
}

}  // namespace
}  // namespace photogate
