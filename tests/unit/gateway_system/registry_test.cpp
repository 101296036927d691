// What is configured and what was made through the API, as one.
#include "gateway/system/registry.hpp"

#include <gtest/gtest.h>

#include "gateway/access/api_key.hpp"

namespace photogate::gateway::system {
namespace {

using storage::apps::InForce;
using storage::apps::StoredApp;
using storage::apps::StoredKey;
using storage::apps::StoredProfile;
using storage::apps::StoredSecret;

const auto kShop = AppName::trusted("shop");
const auto kSecond = AppName::trusted("second");
constexpr char kOneSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kOtherSecret[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

class RegistryTest : public testing::Test {
  protected:
    RegistryTest() {
        model::App shop;
        shop.name = kShop;
        shop.callback_url = "https://shop.example/";
        shop.callback_secrets = {*signer::WebhookSecret::parse(Secret{kOneSecret})};
        shop.profiles[ProfileName::trusted("photos")].name = ProfileName::trusted("photos");
        shop.limits.requests_per_second = 7;
        configured.emplace(kShop, shop);
    }
    static StoredApp made(const AppName& name, const AppName& like = kShop) {
        return {name, like, std::nullopt, StoredApp::State::active, {}, {}};
    }
    StoredKey key_of(const AppName& app) {
        key = access::make_api_key(app, random);
        return {"key_1", app, access::api_key_line(key), "abcd", "test", {}, std::nullopt};
    }

    static StoredProfile profile(const AppName& app, const char* name, const std::string& settings,
                                 std::int64_t version = 3) {
        return {app,      ProfileName::trusted(name),
                settings, StoredProfile::State::active,
                version,  "test",
                {},       "test",
                {}};
    }

    SeededRandom random{1};
    Secret key;
    model::Apps configured;
};

TEST_F(RegistryTest, app_of_the_api_has_the_profiles_and_limits_of_its_model_and_nothing_else_of_it) {
    InForce stored;
    stored.apps.push_back(made(kSecond));
    const auto apps = merged(configured, stored);
    ASSERT_TRUE(apps.contains(kSecond));
    const auto& second = apps.at(kSecond);
    EXPECT_EQ(second.name, kSecond);
    EXPECT_TRUE(second.profiles.contains(ProfileName::trusted("photos")));
    EXPECT_EQ(second.limits.requests_per_second, 7U);
    EXPECT_FALSE(second.callback_url);
    EXPECT_TRUE(second.callback_secrets.empty());
}

TEST_F(RegistryTest, app_whose_model_has_gone_is_left_out) {
    InForce stored;
    stored.apps.push_back(made(kSecond, AppName::trusted("gone")));
    EXPECT_FALSE(merged(configured, stored).contains(kSecond));
}

TEST_F(RegistryTest, app_of_the_configuration_is_meant_by_its_name) {
    InForce stored;
    auto same = made(kShop);
    same.state = StoredApp::State::disabled;
    stored.apps.push_back(same);
    const auto apps = merged(configured, stored);
    EXPECT_EQ(apps.at(kShop).callback_url, "https://shop.example/");
    EXPECT_EQ(apps.at(kShop).state, model::App::State::active);
}

TEST_F(RegistryTest, keys_and_secrets_of_the_api_stand_beside_those_of_the_configuration) {
    InForce stored;
    stored.keys.push_back(key_of(kShop));
    stored.secrets.push_back({"sec_1", kShop, Secret{kOtherSecret}, "test", {}, std::nullopt});
    const auto apps = merged(configured, stored);
    access::KeyRing ring;
    const auto configured_key = access::make_api_key(kShop, random);
    ring.add(*access::parse_api_key_line(access::api_key_line(configured_key)), {kShop, access::Role::app});
    const auto keys = merged(ring, apps, stored);
    EXPECT_TRUE(keys.find(key.reveal()));
    EXPECT_TRUE(keys.find(configured_key.reveal()));
    EXPECT_EQ(apps.at(kShop).callback_secrets.size(), 2U);
}

TEST_F(RegistryTest, disabled_app_keeps_its_policy_and_loses_its_keys) {
    InForce stored;
    auto disabled = made(kSecond);
    disabled.state = StoredApp::State::disabled;
    stored.apps.push_back(disabled);
    stored.keys.push_back(key_of(kSecond));
    const auto apps = merged(configured, stored);
    EXPECT_EQ(apps.at(kSecond).state, model::App::State::disabled);
    const auto keys = merged(access::KeyRing{}, apps, stored);
    EXPECT_FALSE(keys.find(key.reveal()));
    EXPECT_TRUE(keys.is_disabled(kSecond));
}

TEST_F(RegistryTest, profile_of_the_api_is_of_its_app_alone) {
    InForce stored;
    stored.apps.push_back(made(kSecond));
    stored.profiles.push_back(profile(kShop, "thumbs", R"({"max_size": "1MiB"})"));
    const auto apps = merged(configured, stored);
    const auto thumbs = apps.at(kShop).profile("thumbs");
    ASSERT_TRUE(thumbs);
    EXPECT_EQ((*thumbs)->limits.max_bytes, 1U << 20);
    EXPECT_EQ((*thumbs)->version, 3);
    EXPECT_EQ(apps.at(kSecond).profile("thumbs").error().code, ErrorCode::unknown_profile);
}

TEST_F(RegistryTest, profile_of_the_api_has_the_hooks_of_its_app) {
    configured.at(kShop).hooks.before_publish = "https://shop.example/hook";
    InForce stored;
    stored.profiles.push_back(profile(kShop, "thumbs", "{}"));
    const auto apps = merged(configured, stored);
    EXPECT_EQ((*apps.at(kShop).profile("thumbs"))->hooks.before_publish, "https://shop.example/hook");
}

TEST_F(RegistryTest, uploads_that_name_no_profile_go_where_they_went_before_one_was_added) {
    InForce stored;
    stored.profiles.push_back(profile(kShop, "a-first", "{}"));
    stored.profiles.push_back(profile(kShop, "default", "{}"));
    const auto apps = merged(configured, stored);
    const auto chosen = apps.at(kShop).profile(std::nullopt);
    ASSERT_TRUE(chosen) << chosen.error().detail;
    EXPECT_EQ((*chosen)->name.str(), "photos");
}

TEST_F(RegistryTest, profile_of_the_configuration_is_meant_by_its_name) {
    InForce stored;
    stored.profiles.push_back(profile(kShop, "photos", R"({"max_size": 77})"));
    const auto apps = merged(configured, stored);
    EXPECT_NE((*apps.at(kShop).profile("photos"))->limits.max_bytes, 77U);
}

TEST_F(RegistryTest, retired_profile_rules_what_it_has_and_takes_nothing_new) {
    InForce stored;
    stored.profiles.push_back(profile(kShop, "default", R"({"private": true, "quality": 33})"));
    stored.profiles.back().state = StoredProfile::State::retired;
    const auto apps = merged(configured, stored);
    const auto& shop = apps.at(kShop);
    EXPECT_EQ(shop.profile("default").error().code, ErrorCode::unknown_profile);
    EXPECT_EQ((*shop.profile(std::nullopt))->name.str(), "photos");
    EXPECT_EQ(shop.profiles.at(ProfileName::trusted("default")).recipe.version.quality, 33);
    EXPECT_TRUE(model::is_private(apps, kShop, ProfileName::trusted("default")));
    EXPECT_FALSE(model::is_private(apps, kShop, ProfileName::trusted("photos")));
}

TEST_F(RegistryTest, profile_that_can_not_be_read_takes_nothing_and_shows_nothing) {
    InForce stored;
    stored.profiles.push_back(profile(kShop, "newer", R"({"an_option_of_a_later_release": 1})"));
    const auto apps = merged(configured, stored);
    const auto& shop = apps.at(kShop);
    EXPECT_EQ(shop.profile("newer").error().code, ErrorCode::unknown_profile);
    EXPECT_EQ(shop.profiles.at(ProfileName::trusted("newer")).state, model::Profile::State::unreadable);
    EXPECT_TRUE(model::is_private(apps, kShop, ProfileName::trusted("newer")));
}

TEST_F(RegistryTest, profile_at_the_version_that_is_known_is_not_read_again) {
    InForce stored;
    stored.profiles.push_back(profile(kShop, "one", "{}", 3));
    stored.profiles.push_back(profile(kShop, "two", "{}", 4));
    const auto before = read_profiles(stored);
    stored.profiles[1] = profile(kShop, "two", R"({"quality": 20})", 5);
    const auto after = read_profiles(stored, before);
    const std::pair one{kShop, ProfileName::trusted("one")}, two{kShop, ProfileName::trusted("two")};
    EXPECT_EQ(after.at(one).profile, before.at(one).profile);
    EXPECT_EQ(after.at(two).profile->recipe.version.quality, 20);
}

TEST_F(RegistryTest, key_of_an_app_that_is_unknown_is_no_key) {
    InForce stored;
    stored.keys.push_back(key_of(kSecond));
    EXPECT_FALSE(merged(access::KeyRing{}, merged(configured, stored), stored).find(key.reveal()));
}

}  // namespace
}  // namespace photogate::gateway::system
