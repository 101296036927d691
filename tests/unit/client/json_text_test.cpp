#include "client/json_text.hpp"

#include <gtest/gtest.h>

namespace photogate::client {
namespace {

TEST(JsonText, elements_keep_the_bytes_that_were_sent) {
    const std::string text =
        R"({"more":false,"x":{"data":[9]},"data" : [ {"a": 1.50, "b":"]},\"{"} ,[1,[2]], "te\\", null , -1e3],"next":"5"})";
    ASSERT_TRUE(json::read(text));
    EXPECT_EQ(elements_of(text, "data"),
              (std::vector<std::string_view>{R"({"a": 1.50, "b":"]},\"{"})", "[1,[2]]", R"("te\\")", "null",
                                             "-1e3"}));
}

TEST(JsonText, no_elements_where_there_is_no_such_array) {
    for (const auto* text :
         {"{}", R"({"data":[]})", R"({"data":{"a":[1]}})", R"({"other":[1]})", "[1]", "", "{\"data\""})
        EXPECT_TRUE(elements_of(text, "data").empty()) << text;
}

TEST(JsonText, what_is_absent_is_empty) {
    const auto value = json::read(R"({"n":null,"t":"x","i":5,"d":1.5,"b":true,"a":[1]})");
    ASSERT_TRUE(value);
    EXPECT_EQ(text_at(*value, "t"), "x");
    EXPECT_EQ(text_at(*value, "i"), "5");
    EXPECT_EQ(text_at(*value, "d"), "1.5");
    EXPECT_EQ(text_at(*value, "b"), "true");
    for (const auto* name : {"n", "a", "none"})
        EXPECT_EQ(text_at(*value, name), "") << name;
    EXPECT_EQ(integer_at(*value, "i"), 5);
    EXPECT_EQ(integer_at(*value, "d"), std::nullopt);
    EXPECT_EQ(array_at(*value, "a").size(), 1U);
    EXPECT_TRUE(array_at(*value, "t").empty());
}

}  // namespace
}  // namespace photogate::client
