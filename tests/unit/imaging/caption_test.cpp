// The text of a watermark.
#include "imaging/caption.hpp"

#include <gtest/gtest.h>

namespace photogate::imaging {
namespace {

constexpr const char* kMoment = "2024-03-10T12:34:56+02:00";

TEST(Caption, has_its_placeholders_filled_in) {
    EXPECT_EQ(with_names("© {app} {profile} {taken_at:%Y} {{app}}", {"shop", "doorstep"}),
              "© shop doorstep {taken_at:%Y} {{app}}");
    EXPECT_EQ(expand_caption("© shop {taken_at:%Y} {{app}}", kMoment), "© shop 2024 {app}");
    EXPECT_EQ(expand_caption("a {taken_at:%d.%m.%Y, %H:%M:%S}", kMoment), "a 10.03.2024, 12:34:56");
}

TEST(Caption, leaves_out_what_the_picture_does_not_tell) {
    for (const std::optional<std::string>& moment :
         {std::optional<std::string>{}, std::optional<std::string>{""},
          std::optional<std::string>{"<b>yy</b>"}}) {
        EXPECT_EQ(expand_caption("© {taken_at:%Y} shop", moment), "© shop");
        EXPECT_EQ(expand_caption("© shop {taken_at:%Y}", moment), "© shop");
    }
    EXPECT_EQ(expand_caption("© shop {taken_at:%Y %H}", "2024-03-10"), "© shop");
}

TEST(Caption, takes_markup_as_text) {
    EXPECT_EQ(expand_caption("<b>&amp; {taken_at:<i>%Y}", kMoment), "<b>&amp; <i>2024");
}

TEST(Caption, knows_whether_it_tells_when_the_picture_was_taken) {
    EXPECT_TRUE(tells_when_taken("a {taken_at:%Y}"));
    EXPECT_FALSE(tells_when_taken("a {{taken_at:%Y}}"));
    EXPECT_FALSE(tells_when_taken("a {app}"));
}

TEST(Caption, finds_the_moment_in_facts_and_nowhere_else) {
    EXPECT_EQ(told_taken_at(R"({"make":"A","taken_at":"2024-03-10T12:34:56"})"), "2024-03-10T12:34:56");
    EXPECT_EQ(told_taken_at(R"({"taken_at": "2024-03-10"})"), "2024-03-10");
    EXPECT_EQ(told_taken_at(R"({"make":"\"taken_at\":\"1999\""})"), std::nullopt);
    EXPECT_EQ(told_taken_at(R"({"taken_at":7})"), std::nullopt);
    EXPECT_EQ(told_taken_at(R"({"taken_at":")"), std::nullopt);
    EXPECT_EQ(told_taken_at(""), std::nullopt);
    EXPECT_EQ(told_taken_at(R"({"taken_at":")" + std::string(100, '1') + "\"}"), std::nullopt);
}

TEST(Caption, says_what_is_wrong) {
    const auto wrong = [](const std::string& text) {
        return complaint_about_caption(text).value_or("nothing");
    };
    EXPECT_EQ(wrong("© {app} {taken_at:%Y}"), "nothing");
    EXPECT_EQ(wrong("{app}"), "nothing");
    EXPECT_EQ(wrong("{{}}"), "nothing");
    EXPECT_EQ(wrong(""), "is empty");
    EXPECT_EQ(wrong(std::string(201, 'a')), "is longer than 200 bytes");
    EXPECT_EQ(wrong("a\xff"), "is not UTF-8");
    EXPECT_EQ(wrong("a\nb"), "has a control character; it is one line");
    EXPECT_EQ(wrong("a {upload}"),
              "has the unknown placeholder {upload}; there are {app}, {profile} and {taken_at:%Y}, and {{ is "
              "a brace");
    EXPECT_EQ(wrong("{app:x}").find("has the unknown placeholder {app:x}"), 0U);
    for (const char* text :
         {"a {taken_at}", "a {taken_at:}", "a {taken_at:%}", "a {taken_at:%q}", "a {taken_at:Y}"})
        EXPECT_NE(wrong(text).find("needs a format"), std::string::npos) << text;
    for (const char* text : {"a {", "a }", "{app", "app}", "{a{b}}", "{{{"})
        EXPECT_NE(wrong(text), "nothing") << text;
    EXPECT_EQ(wrong("{taken_at:%Y} "),
              "is nothing but {taken_at}, which many pictures don't tell: add a word");
}

}  // namespace
}  // namespace photogate::imaging
