// What gateways tell one another about uploads, by a real PostgreSQL.
#include "storage/chunks/handover_channel.hpp"

#include <condition_variable>
#include <mutex>
#include <vector>

#include "../storage_records/records_database.hpp"
#include "storage/chunks/chunk_store.hpp"

namespace photogate::storage::chunks {
namespace {

using namespace std::chrono_literals;
using Kind = HandoverMessage::Kind;

class HandoverChannelTest : public records::test::RecordsTest {
  protected:
    void SetUp() override {
        RecordsTest::SetUp();
        other_records = open();
        here.emplace(*records->database);
        there.emplace(*other_records->database);
        there->hear([this](const HandoverMessage& message) {
            const std::lock_guard lock{mutex};
            heard.push_back(message);
            changed.notify_all();
        });
    }
    void TearDown() override {
        there->hear(nullptr);
        RecordsTest::TearDown();
    }
    /// NOTIFY tells those who listen already: said again until it is heard.
    bool is_heard(Kind kind, const UploadId& upload) {
        for (int attempt = 0; attempt < 200; ++attempt) {
            here->send({kind, there->self(), upload});
            std::unique_lock lock{mutex};
            const auto found = [&] {
                for (const auto& each : heard) {
                    if (each.kind == kind && each.upload == upload && each.gateway == here->self())
                        return true;
                }
                return false;
            };
            if (changed.wait_for(lock, 100ms, found)) return true;
        }
        return false;
    }

    std::unique_ptr<records::Records> other_records;
    std::optional<PostgresHandoverChannel> here, there;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<HandoverMessage> heard;
};

TEST_F(HandoverChannelTest, message_is_heard_by_the_gateway_that_it_is_for_and_by_no_other) {
    const auto upload = UploadId::trusted("upl_0123456789abcdefghjkmnpqrs");
    for (const auto kind : {Kind::release, Kind::releasing, Kind::released})
        EXPECT_TRUE(is_heard(kind, upload));
    // What comes behind them on one session comes after them: this one would have been heard before the last.
    here->send({Kind::release, "somebody-else", UploadId::trusted("upl_zzzzzzzzzzzzzzzzzzzzzzzzzz")});
    EXPECT_TRUE(is_heard(Kind::release, UploadId::trusted("upl_yyyyyyyyyyyyyyyyyyyyyyyyyy")));
    const std::lock_guard lock{mutex};
    for (const auto& each : heard)
        EXPECT_NE(each.upload.str(), "upl_zzzzzzzzzzzzzzzzzzzzzzzzzz");
}

TEST_F(HandoverChannelTest, the_records_name_the_gateway_that_receives_an_upload) {
    PostgresChunkStore store{*records->database};
    const auto upload = create();
    EXPECT_EQ(store.holder(upload.id).value(), "") << "nobody took it yet";
    Take take;
    take.id = upload.id;
    take.length = 100;
    take.look_at = system_clock.now() + 1h;
    take.holder = here->self();
    ASSERT_TRUE(store.take(take));
    EXPECT_EQ(store.holder(upload.id).value(), here->self());
    take.holder.clear();
    ASSERT_TRUE(store.take(take));
    EXPECT_EQ(store.holder(upload.id).value(), "") << "who took it last only looked";
}

}  // namespace
}  // namespace photogate::storage::chunks
