#include "notifier/events/source.hpp"

#include <gtest/gtest.h>

namespace photogate::notifier::events {
namespace {

Sources sources() {
    const auto tokens = std::make_shared<TokenAuthenticator>(std::vector<Secret>{Secret{"right"}});
    return Sources{{{"minio", {"eu"}, Dialect::minio, KeyEncoding::form, Belief::check, tokens, {}},
                    {"inner", {"us"}, Dialect::automatic, KeyEncoding::form, Belief::trust, nullptr, {}}}};
}

SenderHead with_token(std::string_view token) {
    const auto always = [token](std::string_view) { return std::optional<std::string_view>{token}; };
    return {always, always};
}

TEST(EventSources, finds_by_name) {
    const auto all = sources();
    ASSERT_NE(all.find("minio"), nullptr);
    EXPECT_EQ(all.find("minio")->regions, std::vector<std::string>{"eu"});
    EXPECT_EQ(all.find("mini"), nullptr);
    EXPECT_EQ(all.find(""), nullptr);
}

TEST(EventSources, refuses_unknown_source_like_wrong_token) {
    const auto all = sources();
    EXPECT_EQ(Sources::from_head(all.find("minio"), with_token("right")), HeadVerdict::accept);
    EXPECT_EQ(Sources::from_head(all.find("minio"), with_token("wrong")), HeadVerdict::refuse);
    EXPECT_EQ(Sources::from_head(all.find("other"), with_token("right")), HeadVerdict::refuse);
    EXPECT_EQ(Sources::from_head(nullptr, with_token("")), HeadVerdict::refuse);
}

TEST(EventSources, refuses_requests_for_source_without_authenticator) {
    const auto all = sources();
    EXPECT_EQ(Sources::from_head(all.find("inner"), with_token("right")), HeadVerdict::refuse);
}

}  // namespace
}  // namespace photogate::notifier::events
