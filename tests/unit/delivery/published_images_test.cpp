#include "delivery/published_images.hpp"

#include <gtest/gtest.h>

#include "model/object_layout.hpp"
#include "tests/support/fake_records.hpp"
#include "tests/support/fake_store.hpp"

namespace photogate::delivery {
namespace {

using model::UploadState;

class PublishedImagesTest : public testing::Test {
  protected:
    pipeline::Stores make_stores() {
        model::StoreRegion region;
        region.published = published;
        region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
        auto objects = std::make_unique<test::FakeStore>();
        store = objects.get();
        std::map<std::string, pipeline::Store> all;
        all.emplace("default", pipeline::Store{region, signer::Signer(region.signer, region.signing_region),
                                               std::move(objects)});
        return pipeline::Stores{std::move(all)};
    }

    /// In state `published`, its object in the store.
    model::Upload make_published(const std::string& format = "jpeg") {
        storage::records::NewUpload item;
        auto& upload = item.upload;
        upload.id = make_upload_id(clock.now(), random);
        upload.public_id = make_public_id(random);
        upload.region = "default";
        const auto id = upload.id;
        records.create(std::move(item), [](auto outcome) { EXPECT_TRUE(outcome); });
        records.change(id, [&](model::Upload& changed) {
            changed.state = UploadState::published;
            model::PublishedImage image;
            image.key = model::published_key(changed.public_id, std::string(64, 'a'), "jpg");
            image.sha256 = std::string(64, 'a');
            image.format = format;
            image.size = bytes.size();
            image.etag = store->write(published, image.key, bytes);
            changed.image = image;
            changed.finished_at = clock.now();
        });
        return records.find(std::nullopt, id).value();
    }
    ErrorCode refusal(const std::string& public_id) {
        const auto located = images.locate(public_id);
        return located ? ErrorCode::internal : located.error().code;
    }

    const std::string bytes = "a clean picture";
    const Bucket published = Bucket::trusted("public");
    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56Z")};
    SeededRandom random{1};
    test::FakeRecords records{clock};
    test::FakeStore* store = nullptr;
    pipeline::Stores stores = make_stores();
    PublishedImages images{records, stores};
};

TEST_F(PublishedImagesTest, asks_for_permission_before_it_tells_anything) {
    const auto upload = make_published();
    std::vector<std::string> asked;
    const PublishedImages::Permit refuse = [&](const model::Upload* of) -> Result<> {
        asked.push_back(of != nullptr ? of->id.str() : "nobody");
        return fail(ErrorCode::signature_invalid, "no");
    };
    const auto code = [&](const std::string& id) { return images.locate(id, refuse).error().code; };
    EXPECT_EQ(code(upload.public_id.str()), ErrorCode::signature_invalid);
    EXPECT_EQ(code(make_public_id(random).str()), ErrorCode::signature_invalid);
    EXPECT_EQ(code("no id at all"), ErrorCode::signature_invalid);
    records.change(upload.id, [](model::Upload& changed) { changed.state = UploadState::deleted; });
    EXPECT_EQ(code(upload.public_id.str()), ErrorCode::signature_invalid);
    EXPECT_EQ(asked, (std::vector<std::string>{upload.id.str(), "nobody", "nobody", upload.id.str()}));
}

TEST_F(PublishedImagesTest, locates_a_published_image_by_its_public_name) {
    const auto upload = make_published();
    const auto located = images.locate(upload.public_id.str());
    ASSERT_TRUE(located);
    EXPECT_EQ(located->key, upload.image->key);
    EXPECT_EQ(located->media_type, "image/jpeg");
    EXPECT_EQ(located->size, bytes.size());
    EXPECT_EQ(located->filename, upload.public_id.str() + ".jpg") << "never the client's";
    EXPECT_EQ(located->has_alpha, std::nullopt) << "of an image from before that was recorded";
    EXPECT_EQ(located->thumb_hash, "");
}

TEST_F(PublishedImagesTest, says_what_stands_in_for_it_and_whether_it_is_opaque) {
    const auto upload = make_published();
    records.change(upload.id, [](model::Upload& changed) {
        changed.image->has_alpha = false;
        changed.facts.emplace();
        changed.facts->placeholder = "1QcSHQRnh493V4dIh4eXh1h4kJUI";
        changed.facts->dominant_color = "#102030";
    });
    const auto located = images.locate(upload.public_id.str());
    ASSERT_TRUE(located);
    EXPECT_EQ(located->has_alpha, false);
    EXPECT_EQ(located->thumb_hash, "1QcSHQRnh493V4dIh4eXh1h4kJUI");
    EXPECT_EQ(located->dominant_color, "#102030");
}

TEST_F(PublishedImagesTest, a_name_that_is_no_id_is_not_asked_of_the_records) {
    for (const std::string name : {"", "x", "../../etc/passwd", "7h2k4m6n8p0q1r3s5t7v9w0x2u",
                                   "7H2K4M6N8P0Q1R3S5T7V9W0X2Y", "7h2k4m6n8p0q1r3s5t7v9w0x2y0"})
        EXPECT_EQ(refusal(name), ErrorCode::not_published) << name;
    EXPECT_EQ(records.calls("find_public"), 0U);
}

TEST_F(PublishedImagesTest, an_unknown_name_is_not_published) {
    EXPECT_EQ(refusal(make_public_id(random).str()), ErrorCode::not_published);
}

TEST_F(PublishedImagesTest, every_state_but_published_and_deleted_is_not_published) {
    const auto upload = make_published();
    for (const auto state :
         {UploadState::created, UploadState::uploaded, UploadState::processing, UploadState::rejected,
          UploadState::failed, UploadState::expired, UploadState::cancelled}) {
        records.change(upload.id, [&](model::Upload& changed) { changed.state = state; });
        EXPECT_EQ(refusal(upload.public_id.str()), ErrorCode::not_published) << to_string(state);
    }
}

TEST_F(PublishedImagesTest, a_deleted_image_is_gone) {
    const auto upload = make_published();
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, upload.id));
    EXPECT_EQ(refusal(upload.public_id.str()), ErrorCode::gone);
}

TEST_F(PublishedImagesTest, a_region_or_format_that_is_not_known_here_is_unavailable) {
    const auto moved = make_published();
    records.change(moved.id, [](model::Upload& changed) { changed.region = "elsewhere"; });
    EXPECT_EQ(refusal(moved.public_id.str()), ErrorCode::unavailable);
    EXPECT_EQ(refusal(make_published("hologram").public_id.str()), ErrorCode::unavailable);
}

TEST_F(PublishedImagesTest, passes_on_that_the_database_is_away) {
    const auto upload = make_published();
    records.before = [](std::string_view) {
        return Error{ErrorCode::database_unavailable, "", {}, std::nullopt};
    };
    EXPECT_EQ(refusal(upload.public_id.str()), ErrorCode::database_unavailable);
}

TEST_F(PublishedImagesTest, opens_the_object_that_was_published_or_a_range_of_it) {
    const auto located = images.locate(make_published().public_id.str());
    ASSERT_TRUE(located);
    auto whole = images.open(*located, std::nullopt);
    ASSERT_TRUE(whole);
    EXPECT_EQ((*whole)->length(), bytes.size());
    auto part = images.open(*located, storage::objects::ByteRange{2, 6});
    ASSERT_TRUE(part);
    std::string read(10, '\0');
    EXPECT_EQ((*part)->read({reinterpret_cast<std::uint8_t*>(read.data()), read.size()}), 5U);
    EXPECT_EQ(read.substr(0, 5), "clean");
    EXPECT_EQ(images.changed(), 0U);
}

TEST_F(PublishedImagesTest, never_opens_another_object_in_its_place) {
    const auto located = images.locate(make_published().public_id.str());
    ASSERT_TRUE(located);
    store->write(published, located->key, std::string(bytes.size(), 'x'));
    EXPECT_EQ(images.open(*located, std::nullopt).error().code, ErrorCode::store_protocol);
    store->write(published, located->key, "shorter");
    EXPECT_EQ(images.open(*located, storage::objects::ByteRange{10, 12}).error().code,
              ErrorCode::store_protocol);
    EXPECT_EQ(images.changed(), 2U);
}

TEST_F(PublishedImagesTest, passes_on_that_the_object_or_the_store_is_gone) {
    const auto located = images.locate(make_published().public_id.str());
    ASSERT_TRUE(located);
    ASSERT_TRUE(store->remove(published, located->key, std::nullopt));
    EXPECT_EQ(images.open(*located, std::nullopt).error().code, ErrorCode::store_no_such_key);
    store->before = [](const test::FakeStore::Call&) {
        return Error{ErrorCode::store_unavailable, "", {}, std::nullopt};
    };
    EXPECT_EQ(images.open(*located, std::nullopt).error().code, ErrorCode::store_unavailable);
    EXPECT_EQ(images.changed(), 0U);
}

}  // namespace
}  // namespace photogate::delivery
