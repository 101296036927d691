// Apps, keys and callback secrets that operators make: one change after the other, each with its entry in the log.
#include <thread>

#include "records_database.hpp"
#include "storage/apps/app_store.hpp"

namespace photogate::storage::records::test {
namespace {

using apps::AppChange;
using apps::AppStore;
using apps::Expected;
using apps::StoredApp;
using apps::StoredProfile;

const auto kShop = AppName::trusted("shop");
const auto kSecond = AppName::trusted("second");
const auto kThumbs = ProfileName::trusted("thumbs");
const Secret kSecret{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};

class AppsTest : public RecordsTest {
  protected:
    Result<AppStore::Created> create(const AppName& name = kSecond, const std::string& hash = "sha256:a") {
        return store.create({name, kShop, "https://app.example/"}, {hash, "x7q2"}, kSecret, actor);
    }
    std::vector<std::string> actions() {
        std::vector<std::string> all;
        const auto entries = store.audit(std::nullopt, std::nullopt, 100).value();
        for (const auto& entry : entries)
            all.insert(all.begin(), entry.action);
        return all;
    }

    AppStore store{*records->database};
    const apps::Actor actor{"operator:ops", "request-1"};
};

TEST_F(AppsTest, created_app_has_a_key_a_secret_and_entries_in_the_log) {
    const auto made = create();
    ASSERT_TRUE(made) << made.error().detail;
    const auto now = store.in_force().value();
    ASSERT_EQ(now.apps.size(), 1U);
    EXPECT_EQ(now.apps[0].profiles_of, kShop);
    EXPECT_EQ(now.apps[0].callback_url, "https://app.example/");
    ASSERT_EQ(now.keys.size(), 1U);
    EXPECT_EQ(now.keys[0].hash, "sha256:a");
    ASSERT_EQ(now.secrets.size(), 1U);
    EXPECT_EQ(now.secrets[0].secret.reveal(), kSecret.reveal());
    EXPECT_EQ(actions(), (std::vector<std::string>{"app.created", "key.created", "secret.created"}));
    const auto entry = store.audit(kSecond, std::nullopt, 1).value().at(0);
    EXPECT_EQ(entry.actor, "operator:ops");
    EXPECT_EQ(entry.request_id, "request-1");
    EXPECT_EQ(entry.subject, made->secret.id);
}

TEST_F(AppsTest, name_is_taken_once_and_a_refused_change_leaves_nothing) {
    ASSERT_TRUE(create());
    EXPECT_EQ(create(kSecond, "sha256:b").error().code, ErrorCode::app_exists);
    EXPECT_EQ(store.in_force().value().keys.size(), 1U);
    EXPECT_EQ(actions().size(), 3U);
}

TEST_F(AppsTest, two_keys_live_at_once_over_concurrent_gateways) {
    const auto other = open();
    AppStore elsewhere{*other->database};
    std::atomic<int> added{0}, refused{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 12; ++i)
        threads.emplace_back([&, i] {
            const auto made =
                (i % 2 ? store : elsewhere).add_key(kShop, {"sha256:" + std::to_string(i), "x"}, actor);
            made ? ++added : ++refused;
            if (!made) {
                EXPECT_EQ(made.error().code, ErrorCode::too_many_keys) << made.error().detail;
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(added, 2);
    EXPECT_EQ(refused, 10);
}

TEST_F(AppsTest, revoked_key_makes_room_and_is_revoked_once) {
    const auto first = store.add_key(kShop, {"sha256:1", "x"}, actor).value();
    ASSERT_TRUE(store.add_key(kShop, {"sha256:2", "x"}, actor));
    const auto revoked = store.revoke_key(kShop, first.id, actor);
    ASSERT_TRUE(revoked);
    EXPECT_TRUE(revoked->revoked_at);
    EXPECT_EQ(store.revoke_key(kShop, first.id, actor).value().revoked_at, revoked->revoked_at);
    EXPECT_TRUE(store.add_key(kShop, {"sha256:3", "x"}, actor));
    EXPECT_EQ(store.in_force().value().keys.size(), 2U);
    EXPECT_EQ(store.credentials(kShop).value().keys.size(), 3U);
    EXPECT_EQ(actions(),
              (std::vector<std::string>{"key.created", "key.created", "key.revoked", "key.created"}));
}

TEST_F(AppsTest, key_of_another_app_is_not_found) {
    const auto key = store.add_key(kShop, {"sha256:1", "x"}, actor).value();
    EXPECT_EQ(store.revoke_key(kSecond, key.id, actor).error().code, ErrorCode::key_not_found);
    EXPECT_EQ(store.in_force().value().keys.size(), 1U);
    EXPECT_TRUE(store.audit(kSecond, std::nullopt, 10).value().empty());
}

TEST_F(AppsTest, revoked_secret_is_erased) {
    const auto secret = store.add_secret(kShop, kSecret, actor).value();
    ASSERT_TRUE(store.revoke_secret(kShop, secret.id, actor));
    EXPECT_EQ(database.value("select count(*) from app_callback_secrets where secret is not null"), "0");
    EXPECT_TRUE(store.in_force().value().secrets.empty());
}

TEST_F(AppsTest, key_itself_is_nowhere_in_the_database) {
    ASSERT_TRUE(create());
    EXPECT_EQ(database.value(
                  "select string_agg(column_name, ',' order by column_name) from information_schema.columns "
                  "where table_name = 'app_keys'"),
              "app,created_at,created_by,hash,hint,id,revoked_at");
}

TEST_F(AppsTest, app_is_disabled_enabled_and_changed) {
    ASSERT_TRUE(create());
    EXPECT_EQ(store.change(kSecond, {StoredApp::State::disabled, std::nullopt}, actor).value().state,
              StoredApp::State::disabled);
    EXPECT_EQ(store
                  .change(kSecond,
                          {StoredApp::State::active, std::optional<std::string>{"https://b.example/"}}, actor)
                  .value()
                  .callback_url,
              "https://b.example/");
    const auto before = actions().size();
    ASSERT_TRUE(store.change(kSecond, {StoredApp::State::active, std::nullopt}, actor));
    EXPECT_EQ(actions().size(), before) << "what changes nothing is not logged";
    EXPECT_EQ(store.change(kShop, {StoredApp::State::disabled, std::nullopt}, actor).error().code,
              ErrorCode::app_not_found);
}

TEST_F(AppsTest, change_is_told_to_another_gateway) {
    const auto other = open();
    AppStore elsewhere{*other->database};
    const auto before = elsewhere.version().value();
    elsewhere.wait_for_change(std::chrono::seconds{1});  // what is remembered from the start
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
    elsewhere.wait_for_change(std::chrono::milliseconds{1});
    const auto started = std::chrono::steady_clock::now();
    std::thread later{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
        EXPECT_TRUE(create());
    }};
    elsewhere.wait_for_change(std::chrono::seconds{20});
    EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds{10});
    later.join();
    EXPECT_GT(elsewhere.version().value(), before);
}

TEST_F(AppsTest, profile_is_put_changed_and_retired_each_with_an_entry_in_the_log) {
    const auto made = store.put_profile(kShop, kThumbs, R"({"quality":70})", {}, actor);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->put, AppStore::Put::created);
    const auto same = store.put_profile(kShop, kThumbs, R"({"quality":70})", {}, actor).value();
    EXPECT_EQ(same.put, AppStore::Put::unchanged);
    EXPECT_EQ(same.profile.version, made->profile.version);
    const auto changed = store.put_profile(kShop, kThumbs, R"({"quality":80})", {}, actor).value();
    EXPECT_EQ(changed.put, AppStore::Put::changed);
    EXPECT_GT(changed.profile.version, made->profile.version);
    EXPECT_EQ(changed.profile.created_at, made->profile.created_at);
    const auto now = store.in_force().value();
    ASSERT_EQ(now.profiles.size(), 1U);
    EXPECT_EQ(now.profiles[0].settings_json, R"({"quality":80})");
    EXPECT_EQ(now.profiles[0].version, changed.profile.version);
    const auto retired = store.retire_profile(kShop, kThumbs, {}, actor).value();
    EXPECT_EQ(retired.state, StoredProfile::State::retired);
    EXPECT_EQ(store.retire_profile(kShop, kThumbs, {}, actor).value().version, retired.version);
    EXPECT_EQ(store.profile(kShop, kThumbs).value().settings_json, R"({"quality":80})");
    const auto again = store.put_profile(kShop, kThumbs, "{}", {}, actor).value();
    EXPECT_EQ(again.put, AppStore::Put::created);
    EXPECT_GT(again.profile.version, retired.version);
    EXPECT_EQ(actions(), (std::vector<std::string>{"profile.created", "profile.changed", "profile.deleted",
                                                   "profile.created"}));
    EXPECT_EQ(store.audit(kShop, std::nullopt, 1).value().at(0).subject, "thumbs");
}

TEST_F(AppsTest, profile_is_changed_at_the_version_that_is_meant) {
    const Expected absent{Expected::What::absent}, present{Expected::What::present};
    const auto code = [&](const Expected& expected) {
        const auto put = store.put_profile(kShop, kThumbs, R"({"quality":1})", expected, actor);
        return put ? std::nullopt : std::make_optional(put.error().code);
    };
    EXPECT_EQ(code(present), ErrorCode::precondition_failed);
    EXPECT_EQ(code({Expected::What::one_of, {1}}), ErrorCode::precondition_failed);
    const auto made = store.put_profile(kShop, kThumbs, "{}", absent, actor);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(code(absent), ErrorCode::precondition_failed);
    EXPECT_EQ(code({Expected::What::one_of, {made->profile.version + 1}}), ErrorCode::precondition_failed);
    EXPECT_EQ(store.retire_profile(kShop, kThumbs, {Expected::What::one_of, {1}}, actor).error().code,
              ErrorCode::precondition_failed);
    EXPECT_EQ(code({Expected::What::one_of, {7, made->profile.version}}), std::nullopt);
    EXPECT_EQ(store.profile(kShop, kThumbs).value().settings_json, R"({"quality":1})");
    EXPECT_EQ(actions().size(), 2U);
}

TEST_F(AppsTest, of_concurrent_changes_at_one_version_one_wins) {
    const auto made = store.put_profile(kShop, kThumbs, "{}", {}, actor).value();
    const auto other = open();
    AppStore elsewhere{*other->database};
    std::atomic<int> changed{0}, refused{0};
    std::vector<std::thread> threads;
    for (int i = 1; i <= 8; ++i)
        threads.emplace_back([&, i] {
            const auto put = (i % 2 ? store : elsewhere)
                                 .put_profile(kShop, kThumbs, R"({"quality":)" + std::to_string(i) + "}",
                                              {Expected::What::one_of, {made.profile.version}}, actor);
            put ? ++changed : ++refused;
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(changed, 1);
    EXPECT_EQ(refused, 7);
}

TEST_F(AppsTest, app_has_64_profiles_and_its_deleted_ones_make_room_once_no_upload_has_them) {
    const auto name = [](std::size_t i) { return ProfileName::trusted("p" + std::to_string(i)); };
    const auto put = [&](std::size_t i) { return store.put_profile(kShop, name(i), "{}", {}, actor); };
    for (std::size_t i = 0; i < apps::kMostProfiles; ++i)
        ASSERT_TRUE(put(i)) << i;
    EXPECT_EQ(put(64).error().code, ErrorCode::too_many_profiles);
    ASSERT_TRUE(put(0)) << "a change is no further one";
    ASSERT_TRUE(store.put_profile(kSecond, name(64), "{}", {}, actor)) << "each app has its own";
    std::size_t next = apps::kMostProfiles;
    for (std::size_t i = 0; next < apps::kMostKeptProfiles; ++i, ++next) {
        ASSERT_TRUE(store.retire_profile(kShop, name(i), {}, actor));
        ASSERT_TRUE(put(next)) << next;
    }
    ASSERT_TRUE(store.retire_profile(kShop, name(next - 1), {}, actor));
    auto with = new_upload("shop");
    with.upload.profile = name(5);
    ASSERT_TRUE(try_create(with));
    EXPECT_EQ(put(next).error().code, ErrorCode::too_many_profiles) << "all were deleted just now";
    ASSERT_TRUE(put(0)) << "but a name that is kept is free again";
    ASSERT_TRUE(store.retire_profile(kShop, name(0), {}, actor));
    clock.advance(std::chrono::hours{2});
    ASSERT_TRUE(put(next));
    const auto left = store.profiles(kShop).value();
    EXPECT_EQ(left.size(), apps::kMostProfiles + 1);
    EXPECT_EQ(store.profile(kShop, name(5)).value().state, StoredProfile::State::retired)
        << "an upload has it";
    EXPECT_EQ(store.profile(kShop, name(6)).error().code, ErrorCode::profile_not_found);
}

TEST_F(AppsTest, audit_goes_back_page_by_page) {
    for (int i = 0; i < 5; ++i) {
        const auto key = store.add_key(kShop, {"sha256:" + std::to_string(i), "x"}, actor).value();
        ASSERT_TRUE(store.revoke_key(kShop, key.id, actor));
    }
    std::size_t seen = 0;
    std::optional<std::int64_t> before;
    for (;;) {
        const auto page = store.audit(kShop, before, 3).value();
        seen += page.size();
        if (page.size() < 3) break;
        before = page.back().id;
    }
    EXPECT_EQ(seen, 10U);
}

TEST_F(AppsTest, open_uploads_and_usage_are_those_of_the_app) {
    auto one = new_upload("shop");
    one.upload.declared_size = 700;
    ASSERT_TRUE(try_create(one));
    auto two = new_upload("shop");
    two.upload.declared_size.reset();
    ASSERT_TRUE(try_create(two));
    ASSERT_TRUE(try_create(new_upload("doorstep")));
    (void)received("shop");
    const auto open = store.open_uploads({kShop, kSecond}).value();
    const auto day = std::chrono::hours{24};
    const auto days = store.usage(kShop, clock.now() - day, clock.now() + day).value();
    std::uint64_t uploads = 0;
    for (const auto& each : days)
        uploads += each.uploads;
    EXPECT_EQ(uploads, 3U);
    for (const auto& each : open)
        EXPECT_EQ(each.app, kShop);
}

}  // namespace
}  // namespace photogate::storage::records::test
