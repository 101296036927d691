// What client tokens have left, counted where uploads are created.
#include <thread>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

class TokenTest : public RecordsTest {
  protected:
    NewUpload with_token(std::uint64_t most, const std::string& token = "tok_a") {
        auto item = new_upload();
        item.upload.client_token = token;
        item.token = TokenLimits{most, std::nullopt, clock.now() + std::chrono::hours{1}};
        return item;
    }
    std::string used(const std::string& token = "tok_a") {
        return database.value("select uploads || '/' || bytes from client_tokens where id = '" + token + "'");
    }
};

TEST_F(TokenTest, keeps_token_of_upload) {
    const auto item = with_token(1);
    ASSERT_TRUE(try_create(item));
    EXPECT_EQ(records->uploads.find(item.upload.app, item.upload.id).value().client_token, "tok_a");
    EXPECT_EQ(records->uploads.find(item.upload.app, create().id).value().client_token, std::nullopt);
}

TEST_F(TokenTest, rejects_and_writes_nothing_after_the_last_upload) {
    ASSERT_TRUE(try_create(with_token(2)));
    ASSERT_TRUE(try_create(with_token(2)));
    EXPECT_EQ(try_create(with_token(2)).error().code, ErrorCode::token_exhausted);
    EXPECT_EQ(database.value("select count(*) from uploads"), "2");
    EXPECT_TRUE(try_create(with_token(2, "tok_b")));
}

TEST_F(TokenTest, limits_sum_of_declared_sizes) {
    const auto sized = [&](ByteSize size) {
        auto item = with_token(10);
        item.upload.declared_size = size;
        item.token->bytes = 1'000;
        return item;
    };
    EXPECT_TRUE(try_create(sized(600)));
    EXPECT_EQ(try_create(sized(401)).error().code, ErrorCode::token_exhausted);
    EXPECT_TRUE(try_create(sized(400)));
    EXPECT_EQ(try_create(sized(1)).error().code, ErrorCode::token_exhausted);
    EXPECT_EQ(used(), "2/1000");
}

TEST_F(TokenTest, holds_limit_over_concurrent_gateways) {
    const auto other = open();
    std::atomic<int> created{0}, exhausted{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 40; ++i) {
        auto item = with_token(7);
        auto plain = new_upload();
        threads.emplace_back([&, i, item, plain] {
            std::promise<Result<Created>> answered;
            (i % 2 ? *records : *other).uploads.create(item, [&](Result<Created> outcome) {
                answered.set_value(std::move(outcome));
            });
            const auto outcome = answered.get_future().get();
            ++(outcome ? created : exhausted);
            if (!outcome) {
                EXPECT_EQ(outcome.error().code, ErrorCode::token_exhausted) << outcome.error().detail;
            }
            EXPECT_TRUE(try_create(plain));
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(created, 7);
    EXPECT_EQ(exhausted, 33);
    EXPECT_EQ(database.value("select count(*) from uploads where client_token = 'tok_a'"), "7");
    EXPECT_EQ(used().substr(0, 2), "7/");
}

TEST_F(TokenTest, charges_nothing_for_replay_and_answers_it_when_exhausted) {
    auto item = with_token(1);
    item.idempotency = IdempotencyKey{"tok_a/k", "h"};
    ASSERT_TRUE(try_create(item));
    auto again = with_token(1);
    again.idempotency = item.idempotency;
    const auto replayed = try_create(again);
    ASSERT_TRUE(replayed) << replayed.error().detail;
    EXPECT_EQ(replayed->how, Created::How::replayed);
    EXPECT_EQ(replayed->upload.id, item.upload.id);
    EXPECT_EQ(used().substr(0, 2), "1/");
    auto fresh = with_token(1);
    fresh.idempotency = IdempotencyKey{"tok_a/other", "h"};
    EXPECT_EQ(try_create(fresh).error().code, ErrorCode::token_exhausted);
}

TEST_F(TokenTest, deletes_usage_some_time_after_token_expiry) {
    ASSERT_TRUE(try_create(with_token(1)));
    clock.advance(std::chrono::hours{30});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(database.value("select count(*) from client_tokens"), "1");
    clock.advance(std::chrono::hours{24});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(database.value("select count(*) from client_tokens"), "0");
}

TEST_F(TokenTest, searches_metadata_by_index) {
    auto item = new_upload();
    item.upload.metadata = {{"order_id", "needle"}};
    ASSERT_TRUE(try_create(item));
    create();
    ListQuery query;
    query.metadata = {{"order_id", "needle"}};
    const auto found = records->uploads.list(query).value();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, item.upload.id);
}

}  // namespace
}  // namespace photogate::storage::records::test
