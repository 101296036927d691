#include "base/json/guard.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json/value.hpp"

namespace photogate::json {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonGuard, names_what_it_refuses) {
    const Bounds bounds{.bytes = 20, .depth = 2, .nodes = 4};
    const auto why = [&](std::string_view text) { return look_over(text, bounds).refusal.value_or("fine"); };
    EXPECT_EQ(why(R"({"a":[1,2]})"), "fine");
    EXPECT_EQ(why(std::string(21, ' ')), "it is larger than 20 bytes");
    EXPECT_EQ(why(" \r\n\t"), "it is empty");
    EXPECT_EQ(why("[1,]"), "it is not JSON from byte 4 on");
    EXPECT_EQ(why("[[[]]]"), "it is deeper than 2 levels");
    EXPECT_EQ(why("[1,2,3,4]"), "it has too many members");
    EXPECT_EQ(why(R"({"a":1,"a":1})"), "a member appears twice");
}

TEST(JsonGuard, has_sixteen_levels_by_default) {
    EXPECT_FALSE(look_over(nested(16), {}).refusal);
    EXPECT_TRUE(look_over(nested(17), {}).refusal);
}

TEST(JsonGuard, holds_reader_and_look_over_to_the_same_bounds) {
    const Bounds bounds{.bytes = 60, .depth = 3, .nodes = 5};
    for (const std::string& text :
         {nested(3), nested(4), std::string{"[1,2,3,4]"}, std::string{"[1,2,3,4,5]"},
          std::string{R"({"a":1,"b":{"a":1}})"}, std::string{R"({"a":1,"b":{"c":1,"c":1}})"},
          std::string{R"({"a":1,"b":2,"c":3,"d":4})"}, std::string{R"({"a":1,"b":2,"c":3,"d":4,"e":5})"},
          std::string(60, ' '), std::string(59, ' ') + "1", std::string(60, ' ') + "1", std::string{"{"},
          std::string{"1e999"}})
        EXPECT_EQ(!look_over(text, bounds).refusal, read(text, bounds).has_value()) << text;
}

TEST(JsonGuard, tells_ambiguous_elements_apart_from_the_others) {
    const Bounds bounds{.independent_elements = "Records"};
    const auto found = look_over(
        R"({"Records":[{"a":1},{"a":1,"a":2},{"b":{"c":1,"c":2}},{"a":[{"d":1},{"d":1}]}],"x":1})", bounds);
    EXPECT_EQ(found.refusal, std::nullopt);
    EXPECT_THAT(found.ambiguous_elements, ElementsAre(1, 2));
    for (const char* text :
         {R"({"Records":[],"Records":[]})", R"({"Records":{"a":1,"a":1}})", R"({"Others":[{"a":1,"a":1}]})",
          R"({"Records":[],"x":[{"a":1,"a":1}]})", R"([[{"a":1,"a":1}]])"}) {
        EXPECT_THAT(look_over(text, bounds).refusal.value_or(""), HasSubstr("twice")) << text;
        EXPECT_THAT(look_over(text, bounds).ambiguous_elements, IsEmpty()) << text;
    }
}

TEST(JsonGuard, takes_only_a_whole_and_unambiguous_object_as_plain) {
    EXPECT_TRUE(is_plain_object(R"( {"a":[1,{"b":null}]} )", {}));
    for (const char* text : {"", "[]", "1", "{", "{}{}", R"({"a":1,"a":1})", "null"})
        EXPECT_FALSE(is_plain_object(text, {})) << text;
    EXPECT_FALSE(is_plain_object(R"({"Records":[{"a":1,"a":1}]})", {.independent_elements = "Records"}));
}

}  // namespace
}  // namespace photogate::json
