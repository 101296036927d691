#include "gateway/access/api_key.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::access {
namespace {

AppName app(const char* name) {
    return AppName::trusted(name);
}

TEST(ApiKey, creates_key_with_app_name_and_256_bits) {
    SeededRandom random{1};
    const auto key = make_api_key(app("my-shop"), random);
    EXPECT_TRUE(key.reveal().starts_with("pg_my-shop_"));
    EXPECT_EQ(key.reveal().size(), std::string{"pg_my-shop_"}.size() + 52);
    EXPECT_EQ(app_of_api_key(key.reveal()), app("my-shop"));
    EXPECT_NE(make_api_key(app("my-shop"), random).reveal(), key.reveal());
}

TEST(ApiKey, writes_line_with_sha256_of_the_whole_key) {
    EXPECT_EQ(api_key_line(Secret{"abc"}),
              "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(parse_api_key_line(api_key_line(Secret{"abc"})), signer::sha256("abc"));
}

TEST(ApiKey, rejects_malformed_hash_line) {
    for (const auto* line : {"", "sha256:", "sha256:00", "sha512:ba7816bf", "pg_shop_secret",
                             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                             "sha256:zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}) {
        EXPECT_FALSE(parse_api_key_line(line)) << line;
    }
}

TEST(ApiKey, finds_no_app_in_malformed_key) {
    const std::string secret(52, 'a');
    EXPECT_TRUE(app_of_api_key("pg_shop_" + secret));
    for (const auto& text :
         {std::string{}, std::string{"pg_"}, "pg_shop" + secret, "pg__" + secret, "pg_Shop_" + secret,
          "pg_shop_" + secret + "a", "pg_shop_" + secret.substr(1) + "!", "pk_shop_" + secret,
          "pg_" + std::string(33, 'a') + "_" + secret}) {
        EXPECT_FALSE(app_of_api_key(text)) << text;
    }
}

TEST(KeyRing, finds_key_at_any_position) {
    SeededRandom random{2};
    KeyRing ring;
    std::vector<std::pair<Secret, KeyOwner>> all;
    for (int i = 0; i < 20; ++i) {
        const KeyOwner owner{app(("app-" + std::to_string(i)).c_str()),
                             i == 7 ? Role::operator_role : Role::app};
        all.emplace_back(make_api_key(owner.name, random), owner);
        EXPECT_EQ(ring.add(signer::sha256(all.back().first.reveal()), owner), KeyRing::Added::added);
    }
    for (const auto& [key, owner] : all)
        EXPECT_EQ(ring.find(key.reveal()), owner);
}

TEST(KeyRing, accepts_only_the_whole_key) {
    SeededRandom random{3};
    const auto key = make_api_key(app("shop"), random);
    KeyRing ring;
    ring.add(signer::sha256(key.reveal()), {app("shop"), Role::app});
    const std::string text{key.reveal()};
    EXPECT_TRUE(ring.find(text));
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto other = text;
        other[i] = other[i] == 'a' ? 'b' : 'a';
        EXPECT_FALSE(ring.find(other)) << i;
        EXPECT_FALSE(ring.find(text.substr(0, i)));
    }
    EXPECT_FALSE(ring.find(text + "a"));
    EXPECT_FALSE(ring.find(api_key_line(key)));
    EXPECT_FALSE(KeyRing{}.find(text));
}

TEST(KeyRing, rejects_key_under_another_apps_name) {
    SeededRandom random{4};
    const auto key = make_api_key(app("shop"), random);
    KeyRing ring;
    ring.add(signer::sha256(key.reveal()), {app("other"), Role::app});
    EXPECT_FALSE(ring.find(key.reveal()));
}

TEST(KeyRing, detects_duplicate_key) {
    KeyRing ring;
    EXPECT_EQ(ring.add(signer::sha256("x"), {app("a"), Role::app}), KeyRing::Added::added);
    EXPECT_EQ(ring.add(signer::sha256("x"), {app("b"), Role::app}), KeyRing::Added::already_there);
    EXPECT_EQ(ring.size(), 1U);
}

}  // namespace
}  // namespace photogate::gateway::access
