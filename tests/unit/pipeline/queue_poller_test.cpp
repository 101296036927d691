#include "pipeline/queue_poller.hpp"

#include <deque>

#include "fixture.hpp"

namespace photogate::pipeline::test {
namespace {

using model::UploadState;
using notifier::queues::QueuedMessage;

/// Messages come again until they are acknowledged.
class FakeQueue final : public notifier::queues::EventQueue {
  public:
    Result<std::vector<QueuedMessage>> pull() override {
        if (error) return fail(*error);
        return std::vector<QueuedMessage>{messages.begin(), messages.end()};
    }
    Result<> acknowledge(const std::vector<std::string>& leases) override {
        if (acknowledge_error) return fail(*acknowledge_error);
        for (const auto& lease : leases)
            std::erase_if(messages, [&](const QueuedMessage& one) { return one.lease == lease; });
        return {};
    }
    std::deque<QueuedMessage> messages;
    std::optional<Error> error, acknowledge_error;
};

class QueuePollerTest : public PipelineTest {
  protected:
    static notifier::events::Source queue_source() {
        notifier::events::Source source;
        source.name = "r2";
        source.regions = {"default"};
        source.dialect = notifier::events::Dialect::r2;
        source.keys = notifier::events::KeyEncoding::raw;
        return source;
    }
    /// Created, with its object in the store, and announced.
    model::Upload announced() {
        const auto upload = created();
        store->write(incoming, upload.key, std::string{kOriginal});
        queue.messages.push_back(
            {upload.id.str(), R"({"action":"PutObject","bucket":")" + upload.bucket.str() +
                                  R"(","object":{"key":")" + upload.key.str() +
                                  R"(","size":24,"eTag":"x"},"eventTime":"2026-11-29T15:04:05Z"})"});
        return upload;
    }
    std::string counted(const std::string& result) {
        const auto page = metrics.render();
        const auto line = "photogate_events_received_total{result=\"" + result + "\",source=\"r2\"} ";
        const auto at = page.find(line);
        return at == std::string::npos
                   ? ""
                   : page.substr(at + line.size(), page.find('\n', at) - at - line.size());
    }

    FakeQueue queue;
    telemetry::Metrics metrics;
    const notifier::events::Sources sources{{queue_source()}};
    Intake intake{records, records, stores, clock};
    const EventMetrics event_metrics{metrics, sources};
    QueuePoller poller{{}, {queue, *sources.find("r2"), intake, event_metrics, clock}};
};

TEST_F(QueuePollerTest, takes_in_all_that_is_there_and_acknowledges_it) {
    const auto first = announced(), second = announced();
    EXPECT_EQ(poller.poll(), 2U);
    EXPECT_TRUE(queue.messages.empty());
    EXPECT_EQ(state_of(first.id), UploadState::uploaded);
    EXPECT_EQ(state_of(second.id), UploadState::uploaded);
    EXPECT_EQ(counted("received"), "2");
    EXPECT_EQ(poller.counters().acknowledged, 2U);
    EXPECT_EQ(poller.poll(), 0U);
}

TEST_F(QueuePollerTest, acknowledges_nothing_while_the_store_is_away) {
    const auto upload = announced();
    store->before = [](const photogate::test::FakeStore::Call&) {
        return Error{ErrorCode::store_unavailable, "", {}, std::nullopt};
    };
    EXPECT_FALSE(poller.poll());
    EXPECT_EQ(queue.messages.size(), 1U);
    EXPECT_EQ(state_of(upload.id), UploadState::created);
    store->before = nullptr;
    EXPECT_EQ(poller.poll(), 1U);
    EXPECT_TRUE(queue.messages.empty());
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
}

TEST_F(QueuePollerTest, takes_in_once_what_comes_again) {
    (void)announced();
    queue.acknowledge_error = Error{ErrorCode::unavailable, "", {}, std::nullopt};
    EXPECT_FALSE(poller.poll());
    queue.acknowledge_error.reset();
    EXPECT_EQ(poller.poll(), 1U);
    EXPECT_EQ(counted("received"), "1");
    EXPECT_EQ(counted("passed_over"), "1");
    EXPECT_TRUE(queue.messages.empty());
}

TEST_F(QueuePollerTest, quarantines_what_nobody_can_read_and_goes_on) {
    queue.messages.push_back({"bad", "<xml/>"});
    const auto upload = announced();
    EXPECT_EQ(poller.poll(), 2U);
    EXPECT_TRUE(queue.messages.empty());
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
    EXPECT_EQ(counted("quarantined"), "1");
}

TEST_F(QueuePollerTest, says_what_the_queue_says) {
    queue.error = Error{ErrorCode::forbidden, "the queue refuses the token", {}, std::nullopt};
    const auto polled = poller.poll();
    ASSERT_FALSE(polled);
    EXPECT_EQ(polled.error().code, ErrorCode::forbidden);
}

}  // namespace
}  // namespace photogate::pipeline::test
