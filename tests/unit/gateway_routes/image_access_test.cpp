// Who may see an image: links and cookies held against uploads of public and private profiles.
#include "gateway/routes/image_access.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::routes {
namespace {

using access::ImageLink;
using model::DeliveryPolicy;
using std::chrono::seconds;

const Timestamp kNow = *parse_rfc3339("2026-11-20T12:00:00Z");
const Timestamp kExpires = kNow + seconds{600};
const AppName kShop = AppName::trusted("shop"), kOther = AppName::trusted("other");
const ProfileName kOpen = ProfileName::trusted("open"), kGalleries = ProfileName::trusted("galleries");
const std::string kImage = "7h2k4m6n8p0q1r3s5t7v9w0x2y";

model::Apps make_apps(DeliveryPolicy::Audience audience) {
    model::Apps apps;
    for (const auto& name : {kShop, kOther}) {
        apps[name].name = name;
        apps[name].profiles[kOpen].name = kOpen;
    }
    auto& galleries = apps[kShop].profiles[kGalleries];
    galleries.name = kGalleries;
    galleries.delivery.audience = audience;
    return apps;
}

access::LinkKeys make_keys() {
    std::map<AppName, signer::LinkSigner> signers;
    signers.emplace(kShop, signer::LinkSigner{{Secret{"an app's secret of 32 characters"}}});
    signers.emplace(kOther, signer::LinkSigner{{Secret{"another app's secret, 32 or more"}}});
    return access::LinkKeys{std::move(signers)};
}

class ImageAccessTest : public testing::Test {
  protected:
    static model::Upload upload_of(const AppName& app, const ProfileName& profile) {
        model::Upload upload;
        upload.app = app;
        upload.profile = profile;
        upload.metadata = {{"gallery", "smith"}};
        return upload;
    }
    access::VerifiedLink link(const AppName& app, ImageLink::Scope scope = ImageLink::Scope::version) const {
        return {app, scope, kExpires};
    }
    access::GalleryPass pass(model::TextMap metadata, Timestamp expires = kExpires) const {
        return {kShop, kGalleries, std::move(metadata), expires};
    }
    static ErrorCode refusal(const Result<Admission>& admission) {
        return admission ? ErrorCode::internal : admission.error().code;
    }

    ManualClock clock{kNow};
    model::LiveApps apps{make_apps(DeliveryPolicy::Audience::link_holders)};
    model::LiveApps open_apps{make_apps(DeliveryPolicy::Audience::everybody)};
    access::LiveLinkKeys link_keys{make_keys()};
    ImageAccess access{apps, link_keys, clock};
    ImageAccess open{open_apps, link_keys, clock};
    const model::Upload in_gallery = upload_of(kShop, kGalleries), in_open = upload_of(kShop, kOpen);
};

TEST_F(ImageAccessTest, public_image_needs_nothing_and_is_cached_for_ever) {
    const auto admission = access.admit({}, &in_open);
    ASSERT_TRUE(admission);
    EXPECT_EQ(admission->cache_control(kNow), "public, max-age=31536000, immutable");
    EXPECT_FALSE(admission->any_size);
}

TEST_F(ImageAccessTest, private_image_needs_a_link_of_its_app) {
    EXPECT_EQ(refusal(access.admit({}, &in_gallery)), ErrorCode::signature_invalid);
    EXPECT_EQ(refusal(access.admit({link(kOther), {}}, &in_gallery)), ErrorCode::signature_invalid);
    const auto admission = access.admit({link(kShop), {}}, &in_gallery);
    ASSERT_TRUE(admission);
    EXPECT_EQ(admission->cache_control(kNow), "private, max-age=600");
    EXPECT_EQ(admission->cache_control(kNow + std::chrono::milliseconds{500}), "private, max-age=599");
    EXPECT_EQ(admission->cache_control(kExpires + seconds{5}), "private, max-age=0");
    EXPECT_EQ(access.counts().by_link, 1U);
    EXPECT_EQ(access.counts().refused, 2U);
}

TEST_F(ImageAccessTest, only_a_link_for_the_version_is_for_any_size) {
    EXPECT_TRUE(access.admit({link(kShop), {}}, &in_open)->any_size);
    EXPECT_FALSE(access.admit({link(kShop, ImageLink::Scope::image), {}}, &in_gallery)->any_size);
    EXPECT_EQ(refusal(access.admit({link(kOther), {}}, &in_open)), ErrorCode::signature_invalid);
    EXPECT_EQ(access.admit({link(kShop), {}}, &in_open)->until, std::nullopt);
}

TEST_F(ImageAccessTest, cookie_opens_what_it_is_for_until_it_expires) {
    const auto admission =
        access.admit({{}, {pass({{"gallery", "jones"}}), pass({{"gallery", "smith"}})}}, &in_gallery);
    ASSERT_TRUE(admission);
    EXPECT_TRUE(admission->by_cookie);
    EXPECT_FALSE(admission->any_size);
    EXPECT_EQ(admission->cache_control(kNow), "private, max-age=600");
    EXPECT_EQ(refusal(access.admit({{}, {pass({{"gallery", "jones"}})}}, &in_gallery)),
              ErrorCode::signature_invalid);
    EXPECT_EQ(refusal(access.admit({{}, {pass({}, kNow)}}, &in_gallery)), ErrorCode::link_expired);
    EXPECT_TRUE(access.admit({{}, {pass({}, kNow), pass({})}}, &in_gallery));
    EXPECT_EQ(access.counts().by_cookie, 2U);
    EXPECT_EQ(access.counts().expired, 1U);
}

TEST_F(ImageAccessTest, unknown_id_is_answered_as_a_private_image_where_there_are_any) {
    EXPECT_EQ(refusal(access.admit({}, nullptr)), ErrorCode::signature_invalid);
    EXPECT_EQ(access.admit({}, nullptr).error().detail, access.admit({}, &in_gallery).error().detail);
    EXPECT_TRUE(access.admit({link(kShop), {}}, nullptr));
    EXPECT_TRUE(open.admit({}, nullptr));
}

TEST_F(ImageAccessTest, image_of_a_profile_that_is_no_longer_configured_is_private_where_there_are_any) {
    const auto removed = upload_of(kShop, ProfileName::trusted("removed"));
    const auto gone = upload_of(AppName::trusted("gone"), kOpen);
    EXPECT_EQ(refusal(access.admit({}, &removed)), ErrorCode::signature_invalid);
    EXPECT_EQ(refusal(access.admit({}, &gone)), ErrorCode::signature_invalid);
    EXPECT_TRUE(open.admit({}, &removed));
    EXPECT_TRUE(open.admit({}, &gone));
}

}  // namespace
}  // namespace photogate::gateway::routes
