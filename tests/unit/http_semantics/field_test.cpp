#include "http/semantics/field.hpp"

#include <gtest/gtest.h>

namespace photogate::http::semantics {
namespace {

TEST(Token, is_of_the_standards_characters_alone) {
    for (std::string_view text : {"a", "X-Amz-Date", "!#$%&'*+-.^_`|~09AZaz"})
        EXPECT_TRUE(is_token(text)) << text;
    for (std::string_view text : {"", " a", "a ", "a:", "a,b", "\"a\"", "a/b", "(a)", "a\xc3\xa9", "a\x7f"})
        EXPECT_FALSE(is_token(text)) << text;
    EXPECT_FALSE(is_token(std::string_view{"a\0", 2}));
}

}  // namespace
}  // namespace photogate::http::semantics
