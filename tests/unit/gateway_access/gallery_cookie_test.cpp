// Cookies for galleries: made, read, refused.
#include "gateway/access/gallery_cookie.hpp"

#include <gtest/gtest.h>

#include "base/base64url.hpp"

namespace photogate::gateway::access {
namespace {

using std::chrono::seconds;

const Timestamp kExpires = *parse_rfc3339("2026-11-21T12:00:00Z");
const AppName kShop = AppName::trusted("shop"), kOther = AppName::trusted("other");
const ProfileName kGalleries = ProfileName::trusted("galleries");

const LinkKeys& keys() {
    static const LinkKeys both = [] {
        std::map<AppName, signer::LinkSigner> signers;
        signers.emplace(kShop, signer::LinkSigner{{Secret{"an app's secret of 32 characters"}}});
        signers.emplace(kOther, signer::LinkSigner{{Secret{"another app's secret, 32 or more"}}});
        return LinkKeys{std::move(signers)};
    }();
    return both;
}

GalleryPass example() {
    return {kShop, kGalleries, {{"gallery", "Smith & \"Søn\"; 2026"}}, kExpires};
}

std::string cookie(const GalleryPass& pass) {
    return cookie_name(pass) + "=" + cookie_value(*keys().of(pass.app), pass).value();
}

model::Upload upload_of(model::TextMap metadata) {
    model::Upload upload;
    upload.app = kShop;
    upload.profile = kGalleries;
    upload.metadata = std::move(metadata);
    return upload;
}

TEST(GalleryCookie, is_read_as_it_was_made_among_others) {
    auto whole = example();
    whole.metadata.clear();
    const auto one = cookie(example()), two = cookie(whole);
    const std::string first = "theme=dark; " + one + ";" + two, second = "__Secure-photogate-x; a";
    const auto passes = read_cookies(keys(), {first, second});
    ASSERT_EQ(passes.size(), 2U);
    EXPECT_EQ(passes[0], example());
    EXPECT_EQ(passes[1], whole);
}

TEST(GalleryCookie, has_characters_that_cookies_may_have_and_one_name_for_one_gallery) {
    const auto text = cookie(example());
    EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="),
              std::string::npos);
    auto later = example();
    later.expires_at += seconds{60};
    EXPECT_EQ(cookie_name(later), cookie_name(example()));
    EXPECT_NE(cookie(later), cookie(example()));
    auto other = example();
    other.metadata["gallery"] = "Jones";
    EXPECT_NE(cookie_name(other), cookie_name(example()));
}

TEST(GalleryCookie, rejects_any_changed_character) {
    const auto text = cookie(example());
    for (std::size_t at = text.find('=') + 1; at < text.size(); ++at) {
        for (const char other : {'A', 'b', '0', '-', '.', '='}) {
            auto tampered = text;
            if (tampered[at] == other) continue;
            tampered[at] = other;
            EXPECT_TRUE(read_cookies(keys(), {tampered}).empty()) << tampered;
        }
    }
    for (std::size_t size = 0; size < text.size(); ++size)
        EXPECT_TRUE(read_cookies(keys(), {std::string_view{text}.substr(0, size)}).empty()) << size;
}

TEST(GalleryCookie, of_one_app_opens_nothing_of_another) {
    auto forged = example();
    const auto value = cookie_value(*keys().of(kOther), forged).value();
    EXPECT_TRUE(read_cookies(keys(), {cookie_name(forged) + "=" + value}).empty());
}

TEST(GalleryCookie, with_claims_that_are_not_understood_opens_nothing) {
    const auto signed_cookie = [](const std::string& claims) {
        const auto encoded = base64url(as_bytes(claims));
        return "__Secure-photogate-1=" + encoded + "." +
               keys().of(kShop)->sign("photogate-cookie-1\n" + encoded);
    };
    const std::string good = R"({"app":"shop","profile":"galleries","expires":1795689600})";
    EXPECT_EQ(read_cookies(keys(), {signed_cookie(good)}).size(), 1U);
    for (const char* claims :
         {R"({"app":"shop","profile":"galleries"})", R"({"app":"shop","expires":1795689600})",
          R"({"app":"shop","profile":"galleries","expires":1795689600,"only":"new"})",
          R"({"app":"shop","profile":"galleries","expires":1795689600,"metadata":{"gallery":7}})",
          R"({"app":"shop","profile":"galleries","expires":1795689600,"metadata":[]})", "[]", ""})
        EXPECT_TRUE(read_cookies(keys(), {signed_cookie(claims)}).empty()) << claims;
}

TEST(GalleryCookie, is_for_images_that_have_all_of_its_metadata) {
    const GalleryPass pass{kShop, kGalleries, {{"gallery", "smith"}, {"year", "2026"}}, kExpires};
    EXPECT_TRUE(pass.is_for(upload_of({{"gallery", "smith"}, {"year", "2026"}, {"order", "7"}})));
    EXPECT_FALSE(pass.is_for(upload_of({{"gallery", "smith"}})));
    EXPECT_FALSE(pass.is_for(upload_of({{"gallery", "smith"}, {"year", "2025"}})));
    EXPECT_FALSE(pass.is_for(upload_of({})));
    // What a client said is not the app's word.
    auto claimed = upload_of({});
    claimed.client_metadata = {{"gallery", "smith"}, {"year", "2026"}};
    EXPECT_FALSE(pass.is_for(claimed));
    const GalleryPass whole{kShop, kGalleries, {}, kExpires};
    EXPECT_TRUE(whole.is_for(upload_of({})));
    auto foreign = upload_of({});
    foreign.profile = ProfileName::trusted("passports");
    EXPECT_FALSE(whole.is_for(foreign));
    foreign = upload_of({});
    foreign.app = kOther;
    EXPECT_FALSE(whole.is_for(foreign));
}

TEST(GalleryCookie, is_bounded) {
    auto large = example();
    large.metadata["gallery"] = std::string(4'000, 'x');
    EXPECT_FALSE(cookie_value(*keys().of(kShop), large));
    std::string many;
    for (int i = 0; i < 16; ++i)
        many += "__Secure-photogate-" + std::to_string(i) + "=x; ";
    EXPECT_TRUE(read_cookies(keys(), {many + cookie(example())}).empty());
    EXPECT_EQ(read_cookies(keys(), {cookie(example()) + "; " + many}).size(), 1U);
    EXPECT_TRUE(read_cookies(keys(), {many, cookie(example())}).empty());
}

}  // namespace
}  // namespace photogate::gateway::access
