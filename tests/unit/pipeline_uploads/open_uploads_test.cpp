#include "pipeline/uploads/open_uploads.hpp"

#include <gtest/gtest.h>

namespace photogate::pipeline::uploads {
namespace {

const auto kShop = AppName::trusted("shop");

class OpenUploadsTest : public testing::Test {
  protected:
    static model::Apps limited_apps() {
        model::App shop;
        shop.name = kShop;
        shop.limits.open_uploads = 3;
        shop.limits.open_bytes = 1'000;
        model::App other;
        other.name = AppName::trusted("other");
        return {{shop.name, shop}, {other.name, other}};
    }
    const model::App& shop() const { return apps.now()->at(kShop); }
    const model::App& other() const { return apps.now()->at(AppName::trusted("other")); }

    const model::LiveApps apps{limited_apps()};
    std::map<AppName, OpenUse> in_records;
    std::optional<Error> failure;
    std::vector<AppName> asked;
    OpenUploads open{apps, [this](const std::vector<AppName>& names) -> Result<std::map<AppName, OpenUse>> {
                         asked = names;
                         if (failure) return fail(*failure);
                         return in_records;
                     }};
};

TEST_F(OpenUploadsTest, app_without_limits_is_admitted_and_not_counted) {
    for (int i = 0; i < 1'000; ++i)
        EXPECT_TRUE(open.admit(other(), 1'000'000));
    EXPECT_TRUE(open.refresh());
    EXPECT_EQ(asked, std::vector<AppName>{kShop});
}

TEST_F(OpenUploadsTest, number_is_held_here_before_the_records_know_it) {
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(open.admit(shop(), std::nullopt));
    const auto refused = open.admit(shop(), std::nullopt);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::rate_limited);
    EXPECT_TRUE(refused.error().retry_after);
}

TEST_F(OpenUploadsTest, bytes_are_held_together) {
    EXPECT_TRUE(open.admit(shop(), 600));
    EXPECT_FALSE(open.admit(shop(), 401));
    EXPECT_TRUE(open.admit(shop(), 400));
}

TEST_F(OpenUploadsTest, records_replace_what_was_granted_before_they_were_asked) {
    EXPECT_TRUE(open.admit(shop(), 10));
    EXPECT_TRUE(open.admit(shop(), 10));
    in_records[kShop] = {2, 20};
    EXPECT_TRUE(open.refresh());
    EXPECT_TRUE(open.admit(shop(), 10));
    EXPECT_FALSE(open.admit(shop(), 10));
    in_records.clear();  // all have arrived
    EXPECT_TRUE(open.refresh());
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(open.admit(shop(), 10));
}

TEST_F(OpenUploadsTest, figures_stay_while_the_records_cannot_be_asked) {
    in_records[kShop] = {3, 30};
    EXPECT_TRUE(open.refresh());
    failure = Error{ErrorCode::database_unavailable, "gone", {}, std::nullopt};
    EXPECT_FALSE(open.refresh());
    EXPECT_FALSE(open.admit(shop(), 10));
}

}  // namespace
}  // namespace photogate::pipeline::uploads
