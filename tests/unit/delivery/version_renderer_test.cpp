// One attempt at a version, with records, a store and an imager in memory.
#include "delivery/version_renderer.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "model/object_layout.hpp"
#include "signer/digest.hpp"
#include "tests/support/fake_records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/fake_versions.hpp"

namespace photogate::delivery {
namespace {

using namespace std::chrono_literals;
using storage::records::StoredVersion;
using storage::records::VersionElsewhere;

constexpr std::string_view kMade = "the version's bytes";

class FakeImager final : public imaging::ImageProcessor {
  public:
    Result<imaging::Outcome> try_run(const imaging::Task& task, const imaging::Terms& terms) override {
        ++runs;
        last = task;
        lane = terms.lane;
        if (during) during();
        if (terms.wanted && !terms.wanted()) return fail(ErrorCode::overloaded, "nobody waits");
        if (error) return fail(*error);
        if (rejection) return imaging::Outcome{*rejection};
        imaging::Processed processed;
        processed.pictures.emplace_back();
        auto& picture = processed.pictures.back();
        const auto bytes = as_bytes(kMade);
        picture.bytes.assign(bytes.begin(), bytes.end());
        picture.format = imaging::Format::webp;
        picture.width = 480;
        picture.height = 320;
        return imaging::Outcome{std::move(processed)};
    }
    std::optional<Error> error;
    std::optional<imaging::Rejection> rejection;
    std::function<void()> during;
    int runs = 0;
    imaging::Task last;
    imaging::Lane lane = imaging::Lane::uploads;
};

class VersionRendererTest : public testing::Test {
  protected:
    VersionRendererTest() { versions.publish(order.source.upload); }
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
    VersionOrder make_order() {
        VersionOrder made;
        made.source.store = stores.of("default");
        made.source.upload = UploadId::trusted("upl_00000000000000000000000000");
        made.source.public_id = make_public_id(random);
        made.source.key = model::published_key(made.source.public_id, std::string(64, 'a'), "jpg");
        made.source.size = source.size();
        made.source.sha256 = hex_lower(signer::sha256(source));
        made.source.etag = store->write(published, made.source.key, source);
        made.spec.max_edge = 480;
        made.spec.format = imaging::Format::webp;
        return made;
    }
    VersionRenderer::Attempt attempt() {
        return renderer.attempt(order, std::chrono::steady_clock::now() + 5s);
    }
    Error error() {
        auto outcome = attempt();
        EXPECT_TRUE(std::holds_alternative<Error>(outcome));
        return std::holds_alternative<Error>(outcome) ? std::get<Error>(outcome) : Error{};
    }
    std::size_t version_objects() const { return store->size(published) - 1; }

    const std::string source = std::string(200'000, 's');
    const Bucket published = Bucket::trusted("public");
    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56Z")};
    SeededRandom random{1};
    test::FakeRecords records{clock};
    test::FakeVersions versions{clock};
    test::FakeStore* store = nullptr;
    pipeline::Stores stores = make_stores();
    PublishedImages images{records, stores};
    FakeImager imager;
    VersionRenderer renderer{{versions, images, imager}};
    VersionOrder order = make_order();
};

TEST_F(VersionRendererTest, renders_the_published_image_and_stores_the_version_once) {
    const auto first = attempt();
    ASSERT_TRUE(std::holds_alternative<StoredVersion>(first));
    const auto& image = std::get<StoredVersion>(first).image;
    const auto sha256 = hex_lower(signer::sha256(kMade));
    EXPECT_EQ(image.key, model::version_key(order.source.public_id,
                                            hex_lower(signer::sha256(order.spec.key())), sha256, "webp"));
    EXPECT_EQ(image.sha256, sha256);
    EXPECT_EQ(image.format, "webp");
    EXPECT_EQ(image.size, kMade.size());
    EXPECT_TRUE(store->has(published, image.key));
    EXPECT_EQ(imager.last.size, source.size());
    EXPECT_EQ(imager.last.facts, std::nullopt) << "rendered only";
    EXPECT_EQ(imager.last.versions, std::vector{order.spec});
    EXPECT_EQ(imager.lane, imaging::Lane::on_demand);
    const auto second = attempt();
    ASSERT_TRUE(std::holds_alternative<StoredVersion>(second));
    EXPECT_EQ(std::get<StoredVersion>(second).image, image);
    EXPECT_EQ(imager.runs, 1);
}

TEST_F(VersionRendererTest, leaves_to_another_gateway_what_that_makes) {
    ASSERT_TRUE(versions.claim(order.name(), 60s));
    const auto outcome = attempt();
    ASSERT_TRUE(std::holds_alternative<VersionElsewhere>(outcome));
    EXPECT_EQ(imager.runs, 0);
    versions.expire_leases();
    EXPECT_TRUE(std::holds_alternative<StoredVersion>(attempt())) << "its lease ran out";
}

TEST_F(VersionRendererTest, a_picture_that_fails_is_not_tried_again_at_once_and_ever_later) {
    imager.error = Error{ErrorCode::imager_crashed, "crashed", {}, {}};
    std::chrono::seconds last{0};
    for (int i = 0; i < 4; ++i) {
        const auto told = error();
        EXPECT_EQ(told.code, ErrorCode::unavailable);
        ASSERT_TRUE(told.retry_after);
        EXPECT_GT(*told.retry_after, last);
        last = *told.retry_after;
        EXPECT_EQ(error().code, ErrorCode::unavailable);
        EXPECT_EQ(imager.runs, i + 1) << "it was not tried again";
        versions.all_due();
    }
    imager.error.reset();
    EXPECT_TRUE(std::holds_alternative<StoredVersion>(attempt()));
}

TEST_F(VersionRendererTest, a_picture_that_is_refused_waits_for_an_hour) {
    imager.rejection = imaging::Rejection{imaging::RejectionCode::corrupt, "it is broken"};
    const auto told = error();
    EXPECT_EQ(told.code, ErrorCode::unavailable);
    EXPECT_EQ(told.retry_after, 3'600s);
    EXPECT_NE(told.detail.find("it is broken"), std::string::npos);
    clock.advance(59min);
    EXPECT_NE(error().detail.find("corrupt"), std::string::npos);
    EXPECT_EQ(imager.runs, 1);
}

TEST_F(VersionRendererTest, overload_is_told_and_counts_against_nobody) {
    imager.error = Error{ErrorCode::overloaded, "full", {}, {}};
    const auto told = error();
    EXPECT_EQ(told.code, ErrorCode::overloaded);
    EXPECT_TRUE(told.retry_after);
    versions.all_due();
    const auto claim = versions.claim(order.name(), 60s).value();
    EXPECT_EQ(std::get<storage::records::ClaimedVersion>(claim).failures, 0U);
}

TEST_F(VersionRendererTest, of_an_image_that_is_gone_there_is_no_version) {
    store->before = [](const test::FakeStore::Call& call) -> std::optional<Error> {
        if (call.name != "get") return std::nullopt;
        return Error{ErrorCode::store_no_such_key, "", {}, {}};
    };
    EXPECT_EQ(error().code, ErrorCode::gone);
    versions.erase(order.source.upload);
    EXPECT_EQ(error().code, ErrorCode::gone);
    EXPECT_EQ(imager.runs, 0);
}

TEST_F(VersionRendererTest, another_object_in_the_images_place_is_not_rendered) {
    store->write(published, order.source.key, std::string(200'000, 'x'));
    EXPECT_EQ(error().code, ErrorCode::store_protocol);
    EXPECT_EQ(imager.runs, 0);
    EXPECT_EQ(images.changed(), 1U);
}

TEST_F(VersionRendererTest, other_bytes_under_the_right_etag_are_not_rendered) {
    order.source.sha256 = hex_lower(signer::sha256("what was published"));
    EXPECT_EQ(error().code, ErrorCode::store_checksum_mismatch);
    EXPECT_EQ(imager.runs, 0);
    EXPECT_EQ(version_objects(), 0U);
    order.source.sha256 = hex_lower(signer::sha256(source));
    versions.all_due();
    EXPECT_TRUE(std::holds_alternative<StoredVersion>(attempt())) << "the store's fault costs no attempt";
}

TEST_F(VersionRendererTest, what_nobody_waits_for_is_left_before_a_process_has_it_and_is_free_at_once) {
    int asked_until = 0;
    for (; imager.runs == 0 && asked_until < 1'000; ++asked_until) {
        const auto left = renderer.attempt(order, std::chrono::steady_clock::now() + 5s,
                                           [&, left = asked_until]() mutable { return left-- > 0; });
        EXPECT_TRUE(std::holds_alternative<VersionRenderer::Unwanted>(left)) << asked_until;
        EXPECT_EQ(version_objects(), 0U);
    }
    EXPECT_GE(asked_until, 4) << "before it is claimed, while it is fetched, before it is rendered";
    EXPECT_EQ(imager.runs, 1) << "its turn came, and it was not begun";
    const auto claim = versions.claim(order.name(), 60s).value();
    EXPECT_EQ(std::get<storage::records::ClaimedVersion>(claim).failures, 0U);
}

TEST_F(VersionRendererTest, an_image_has_a_bounded_number_of_versions_beyond_its_sizes) {
    VersionRenderer bounded{{versions, images, imager}, {.most_of_image = 3}};
    const auto ask = [&](std::uint32_t edge, bool counted) {
        order.spec.max_edge = edge;
        order.counted = counted;
        return bounded.attempt(order, std::chrono::steady_clock::now() + 5s);
    };
    for (std::uint32_t edge : {100, 101, 102})
        EXPECT_TRUE(std::holds_alternative<StoredVersion>(ask(edge, true))) << edge;
    const auto refused = ask(103, true);
    ASSERT_TRUE(std::holds_alternative<Error>(refused));
    EXPECT_EQ(std::get<Error>(refused).code, ErrorCode::rate_limited);
    EXPECT_EQ(imager.runs, 3);
    EXPECT_TRUE(std::holds_alternative<StoredVersion>(ask(102, true))) << "what is there is there";
    EXPECT_TRUE(std::holds_alternative<StoredVersion>(ask(480, false))) << "its sizes are made nevertheless";
    EXPECT_TRUE(std::holds_alternative<Error>(ask(104, true)));
}

TEST_F(VersionRendererTest, a_store_that_fails_costs_no_attempt) {
    for (const char* call : {"get", "put"}) {
        store->before = [&](const test::FakeStore::Call& made) -> std::optional<Error> {
            if (made.name != call) return std::nullopt;
            return Error{ErrorCode::store_unavailable, "away", {}, {}};
        };
        EXPECT_EQ(error().code, ErrorCode::store_unavailable) << call;
        versions.all_due();
    }
    EXPECT_EQ(version_objects(), 0U);
    store->before = {};
    EXPECT_TRUE(std::holds_alternative<StoredVersion>(attempt()));
}

TEST_F(VersionRendererTest, a_lease_that_is_lost_meanwhile_stores_no_row) {
    imager.during = [&] {
        versions.expire_leases();
        ASSERT_TRUE(versions.claim(order.name(), 60s));
    };
    EXPECT_EQ(error().code, ErrorCode::unavailable);
    EXPECT_EQ(versions.stored(), 0U);
}

TEST_F(VersionRendererTest, of_an_upload_that_is_deleted_meanwhile_no_object_stays) {
    imager.during = [&] { versions.erase(order.source.upload); };
    EXPECT_EQ(error().code, ErrorCode::gone);
    EXPECT_EQ(version_objects(), 0U);
}

TEST_F(VersionRendererTest, an_object_that_is_being_swept_is_put_again_later) {
    const auto key = model::version_key(order.source.public_id, hex_lower(signer::sha256(order.spec.key())),
                                        hex_lower(signer::sha256(kMade)), "webp");
    versions.mark_deleting(key);
    EXPECT_EQ(error().code, ErrorCode::unavailable);
    versions.all_due();
    EXPECT_TRUE(std::holds_alternative<StoredVersion>(attempt()));
}

TEST_F(VersionRendererTest, records_that_are_away_are_told) {
    versions.before = [](std::string_view) -> std::optional<Error> {
        return Error{ErrorCode::database_unavailable, "away", {}, {}};
    };
    EXPECT_EQ(error().code, ErrorCode::database_unavailable);
    EXPECT_EQ(imager.runs, 0);
}

}  // namespace
}  // namespace photogate::delivery
