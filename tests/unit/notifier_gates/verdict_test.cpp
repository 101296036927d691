#include "notifier/gates/verdict.hpp"

#include <gtest/gtest.h>

namespace photogate::notifier::gates {
namespace {

TEST(Verdict, reads_yes_and_no) {
    const auto yes = read_verdict(R"({"allow": true, "code": "ignored", "more": [1]})");
    ASSERT_TRUE(yes);
    EXPECT_TRUE(yes->allows());
    EXPECT_EQ(yes->code, "");
    const auto no =
        read_verdict(R"({"allow": false, "code": "too_many_faces", "reason": "one face at most"})");
    ASSERT_TRUE(no);
    EXPECT_FALSE(no->allows());
    EXPECT_EQ(no->code, "too_many_faces");
    EXPECT_EQ(no->reason, "one face at most");
}

TEST(Verdict, takes_what_is_no_verdict_neither_as_yes_nor_as_no) {
    for (const auto* body :
         {"", "true", "[]", "{}", "null", R"({"allow": "yes"})", R"({"allow": 1})", R"({"allow": null})",
          R"({"allow": true, "allow": false})", R"({"allow": true)", "<html>", "\xff\xfe"}) {
        const auto verdict = read_verdict(body);
        ASSERT_FALSE(verdict) << body;
        EXPECT_EQ(verdict.error().code, ErrorCode::hook_unavailable) << body;
    }
    EXPECT_FALSE(read_verdict(R"({"allow": true, "x": ")" + std::string(kMostVerdictBytes, 'x') + R"("})"));
    EXPECT_FALSE(
        read_verdict(R"({"allow": true, "x": )" + std::string(100, '[') + std::string(100, ']') + "}"));
}

TEST(Verdict, leaves_out_a_code_that_is_no_word) {
    for (const auto* code : {"\"\"", "\"Bad\"", "\"a b\"", "\"1st\"", "7", "null", "\"a-b\"", "\"a\\nb\""}) {
        const auto verdict = read_verdict(std::string{R"({"allow": false, "code": )"} + code + "}");
        ASSERT_TRUE(verdict) << code;
        EXPECT_FALSE(verdict->allows()) << code;
        EXPECT_EQ(verdict->code, "") << code;
    }
    EXPECT_EQ(read_verdict(R"({"allow": false, "code": ")" + std::string(65, 'a') + R"("})")->code, "");
    EXPECT_EQ(read_verdict(R"({"allow": false, "code": ")" + std::string(64, 'a') + R"("})")->code,
              std::string(64, 'a'));
}

TEST(Verdict, makes_a_reason_one_line_of_bounded_length) {
    EXPECT_EQ(read_verdict(R"({"allow": false, "reason": " a\n\tb\u0007c\u007f "})")->reason, "a  b c");
    std::string umlauts;
    for (int i = 0; i < 400; ++i)
        umlauts += "\xC3\xBC";
    const auto cut = read_verdict(R"({"allow": false, "reason": "x)" + umlauts + R"("})")->reason;
    EXPECT_EQ(cut.size(), 499U) << "no half of a character";
    EXPECT_EQ(cut.substr(cut.size() - 2), "\xC3\xBC");
    EXPECT_EQ(read_verdict(R"({"allow": false, "reason": {"a": 1}})")->reason, "");
}

}  // namespace
}  // namespace photogate::notifier::gates
