#include "client/setup/policy_text.hpp"

#include <gtest/gtest.h>

namespace photogate::client::setup {
namespace {

TEST(PolicyText, the_order_of_sets_does_not_count_and_one_is_a_list_of_one) {
    EXPECT_TRUE(same_policy(std::string_view{R"({"Statement":[{"Action":["a","b"],"Effect":"Allow"}]})"},
                            R"({"Statement":{"Effect":"Allow","Action":["b","a"]}})"));
    EXPECT_FALSE(same_policy(std::string_view{R"({"Statement":[{"Action":["a","b"]}]})"},
                             R"({"Statement":[{"Action":["a"]}]})"));
    EXPECT_FALSE(same_policy(std::string_view{""}, "")) << "no policy is none that is wanted";
}

TEST(PolicyText, everybody_is_a_star_wherever_it_stands) {
    for (const auto* principal : {R"("*")", R"({"AWS":"*"})", R"({"AWS":["arn:aws:iam::1:root","*"]})"}) {
        const auto statement =
            std::string{R"({"Statement":[{"Effect":"Allow","Principal":)"} + principal + "}]}";
        EXPECT_TRUE(lets_everybody_in(statement)) << principal;
    }
    EXPECT_FALSE(lets_everybody_in(R"({"Statement":[{"Effect":"Deny","Principal":"*"}]})"));
    EXPECT_FALSE(lets_everybody_in(
        R"({"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam:::user/a"}}]})"));
    EXPECT_FALSE(lets_everybody_in(""));
}

TEST(PolicyText, a_statement_takes_the_place_of_its_own_sid_and_of_no_other) {
    const std::string ours = R"({"Sid":"photogate","Action":"new"})";
    const auto made = with_statement(
        R"({"Statement":[{"Sid":"other","Action":"kept"},{"Sid":"photogate","Action":"old"}]})", ours);
    EXPECT_TRUE(has_statement(made, ours));
    EXPECT_TRUE(has_statement(made, R"({"Sid":"other","Action":"kept"})"));
    EXPECT_FALSE(has_statement(made, R"({"Sid":"photogate","Action":"old"})"));
    EXPECT_TRUE(has_statement(with_statement("not JSON", ours), ours));
}

}  // namespace
}  // namespace photogate::client::setup
