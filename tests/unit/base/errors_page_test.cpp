#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error_code.hpp"

namespace photogate {
namespace {

struct Listed {
    std::vector<std::string> rows;  ///< without the last cell of a public code's, which is prose
    std::vector<std::string> advice;
};

Listed listed() {
    std::ifstream page(PHOTOGATE_SOURCE_DIR "/docs/errors.md");
    Listed listed;
    bool internal = false;
    for (std::string line; std::getline(page, line) && !line.starts_with("<!-- words");) {
        if (line.starts_with("## ")) internal = true;
        if (!line.starts_with("| `")) continue;
        if (!internal) {
            const auto last = line.rfind(" | ");
            listed.advice.push_back(line.substr(last + 3));
            line = line.substr(0, last) + " |";
        }
        listed.rows.push_back(line);
    }
    return listed;
}

TEST(ErrorsPage, lists_public_codes_and_then_internal_ones_in_the_order_of_the_table) {
    std::vector<std::string> expected;
    const auto again = [](ErrorCode code) { return is_retryable(code) ? "yes" : "no"; };
#define PHOTOGATE_PUBLIC_ROW(code, status, retry, title_text)                                      \
    expected.push_back(fmt::format("| `{}` | {} | {} | {} |", #code, http_status(ErrorCode::code), \
                                   again(ErrorCode::code), title(ErrorCode::code)));
#define PHOTOGATE_INTERNAL_ROW(code, answer, retry, title_text)                                         \
    expected.push_back(fmt::format("| `{}` | `{}` | {} | {} |", #code, #answer, again(ErrorCode::code), \
                                   title(ErrorCode::code)));
    PHOTOGATE_PUBLIC_ERROR_CODES(PHOTOGATE_PUBLIC_ROW)
    PHOTOGATE_INTERNAL_ERROR_CODES(PHOTOGATE_INTERNAL_ROW)
#undef PHOTOGATE_PUBLIC_ROW
#undef PHOTOGATE_INTERNAL_ROW
    EXPECT_EQ(listed().rows, expected);
}

TEST(ErrorsPage, says_what_to_do_about_every_public_code) {
    for (const auto& advice : listed().advice)
        EXPECT_TRUE(advice.ends_with(". |")) << advice;
}

}  // namespace
}  // namespace photogate
