#include "notifier/callbacks/package_wire.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "notifier/callbacks/upload_callbacks.hpp"

namespace photogate::notifier::callbacks {
namespace {

using nlohmann::json;

Timestamp at(std::string_view text) {
    return parse_rfc3339(text).value();
}

model::Package stored(model::PackageState state) {
    model::Package package;
    package.id = PackageId::trusted("pkg_06f3y8m2c4t6v8x0z2b4d6f8h0");
    package.app = AppName::trusted("shop");
    package.name = "smith.zip";
    package.mode = model::PackageMode::store;
    package.state = state;
    package.metadata = {{"order", "77"}};
    package.created_at = at("2026-11-20T12:35:00Z");
    package.expires_at = at("2026-11-27T12:35:00Z");
    package.items = 10;
    package.size = 1'000;
    package.etag = "e";
    package.step = model::PackageStep::copying;
    package.built_items = 4;
    package.built_bytes = 400;
    package.built_rate = 100;
    return package;
}

json shown(const model::Package& package) {
    return json::parse(package_json({package, std::nullopt}, at("2026-11-20T12:36:00Z")));
}

TEST(PackageWire, tells_how_far_a_stored_package_is) {
    EXPECT_EQ(
        shown(stored(model::PackageState::building)).at("progress"),
        json::parse(R"({"step":"copying","items":4,"bytes":400,"bytes_per_second":100,"seconds_left":6})"));
}

TEST(PackageWire, knows_no_time_to_go_without_a_rate) {
    auto package = stored(model::PackageState::queued);
    package.built_rate = 0;
    EXPECT_TRUE(shown(package).at("progress").at("seconds_left").is_null());
}

TEST(PackageWire, has_no_step_where_nothing_more_is_done) {
    for (const auto state :
         {model::PackageState::ready, model::PackageState::failed, model::PackageState::deleted}) {
        const auto progress = shown(stored(state)).at("progress");
        EXPECT_TRUE(progress.at("step").is_null() && progress.at("seconds_left").is_null());
    }
}

TEST(PackageWire, has_no_progress_of_a_streamed_package) {
    auto package = stored(model::PackageState::ready);
    package.mode = model::PackageMode::stream;
    EXPECT_TRUE(shown(package).at("progress").is_null());
}

TEST(PackageWire, more_bytes_than_there_are_leave_no_time) {
    auto package = stored(model::PackageState::building);
    package.built_bytes = 2'000;
    EXPECT_EQ(shown(package).at("progress").at("seconds_left"), 0);
}

class PackageCallbacks : public testing::Test {
  protected:
    SeededRandom random{1};
    UploadCallbacks composer{
        "https://img.example",
        random,
        [](const AppName& app, const ProfileName&, model::CallbackType) -> std::optional<Recipient> {
            if (app.str() != "shop") return std::nullopt;
            return Recipient{"https://app.example/hook"};
        },
        {},
        [](const model::Package&) {
            return PackageLinks{"https://link", StoreLink{"https://store", at("2026-11-27T12:35:00Z")}};
        }};
    const Timestamp now = at("2026-11-20T12:36:00Z");
};

TEST_F(PackageCallbacks, has_the_link_of_a_package_that_is_ready) {
    const auto package = stored(model::PackageState::ready);
    const auto composed = composer.compose_package(model::CallbackType::package_ready, package, {}, now);
    ASSERT_TRUE(composed);
    EXPECT_EQ(composed->url, "https://app.example/hook");
    const auto body = json::parse(composed->body);
    EXPECT_EQ(body.at("type"), "package.ready");
    EXPECT_EQ(body.at("id"), composed->id.str());
    EXPECT_EQ(body.at("data").at("url"), "https://link");
    EXPECT_EQ(body.at("data").at("store_url"), "https://store");
    EXPECT_EQ(body.at("data").at("store_url_expires_at"), "2026-11-27T12:35:00.000Z");
    EXPECT_EQ(body.at("data").at("id"), package.id.str());
    EXPECT_EQ(body.at("data").at("sequence"), 1);
    EXPECT_EQ(body.at("data").at("expires_at"), "2026-11-27T12:35:00.000Z");
    EXPECT_EQ(body.at("data").at("metadata"), json::parse(R"({"order":"77"})"));
}

TEST_F(PackageCallbacks, names_what_could_not_be_read_and_has_no_link) {
    auto package = stored(model::PackageState::failed);
    package.failure = "store_no_such_key";
    const std::vector<model::FailedItem> failed{
        {3, UploadId::trusted("upl_1"), "a.jpg", "store_no_such_key"}};
    const auto composed = composer.compose_package(model::CallbackType::package_failed, package, failed, now);
    ASSERT_TRUE(composed);
    const auto data = json::parse(composed->body).at("data");
    EXPECT_TRUE(data.at("url").is_null());
    EXPECT_TRUE(data.at("store_url").is_null());
    EXPECT_EQ(data.at("failure"), "store_no_such_key");
    EXPECT_EQ(data.at("failed_items"),
              json::parse(R"([{"item":3,"upload":"upl_1","name":"a.jpg","code":"store_no_such_key"}])"));
}

TEST_F(PackageCallbacks, tells_nobody_where_the_app_is_no_longer_configured) {
    auto package = stored(model::PackageState::ready);
    package.app = AppName::trusted("gone");
    EXPECT_FALSE(composer.compose_package(model::CallbackType::package_ready, package, {}, now));
}

}  // namespace
}  // namespace photogate::notifier::callbacks
