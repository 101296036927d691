// Variants recorded with their publication, ordered and announced; and versions that are forgotten for want of use.
#include <stdexcept>

#include "records_database.hpp"
#include "storage/variants/version_eviction.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;
using variants::VersionEviction;

const Bucket kPublic = Bucket::trusted("public");

model::PublishedImage image_at(const std::string& key) {
    return {ObjectKey::trusted(key), ETag::trusted("e"), std::string(64, 'c'), "webp", 4, 3, 9};
}

class VariantRows : public RecordsTest {
  protected:
    model::Publication with_ahead(const model::Upload& upload, const std::vector<std::string>& names) const {
        auto publication = a_publication(upload);
        for (const auto& name : names) {
            const auto image = image_at("v/" + upload.id.str() + "/" + name);
            publication.ahead.versions.push_back({"key-" + name, image, 7});
            publication.ahead.variants.push_back({name, image});
        }
        return publication;
    }
    std::string jobs() { return database.value("select count(*) from jobs where kind = 'make_variants'"); }
    std::string versions() { return database.value("select count(*) from images where role = 'version'"); }
    model::Job claim_variants(const UploadId& id) {
        const auto claimed =
            records->jobs.claim({.worker = "w", .most = 10, .kinds = {model::JobKind::make_variants}});
        for (const auto& job : claimed.value())
            if (job.upload.id == id) return job;
        throw std::runtime_error{"no job"};
    }
    /// A version of a published upload, last used that long ago.
    UploadId used(const std::string& key, const std::string& ago) {
        const auto upload = received();
        const auto job = claim_process(upload.id);
        if (!records->publications.publish(job.lease, with_ahead(job.upload, {key})))
            throw std::runtime_error{"publish"};
        database.run("update images set used_at = now() - interval '" + ago + "' where spec_key = 'key-" +
                     key + "'");
        return upload.id;
    }
};

TEST_F(VariantRows, are_recorded_with_the_publication_and_told_by_its_callback) {
    const auto upload = received();
    const auto job = claim_process(upload.id);
    const auto published =
        records->publications.publish(job.lease, with_ahead(job.upload, {"page", "thumb"})).value();
    EXPECT_EQ(published.variants.size(), 2U);
    EXPECT_EQ(versions(), "2");
    EXPECT_EQ(jobs(), "0");
    const auto found =
        records->variants.find_all({{upload.id, "key-page"}, {upload.id, "key-thumb"}, {upload.id, "other"}});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), 2U);
    EXPECT_EQ(found->at({upload.id, "key-thumb"}), image_at("v/" + upload.id.str() + "/thumb"));
}

TEST_F(VariantRows, of_which_some_lack_are_left_to_a_job_that_announces_them) {
    const auto upload = received();
    const auto job = claim_process(upload.id);
    auto publication = with_ahead(job.upload, {"page"});
    publication.ahead.rest = model::MadeAhead::Rest::later;
    ASSERT_TRUE(records->publications.publish(job.lease, publication));
    ASSERT_EQ(jobs(), "1");
    const auto later = claim_variants(upload.id);
    const auto before = database.value("select sequence from uploads where id = '" + upload.id.str() + "'");
    ASSERT_TRUE(records->variants.announce(later.lease, publication.ahead.variants, VariantStore::Made::all));
    EXPECT_EQ(jobs(), "0");
    EXPECT_EQ(database.value("select count(*) from callbacks where type = 'variant.ready'"), "1");
    EXPECT_EQ(std::stoi(database.value("select sequence from uploads where id = '" + upload.id.str() + "'")),
              std::stoi(before) + 1);
    EXPECT_EQ(records->variants.announce(later.lease, {}, VariantStore::Made::all).error().code,
              ErrorCode::lease_lost);
}

TEST_F(VariantRows, whose_object_is_being_removed_are_left_to_the_job_and_hold_up_nothing) {
    const auto upload = received();
    const auto job = claim_process(upload.id);
    const auto publication = with_ahead(job.upload, {"page", "thumb"});
    ASSERT_TRUE(records->upkeep.mark_deleting(kPublic, {publication.ahead.versions.front().image.key}));
    const auto published = records->publications.publish(job.lease, publication);
    ASSERT_TRUE(published);
    ASSERT_EQ(published->variants.size(), 1U);
    EXPECT_EQ(published->variants.front().name, "thumb");
    EXPECT_EQ(versions(), "1");
    EXPECT_EQ(jobs(), "1");
}

TEST_F(VariantRows, of_a_deleted_upload_are_not_announced) {
    const auto id = in_state(model::UploadState::published).id;
    ASSERT_TRUE(records->variants.order(std::nullopt, id));
    const auto job = claim_variants(id);
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, id));
    ASSERT_TRUE(records->variants.announce(job.lease, {}, VariantStore::Made::all));
    EXPECT_EQ(jobs(), "0");
    EXPECT_EQ(database.value("select count(*) from callbacks where type = 'variant.ready'"), "0");
}

TEST_F(VariantRows, are_ordered_of_a_published_upload_of_the_app_and_once) {
    const auto id = in_state(model::UploadState::published).id;
    ASSERT_TRUE(records->variants.order(AppName::trusted("doorstep"), id));
    ASSERT_TRUE(records->variants.order(std::nullopt, id));
    EXPECT_EQ(jobs(), "1");
    EXPECT_EQ(records->variants.order(AppName::trusted("another"), id).error().code,
              ErrorCode::upload_not_found);
    EXPECT_EQ(records->variants.order(std::nullopt, received().id).error().code, ErrorCode::state_conflict);
}

TEST_F(VariantRows, that_nobody_asked_for_are_forgotten_with_their_objects_marked) {
    used("old", "100 days");
    used("new", "10 days");
    VersionEviction eviction{*records->database};
    constexpr auto kDays = std::chrono::seconds{24h * 90};
    const auto unused = eviction.unused(kDays, 10).value();
    ASSERT_EQ(unused.size(), 1U);
    EXPECT_EQ(unused[0].name.spec_key, "key-old");
    EXPECT_EQ(unused[0].main.width, 2'000U);
    const auto keys = eviction.forget(kPublic, {unused[0].id}, kDays).value();
    ASSERT_EQ(keys, std::vector{unused[0].key});
    EXPECT_EQ(versions(), "1");
    EXPECT_TRUE(eviction.unused(kDays, 10)->empty());

    // Who makes it meanwhile is refused until its object is gone, and puts it anew then.
    const auto finish = [&] {
        const auto claim = records->versions.claim(unused[0].name, 60s).value();
        const auto& ours = std::get<ClaimedVersion>(claim);
        auto stored =
            records->versions.finish(unused[0].name, ours.token, {image_at(unused[0].key.str()), kPublic, 7});
        if (!stored) (void)records->versions.give_up(unused[0].name, ours.token, {"x", 0ms});
        return stored;
    };
    EXPECT_EQ(finish().error().code, ErrorCode::state_conflict);
    ASSERT_TRUE(eviction.removed(kPublic, keys));
    EXPECT_EQ(finish().error().code, ErrorCode::state_conflict);
    EXPECT_TRUE(finish());
    EXPECT_EQ(versions(), "2");
}

TEST_F(VariantRows, that_are_asked_for_at_the_last_moment_stay) {
    const auto id = used("old", "100 days");
    VersionEviction eviction{*records->database};
    constexpr auto kDays = std::chrono::seconds{24h * 90};
    const auto unused = eviction.unused(kDays, 10).value();
    ASSERT_EQ(unused.size(), 1U);
    ASSERT_TRUE(records->versions.used({{id, "key-old"}}));
    EXPECT_TRUE(eviction.forget(kPublic, {unused[0].id}, kDays)->empty());
    EXPECT_EQ(versions(), "1");
    EXPECT_EQ(database.value("select count(*) from sweeps"), "0");
}

TEST_F(VariantRows, that_are_kept_count_as_used) {
    used("old", "100 days");
    VersionEviction eviction{*records->database};
    constexpr auto kDays = std::chrono::seconds{24h * 90};
    ASSERT_TRUE(eviction.keep({eviction.unused(kDays, 10)->front().id}));
    EXPECT_TRUE(eviction.unused(kDays, 10)->empty());
}

}  // namespace
}  // namespace photogate::storage::records::test
