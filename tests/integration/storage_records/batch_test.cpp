// Batches of uploads in one transaction, and uploads of bytes that are published already.
#include <thread>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

class BatchTest : public RecordsTest {
  protected:
    NewBatch batch_of(std::size_t size, std::optional<IdempotencyKey> key = {}) {
        NewBatch batch{AppName::trusted("doorstep"), {}, {}, std::move(key)};
        for (std::size_t i = 0; i < size; ++i) {
            batch.uploads.push_back(new_upload());
            batch.places.push_back(i);
        }
        return batch;
    }
    /// Asked again: other ids, the same request.
    NewBatch again(const NewBatch& batch) {
        auto repeated = batch_of(batch.uploads.size(), batch.idempotency);
        repeated.places = batch.places;
        return repeated;
    }
    static void with_token(NewBatch& batch, std::uint64_t most) {
        for (auto& item : batch.uploads) {
            item.upload.client_token = "tok_a";
            item.token = TokenLimits{most, std::nullopt, item.upload.expires_at};
        }
    }
    std::string count() { return database.value("select count(*) from uploads"); }
    /// As `a_publication` has it.
    std::string published_bytes(const model::Upload& upload) { return a_publication(upload).facts.sha256; }
};

TEST_F(BatchTest, writes_all_items_in_one_transaction) {
    const auto batch = batch_of(500);
    const auto outcomes = records->uploads.create_batch(batch);
    ASSERT_TRUE(outcomes) << outcomes.error().detail;
    ASSERT_EQ(outcomes->size(), 500U);
    for (std::size_t i = 0; i < 500; ++i) {
        ASSERT_TRUE((*outcomes)[i]);
        EXPECT_EQ((*outcomes)[i]->upload.id, batch.uploads[i].upload.id);
    }
    EXPECT_EQ(database.value("select count(distinct xmin::text) || '/' || count(*) from uploads"), "1/500");
}

TEST_F(BatchTest, counts_a_token_over_the_whole_batch) {
    auto batch = batch_of(5);
    with_token(batch, 3);
    const auto outcomes = records->uploads.create_batch(batch).value();
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(outcomes[i].has_value(), i < 3);
        if (!outcomes[i]) {
            EXPECT_EQ(outcomes[i].error().code, ErrorCode::token_exhausted);
        }
    }
    EXPECT_EQ(database.value("select uploads from client_tokens"), "3");
    EXPECT_EQ(count(), "3");
}

TEST_F(BatchTest, holds_a_token_over_concurrent_batches) {
    const auto other = open();
    std::atomic<int> created{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        auto batch = batch_of(10);
        with_token(batch, 25);
        threads.emplace_back([&, i, batch = std::move(batch)] {
            const auto outcomes = (i % 2 ? *records : *other).uploads.create_batch(batch);
            ASSERT_TRUE(outcomes) << outcomes.error().detail;
            for (const auto& outcome : *outcomes)
                created += outcome ? 1 : 0;
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(created, 25);
    EXPECT_EQ(count(), "25");
}

TEST_F(BatchTest, repeats_the_first_answer_for_the_same_key) {
    auto batch = batch_of(4, IdempotencyKey{"k", "h"});
    batch.places = {0, 2, 3, 9};
    ASSERT_TRUE(records->uploads.create_batch(batch));
    const auto repeated = records->uploads.create_batch(again(batch)).value();
    ASSERT_EQ(repeated.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        ASSERT_TRUE(repeated[i]);
        EXPECT_EQ(repeated[i]->how, Created::How::replayed);
        EXPECT_EQ(repeated[i]->upload.id, batch.uploads[i].upload.id);
    }
    EXPECT_EQ(count(), "4");
}

TEST_F(BatchTest, item_that_was_refused_first_stays_refused) {
    auto batch = batch_of(2, IdempotencyKey{"k", "h"});
    batch.places = {0, 2};
    ASSERT_TRUE(records->uploads.create_batch(batch));
    const auto repeated =
        records->uploads
            .create_batch([&] {
                auto more = batch_of(3, batch.idempotency);  // what the first call refused can be planned now
                return more;
            }())
            .value();
    EXPECT_EQ(repeated[0]->upload.id, batch.uploads[0].upload.id);
    EXPECT_EQ(repeated[1].error().code, ErrorCode::idempotency_key_reused);
    EXPECT_EQ(repeated[2]->upload.id, batch.uploads[1].upload.id);
    EXPECT_EQ(count(), "2");
}

TEST_F(BatchTest, key_of_another_request_creates_nothing) {
    ASSERT_TRUE(records->uploads.create_batch(batch_of(2, IdempotencyKey{"k", "h"})));
    EXPECT_EQ(records->uploads.create_batch(batch_of(3, IdempotencyKey{"k", "other"})).error().code,
              ErrorCode::idempotency_key_reused);
    auto single = new_upload();
    single.idempotency = IdempotencyKey{"k", "single"};
    EXPECT_EQ(try_create(single).error().code, ErrorCode::idempotency_key_reused);
    EXPECT_EQ(count(), "2");
    single.idempotency = IdempotencyKey{"s", "single"};
    ASSERT_TRUE(try_create(single));
    EXPECT_EQ(records->uploads.create_batch(batch_of(2, IdempotencyKey{"s", "h"})).error().code,
              ErrorCode::idempotency_key_reused);
    EXPECT_EQ(count(), "3");
}

TEST_F(BatchTest, key_is_free_again_after_a_day) {
    const auto first = batch_of(1, IdempotencyKey{"k", "h"});
    ASSERT_TRUE(records->uploads.create_batch(first));
    clock.advance(std::chrono::hours{25});
    const auto next = batch_of(1, IdempotencyKey{"k", "other"});
    const auto outcomes = records->uploads.create_batch(next).value();
    EXPECT_EQ(outcomes[0]->how, Created::How::created);
    EXPECT_EQ(outcomes[0]->upload.id, next.uploads[0].upload.id);
}

TEST_F(BatchTest, concurrent_uses_of_one_key_create_one_batch) {
    const auto other = open();
    std::vector<NewBatch> batches;
    for (int i = 0; i < 8; ++i)
        batches.push_back(batch_of(20, IdempotencyKey{"race", "h"}));
    std::vector<std::thread> threads;
    std::vector<std::string> first_ids(batches.size());
    for (std::size_t i = 0; i < batches.size(); ++i) {
        threads.emplace_back([&, i] {
            const auto outcomes = (i % 2 ? *records : *other).uploads.create_batch(batches[i]);
            ASSERT_TRUE(outcomes) << outcomes.error().detail;
            first_ids[i] = outcomes->front()->upload.id.str();
        });
    }
    for (auto& thread : threads)
        thread.join();
    for (const auto& id : first_ids)
        EXPECT_EQ(id, first_ids.front());
    EXPECT_EQ(count(), "20");
}

TEST_F(BatchTest, answers_the_published_upload_of_the_same_bytes) {
    const auto published = in_state(model::UploadState::published);
    auto item = new_upload();
    item.upload.profile = published.profile;
    item.unless_published = published_bytes(published);
    const auto duplicate = try_create(item);
    ASSERT_TRUE(duplicate) << duplicate.error().detail;
    EXPECT_EQ(duplicate->how, Created::How::deduplicated);
    EXPECT_EQ(duplicate->upload.id, published.id);
    EXPECT_EQ(count(), "1");

    auto batch = batch_of(2);
    batch.uploads[1].unless_published = item.unless_published;
    const auto outcomes = records->uploads.create_batch(batch).value();
    EXPECT_EQ(outcomes[0]->how, Created::How::created);
    EXPECT_EQ(outcomes[1]->how, Created::How::deduplicated);
    EXPECT_EQ(outcomes[1]->upload.id, published.id);
}

TEST_F(BatchTest, bytes_of_another_app_profile_or_deleted_upload_are_new) {
    const auto published = in_state(model::UploadState::published);
    const auto how = [&](const std::string& app, const std::string& profile) {
        auto item = new_upload(app);
        item.upload.profile = ProfileName::trusted(profile);
        item.unless_published = published_bytes(published);
        return try_create(item)->how;
    };
    EXPECT_EQ(how("doorstep", "photos"), Created::How::deduplicated);
    EXPECT_EQ(how("another", "photos"), Created::How::created);
    EXPECT_EQ(how("doorstep", "another"), Created::How::created);
    ASSERT_TRUE(records->uploads.cancel_or_delete(published.app, published.id));
    EXPECT_EQ(how("doorstep", "photos"), Created::How::created);
}

TEST_F(BatchTest, replay_is_answered_before_a_duplicate) {
    auto item = new_upload();
    item.idempotency = IdempotencyKey{"k", "h"};
    item.unless_published = std::string(64, 'a');
    ASSERT_EQ(try_create(item)->how, Created::How::created);
    const auto published = in_state(model::UploadState::published);
    database.run("update uploads set found_sha256 = repeat('a', 64) where id = '" + published.id.str() + "'");
    auto again = new_upload();
    again.idempotency = item.idempotency;
    again.unless_published = item.unless_published;
    const auto replayed = try_create(again).value();
    EXPECT_EQ(replayed.how, Created::How::replayed);
    EXPECT_EQ(replayed.upload.id, item.upload.id);
    again.idempotency = IdempotencyKey{"new", "h"};
    EXPECT_EQ(try_create(again)->how, Created::How::deduplicated);
}

TEST_F(BatchTest, finds_published_bytes_by_an_index) {
    in_state(model::UploadState::published);
    const auto plan = database.run(
        "set enable_seqscan = off; explain select * from uploads u where u.app = 'doorstep' and u.profile = "
        "'photos' "
        "and u.found_sha256 = 'x' and u.image_key is not null and u.unusual_end is null and u.state = "
        "'published' "
        "order by u.id limit 1");
    std::string text;
    for (const auto& row : plan)
        text += row[0].c_str();
    EXPECT_NE(text.find("uploads_published_bytes"), std::string::npos) << text;
}

}  // namespace
}  // namespace photogate::storage::records::test
