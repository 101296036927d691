// Texts as words of a shell: a shell gives them back.
#include "base/shell_quote.hpp"

#include <gtest/gtest.h>

namespace photogate {
namespace {

TEST(ShellQuoteTest, puts_any_text_in_single_quotes) {
    EXPECT_EQ(shell_quote("photo.jpg"), "'photo.jpg'");
    EXPECT_EQ(shell_quote(""), "''");
    EXPECT_EQ(shell_quote("it's $HOME"), "'it'\\''s $HOME'");
}

TEST(ShellQuoteTest, leaves_alone_what_a_shell_takes_as_it_is) {
    EXPECT_EQ(shell_word("/etc/photogate/photogate.toml"), "/etc/photogate/photogate.toml");
    EXPECT_EQ(shell_word("/srv/my photos"), "'/srv/my photos'");
    EXPECT_EQ(shell_word("~"), "'~'");
    EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace photogate
