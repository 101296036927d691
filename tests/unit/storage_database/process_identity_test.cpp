#include "storage/database/process_identity.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace photogate::storage::database {
namespace {

TEST(ProcessIdentity, reads_state_and_start_behind_a_name_with_parentheses_and_spaces) {
    const std::string tail = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 98765 20";
    EXPECT_EQ(parse_process_stat("77 (photogate) S" + tail).started, 98765);
    const auto odd = parse_process_stat("77 (a) Z 1 (b c) ) R" + tail);
    EXPECT_EQ(odd.state, 'R');
    EXPECT_EQ(odd.started, 98765);
}

TEST(ProcessIdentity, knows_nothing_of_a_text_that_is_cut_or_something_else) {
    for (const char* text : {"", "77", "77 (photogate", "77 (photogate) ", "77 (photogate) S 1 2",
                             "77 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 none 20"})
        EXPECT_EQ(parse_process_stat(text).started, 0) << text;
}

TEST(ProcessIdentity, this_process_is_known_and_has_not_ended) {
    const auto self = this_process();
    EXPECT_EQ(self.pid, ::getpid());
    EXPECT_FALSE(self.machine.empty());
    EXPECT_GT(self.started, 0);
    EXPECT_FALSE(has_ended(self.pid, self.started));
    EXPECT_TRUE(has_ended(self.pid, self.started + 1)) << "another that had its id";
    EXPECT_FALSE(has_ended(0, 1));
    EXPECT_FALSE(has_ended(-1, 1));
}

}  // namespace
}  // namespace photogate::storage::database
