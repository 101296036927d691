// Who may append to a resumable upload, and what is kept of it, on a real PostgreSQL.
#include "storage/chunks/chunk_store.hpp"

#include "../storage_records/records_database.hpp"

namespace photogate::storage::chunks {
namespace {

using namespace std::chrono_literals;

class ChunkStoreTest : public records::test::RecordsTest {
  protected:
    void SetUp() override {
        RecordsTest::SetUp();
        store.emplace(*records->database);
        upload = create();
    }
    Take take_of(Take::From from = Take::From::where_it_stands) const {
        Take take;
        take.id = upload.id;
        take.length = 100;
        take.look_at = system_clock.now() + 1h;
        take.from = from;
        return take;
    }
    Taken take(Take::From from = Take::From::where_it_stands) { return store->take(take_of(from)).value(); }
    static Chunk chunk(std::uint64_t first, ByteSize size, std::uint64_t epoch) {
        return {first, size, epoch, ETag::trusted(std::string{"e"}.append(std::to_string(first))),
                std::string(64, 'a')};
    }
    Append append_of(const Taken& taken, std::uint64_t offset, ByteSize size,
                     std::optional<ByteSize> whole = {}) {
        return {upload.id, taken.beginning, taken.epoch, offset, {chunk(offset, size, taken.epoch)}, whole};
    }

    void cancel() { ASSERT_TRUE(records->uploads.cancel_or_delete(upload.app, upload.id)); }

    std::optional<PostgresChunkStore> store;
    model::Upload upload;
};

TEST_F(ChunkStoreTest, offset_moves_by_what_is_appended) {
    const auto first = take();
    EXPECT_EQ(first.received, 0U);
    EXPECT_EQ(first.length, 100U);
    EXPECT_TRUE(store->append(append_of(first, 0, 30)).value());
    EXPECT_TRUE(store->append(append_of(first, 30, 20)).value());
    const auto second = take();
    EXPECT_EQ(second.received, 50U);
    EXPECT_GT(second.epoch, first.epoch);
    EXPECT_EQ(second.beginning, first.beginning);
}

TEST_F(ChunkStoreTest, newest_connection_alone_may_append) {
    const auto old = take();
    ASSERT_TRUE(store->append(append_of(old, 0, 30)).value());
    const auto newer = take();
    EXPECT_FALSE(store->append(append_of(old, 30, 20)).value());
    EXPECT_TRUE(store->append(append_of(newer, 30, 20)).value());
    EXPECT_FALSE(store->append(append_of(newer, 30, 20)).value()) << "at another offset";
    EXPECT_FALSE(store->append(append_of(newer, 60, 20)).value()) << "with a hole";
    EXPECT_EQ(take().received, 50U);
}

TEST_F(ChunkStoreTest, last_byte_makes_it_received_in_the_same_statement) {
    const auto taken = take();
    ASSERT_TRUE(store->append(append_of(taken, 0, 60)).value());
    EXPECT_EQ(store->received(upload.id).value(), std::nullopt);
    ASSERT_TRUE(store->append(append_of(taken, 60, 40, 100)).value());
    const auto received = store->received(upload.id).value();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->length, 100U);
    ASSERT_EQ(received->chunks.size(), 2U);
    EXPECT_EQ(received->chunks[1].first, 60U);
    EXPECT_EQ(received->chunks[1].size, 40U);
    EXPECT_FALSE(store->append(append_of(taken, 100, 1)).value());
    EXPECT_EQ(take().state, ResumableState::received);
}

TEST_F(ChunkStoreTest, file_that_is_begun_anew_forgets_what_came_before) {
    const auto old = take();
    ASSERT_TRUE(store->append(append_of(old, 0, 30)).value());
    const auto anew = take(Take::From::anew);
    EXPECT_EQ(anew.received, 0U);
    EXPECT_EQ(anew.beginning, old.beginning + 1);
    EXPECT_TRUE(store->append(append_of(anew, 0, 100, 100)).value());
    EXPECT_EQ(store->received(upload.id).value()->chunks.size(), 1U);
    EXPECT_EQ(take(Take::From::anew).state, ResumableState::received) << "what is whole is not begun anew";
}

TEST_F(ChunkStoreTest, upload_that_waits_for_no_object_takes_nothing) {
    const auto taken = take();
    cancel();
    EXPECT_FALSE(store->append(append_of(taken, 0, 30)).value());
}

TEST_F(ChunkStoreTest, one_at_a_time_assembles) {
    EXPECT_FALSE(store->reserve(upload.id, 60s, ChunkStore::When::now).value()) << "nothing is received";
    const auto taken = take();
    ASSERT_TRUE(store->append(append_of(taken, 0, 100, 100)).value());
    EXPECT_FALSE(store->reserve(upload.id, 60s, ChunkStore::When::due).value())
        << "its connection does it first";
    EXPECT_TRUE(store->reserve(upload.id, 0s, ChunkStore::When::now).value());
    EXPECT_TRUE(store->reserve(upload.id, 60s, ChunkStore::When::due).value());
    EXPECT_FALSE(store->reserve(upload.id, 60s, ChunkStore::When::due).value());
}

TEST_F(ChunkStoreTest, upload_that_waits_for_no_object_is_not_assembled) {
    ASSERT_TRUE(store->append(append_of(take(), 0, 100, 100)).value());
    EXPECT_TRUE(store->reserve(upload.id, 0s, ChunkStore::When::now).value());
    cancel();
    EXPECT_FALSE(store->reserve(upload.id, 0s, ChunkStore::When::now).value());
    EXPECT_FALSE(store->reserve(upload.id, 0s, ChunkStore::When::due).value());
}

TEST_F(ChunkStoreTest, what_is_over_is_looked_at_once_more_and_forgotten) {
    const auto taken = take();
    ASSERT_TRUE(store->append(append_of(taken, 0, 30)).value());
    EXPECT_TRUE(store->due(10).value().empty());
    cancel();
    ASSERT_TRUE(store->end(upload.id, 3'600s).value());
    EXPECT_FALSE(store->append(append_of(taken, 30, 20)).value());
    EXPECT_TRUE(store->due(10).value().empty());
    ASSERT_TRUE(store->forget(upload.id));
    ASSERT_TRUE(store->look_again(upload.id, 0s));
    ASSERT_EQ(store->due(10).value().size(), 1U) << "not forgotten before that";
    EXPECT_EQ(store->due(10).value()[0].state, ResumableState::over);
    ASSERT_TRUE(store->forget(upload.id));
    EXPECT_TRUE(store->due(10).value().empty());
    EXPECT_EQ(take().received, 0U);
}

TEST_F(ChunkStoreTest, upload_that_was_over_begins_anew) {
    const auto taken = take();
    ASSERT_TRUE(store->append(append_of(taken, 0, 30)).value());
    cancel();
    const auto ended = store->end(upload.id, 3'600s).value();
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->beginning, taken.beginning);
    EXPECT_EQ(ended->length, 100U);
    const auto again = take();
    EXPECT_EQ(again.received, 0U);
    EXPECT_EQ(again.beginning, taken.beginning + 1);
    EXPECT_EQ(again.state, ResumableState::open);
}

TEST_F(ChunkStoreTest, upload_that_waits_for_its_object_keeps_its_chunks) {
    // Whoever wants to end it decided so before its client came back.
    EXPECT_FALSE(store->end(upload.id, 0s).value()) << "nobody ever sent anything";
    const auto taken = take();
    ASSERT_TRUE(store->append(append_of(taken, 0, 30)).value());
    EXPECT_FALSE(store->end(upload.id, 0s).value()) << "it is being sent";
    ASSERT_TRUE(store->append(append_of(taken, 30, 70, 100)).value());
    EXPECT_FALSE(store->end(upload.id, 0s).value()) << "it is to be assembled";
    EXPECT_EQ(store->received(upload.id).value()->chunks.size(), 2U);
}

TEST_F(ChunkStoreTest, connections_of_one_upload_are_limited) {
    for (int i = 0; i < kMostTakes; ++i)
        ASSERT_TRUE(store->take(take_of()));
    const auto refused = store->take(take_of());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::rate_limited);
}

TEST_F(ChunkStoreTest, connections_of_one_that_came_in_very_many_small_pieces_are_few) {
    auto large = take_of();
    large.length = 10'000;
    const auto taken = store->take(large).value();
    Append pieces{upload.id, taken.beginning, taken.epoch, 0, {}, {}};
    for (std::int64_t i = 0; i < kManyChunks; ++i)
        pieces.chunks.push_back(chunk(static_cast<std::uint64_t>(i), 1, taken.epoch));
    ASSERT_TRUE(store->append(pieces).value());
    for (int i = 1; i < kMostTakes; ++i)
        ASSERT_TRUE(store->take(take_of()));
    database.run("update resumables set taken_at = now() - interval '2 minutes'");
    const auto again = take();
    ASSERT_TRUE(store->append(append_of(again, kManyChunks, 1)).value());
    for (int i = 1; i < kMostTakesOfMany; ++i)
        ASSERT_TRUE(store->take(take_of()));
    const auto refused = store->take(take_of());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::rate_limited);
    database.run("update resumables set taken_at = now() - interval '2 minutes'");
    EXPECT_EQ(take().received, static_cast<ByteSize>(kManyChunks) + 1) << "it goes on, slowly";
}

}  // namespace
}  // namespace photogate::storage::chunks
