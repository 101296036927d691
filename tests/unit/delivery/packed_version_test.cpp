// Versions that are packed: that they are those of URLs, and what is said of one that is not made.
#include "delivery/packed_version.hpp"

#include <gtest/gtest.h>

#include "delivery/parameters.hpp"
#include "model/object_layout.hpp"
#include "model/policy/watermark_policy.hpp"
#include "tests/support/fake_records.hpp"
#include "tests/support/fake_store.hpp"

namespace photogate::delivery {
namespace {

using pipeline::packages::NotMade;
using pipeline::packages::PackageContent;
using storage::packages::FoundUpload;
using Of = PackageContent::Of;

FoundUpload upload_of(const PublicId& public_id) {
    FoundUpload upload;
    upload.public_id = public_id;
    upload.image.emplace();
    upload.image->format = "jpeg";
    upload.image->width = 2'000;
    upload.image->height = 1'000;
    return upload;
}

std::optional<std::string> key(const PackageContent& content, const model::DeliveryPolicy& policy) {
    const auto spec = packed_version(content, policy, upload_of(PublicId::trusted("x")));
    EXPECT_TRUE(spec);
    return spec && *spec ? std::optional{(*spec)->key()} : std::nullopt;
}

TEST(PackedVersionTest, is_the_version_of_a_url_with_the_same_parameters) {
    const model::DeliveryPolicy policy;
    SourceImage source;
    source.width = 2'000;
    source.height = 1'000;
    for (const std::string query :
         {"width=300", "width=300&height=300&fit=cover&gravity=north&format=webp&quality=70"}) {
        AskedImage asked;
        asked.width = 300;
        if (query.size() > 10) {
            asked.height = 300;
            asked.fit = AskedFit::cover;
            asked.gravity = imaging::Gravity::north;
            asked.format_choice = AskedImage::FormatChoice::named;
            asked.format = imaging::Format::webp;
            asked.quality = 70;
        }
        EXPECT_EQ(canonical_query(asked), query);
        EXPECT_EQ(key({Of::version, query}, policy), choose_version(asked, "", policy, source)->spec->key());
    }
    EXPECT_EQ(key({Of::version, ""}, policy), std::nullopt) << "the published image itself";
    EXPECT_EQ(key({Of::version, "width=9000"}, policy), std::nullopt) << "nothing is enlarged";
}

TEST(PackedVersionTest, carries_the_watermark_that_is_named_in_place_of_the_profiles) {
    model::DeliveryPolicy policy;
    imaging::Watermark own, proof;
    own.sha256 = std::string(64, 'a');
    proof.sha256 = std::string(64, 'b');
    policy.watermark = own;
    policy.watermarks["proof"] = proof;
    PackageContent content{Of::version, "width=300"};
    content.watermark = PackageContent::Watermark::named;
    content.mark = "proof";
    auto upload = upload_of(PublicId::trusted("x"));
    for (const std::string& published : {std::string{}, own.identity(), std::string{model::kKeptClean}}) {
        upload.watermark = published;
        const auto spec = packed_version(content, policy, upload);
        ASSERT_TRUE(spec && *spec) << published;
        ASSERT_TRUE((*spec)->watermark) << published;
        EXPECT_EQ((*spec)->watermark->identity(), proof.identity()) << published;
    }
    content.detail = "";
    EXPECT_TRUE(key(content, policy)) << "never the published image itself";
    content.mark = "other";
    EXPECT_EQ(packed_version(content, policy, upload).error().code, ErrorCode::unavailable);
}

TEST(PackedVersionTest, is_a_variant_of_the_profile_by_its_name) {
    model::DeliveryPolicy policy;
    policy.variants["small"].width = 100;
    policy.variants["whole"].width = 9'000;
    EXPECT_NE(key({Of::variant, "small"}, policy), std::nullopt);
    EXPECT_EQ(key({Of::variant, "whole"}, policy), std::nullopt);
}

TEST(PackedVersionTest, is_none_where_the_profile_does_not_offer_the_format_or_it_is_not_known) {
    model::DeliveryPolicy policy;
    policy.formats = {imaging::Format::webp};
    auto upload = upload_of(PublicId::trusted("x"));
    EXPECT_EQ(packed_version({Of::version, "format=avif"}, policy, upload).error().code,
              ErrorCode::invalid_query);
    upload.image->format = "jpeg3000";
    EXPECT_EQ(packed_version({Of::version, ""}, policy, upload).error().code, ErrorCode::unavailable);
}

class PackedVersionMakerTest : public testing::Test {
  protected:
    PackedVersionMakerTest() {
        storage::records::NewUpload item;
        item.upload.id = make_upload_id(clock.now(), random);
        item.upload.public_id = make_public_id(random);
        item.upload.app = AppName::trusted("shop");
        item.upload.profile = ProfileName::trusted("photos");
        item.upload.region = "default";
        id = item.upload.id;
        public_id = item.upload.public_id;
        records.create(std::move(item), [](auto outcome) { EXPECT_TRUE(outcome); });
        records.change(id, [&](model::Upload& changed) {
            changed.state = model::UploadState::published;
            model::PublishedImage image;
            image.key = model::published_key(changed.public_id, std::string(64, 'a'), "jpg");
            image.format = "jpeg";
            changed.image = image;
            changed.finished_at = clock.now();
        });
    }
    static pipeline::Stores make_stores() {
        model::StoreRegion region;
        region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
        std::map<std::string, pipeline::Store> all;
        all.emplace("default", pipeline::Store{region, signer::Signer(region.signer, region.signing_region),
                                               std::make_unique<test::FakeStore>()});
        return pipeline::Stores{std::move(all)};
    }
    std::optional<NotMade> make(VersionRenderer::Attempt outcome, Of of = Of::version) {
        const PackedVersionMaker maker{images, [&](const VersionOrder& order, auto) {
                                           counted = order.counted;
                                           return outcome;
                                       }};
        return maker.make({upload_of(public_id), imaging::VersionSpec{}, of});
    }
    NotMade::Again again(ErrorCode code, std::optional<std::chrono::seconds> after = {}) {
        const auto lacking = make(Error{code, "no", {}, after});
        EXPECT_TRUE(lacking);
        return lacking ? lacking->again : NotMade::Again{};
    }

    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56Z")};
    SeededRandom random{1};
    test::FakeRecords records{clock};
    pipeline::Stores stores = make_stores();
    PublishedImages images{records, stores};
    UploadId id;
    PublicId public_id;
    bool counted = false;
};

TEST_F(PackedVersionMakerTest, has_nothing_to_say_of_one_that_is_there) {
    EXPECT_FALSE(make(storage::records::StoredVersion{}));
    EXPECT_TRUE(counted) << "sizes of an app's choice are bounded as those of a URL";
    EXPECT_FALSE(make(storage::records::StoredVersion{}, Of::variant));
    EXPECT_FALSE(counted);
}

TEST_F(PackedVersionMakerTest, tells_what_is_away_from_what_can_not_be_made) {
    using Again = NotMade::Again;
    using std::chrono::seconds;
    EXPECT_EQ(again(ErrorCode::overloaded), Again::later);
    EXPECT_EQ(again(ErrorCode::store_unavailable), Again::later);
    EXPECT_EQ(again(ErrorCode::database_unavailable), Again::later);
    EXPECT_EQ(again(ErrorCode::unavailable, seconds{4}), Again::later);
    EXPECT_EQ(again(ErrorCode::unavailable, seconds{3'600}), Again::never);
    EXPECT_EQ(again(ErrorCode::rate_limited, seconds{3'600}), Again::never);
    EXPECT_EQ(again(ErrorCode::store_checksum_mismatch), Again::doubtful);
    EXPECT_EQ(again(ErrorCode::store_protocol), Again::doubtful);
    const auto elsewhere = make(storage::records::VersionElsewhere{std::chrono::minutes{2}});
    ASSERT_TRUE(elsewhere);
    EXPECT_EQ(elsewhere->again, Again::later) << "however long the other gateway may take";
}

TEST_F(PackedVersionMakerTest, makes_none_of_an_image_that_was_deleted) {
    records.change(id, [](model::Upload& changed) { changed.state = model::UploadState::deleted; });
    const auto lacking = make(storage::records::StoredVersion{});
    ASSERT_TRUE(lacking);
    EXPECT_EQ(lacking->why.code, ErrorCode::gone);
    EXPECT_EQ(lacking->again, NotMade::Again::never);
}

}  // namespace
}  // namespace photogate::delivery
