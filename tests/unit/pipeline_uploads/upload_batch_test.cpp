// Many uploads in one call, and duplicates.
#include "base/encoding.hpp"
#include "fixture.hpp"

namespace photogate::pipeline::uploads::test {
namespace {

class UploadBatchTest : public UploadServiceTest {
  protected:
    PlannedBatch planned(const Caller& caller, std::vector<CreateRequest> requests,
                         std::optional<std::string> key = {}) {
        PlannedBatch batch;
        for (auto& each : requests)
            batch.items.push_back(service.plan(caller, std::move(each)));
        batch.idempotency_key = std::move(key);
        batch.request_sha256 = std::string(64, 'a');
        return batch;
    }
    static CreateRequest too_large() {
        auto wanted = request();
        wanted.grant.size = 1'001;
        return wanted;
    }
};

TEST_F(UploadBatchTest, refuses_items_one_by_one_and_creates_the_others) {
    const auto outcomes =
        service.create_batch(app(), planned(app(), {request(), too_large(), request()})).value();
    ASSERT_EQ(outcomes.size(), 3U);
    EXPECT_TRUE(outcomes[0]);
    EXPECT_EQ(code_of(outcomes[1]), ErrorCode::size_over_limit);
    EXPECT_TRUE(outcomes[2]);
    EXPECT_EQ(records.calls("create_batch"), 1U);
}

TEST_F(UploadBatchTest, asks_for_nothing_where_every_item_is_refused) {
    const auto outcomes = service.create_batch(app(), planned(app(), {too_large()})).value();
    EXPECT_EQ(code_of(outcomes.at(0)), ErrorCode::size_over_limit);
    EXPECT_EQ(records.calls("create_batch"), 0U);
}

TEST_F(UploadBatchTest, repeated_key_gives_the_first_urls) {
    auto first = planned(app(), {request(), too_large(), request()}, "once");
    const auto url = first.items[2]->granted.grant.url;
    ASSERT_TRUE(service.create_batch(app(), std::move(first)));
    clock.advance(std::chrono::seconds{30});
    const auto again =
        service.create_batch(app(), planned(app(), {request(), too_large(), request()}, "once")).value();
    ASSERT_TRUE(again[2]);
    EXPECT_EQ(again[2]->replayed->grant.url, url);
    EXPECT_EQ(code_of(again[1]), ErrorCode::size_over_limit);
}

TEST_F(UploadBatchTest, operator_creates_no_batch) {
    EXPECT_EQ(code_of(service.create_batch(the_operator(), {})), ErrorCode::forbidden);
}

TEST_F(UploadBatchTest, answers_a_published_upload_in_place_of_a_new_one) {
    const auto published = changed(app(), model::UploadState::published);
    records.change(published.id, [](model::Upload& stored) {
        stored.facts.emplace();
        stored.facts->sha256 = std::string(64, 'a');
    });
    auto wanted = request();
    wanted.grant.sha256 = std::string(64, 'a');
    ASSERT_FALSE(store_planned(service.plan(app(), wanted).value())->duplicate);
    wanted.grant.dedupe = true;
    const auto outcome = store_planned(service.plan(app(), wanted).value()).value();
    ASSERT_TRUE(outcome.duplicate);
    EXPECT_EQ(outcome.duplicate->id, published.id);
}

TEST_F(UploadBatchTest, duplicate_needs_a_checksum_and_is_not_for_a_tokens_bearer) {
    auto wanted = request();
    wanted.grant.dedupe = true;
    EXPECT_EQ(code_of(service.plan(app(), wanted)), ErrorCode::invalid_checksum);
    wanted.grant.sha256 = std::string(64, 'a');
    EXPECT_EQ(code_of(service.plan(bearer(), wanted)), ErrorCode::invalid_field);
}

}  // namespace
}  // namespace photogate::pipeline::uploads::test
