// Ceph RGW: bodies as its documentation has them.
#include "captures.hpp"

namespace photogate::notifier::events {
namespace {

using testing::only;
using testing::refusal;

class CephDialect : public ::testing::TestWithParam<Dialect> {};
INSTANTIATE_TEST_SUITE_P(Dialects, CephDialect, ::testing::Values(Dialect::ceph, Dialect::automatic));

TEST_P(CephDialect, reads_sizes_as_text_and_metadata_as_list) {
    const auto event = only(
        GetParam(), KeyEncoding::raw,
        R"({"Records":[{"eventVersion":"2.1","eventSource":"ceph:s3","eventTime":"2019-11-22T13:47:35.124724Z",
            "eventName":"ObjectCreated:Put","responseElements":{"x-amz-request-id":"503a.1"},
            "s3":{"bucket":{"name":"mybucket1","id":"x"},"object":{"key":"my%2Fimage+1.jpg","size":"1024",
            "eTag":"37b51d194a7513e45b56f6524f2d51f2","versionId":"","sequencer":"F7E6",
            "metadata":[{"key":"x-amz-meta-Who","val":"me"},{"key":"x-amz-content-sha256","val":"no"}],"tags":[]}},
            "eventId":"","opaqueData":"me@example.com"}]})");
    EXPECT_EQ(event.key, "my%2Fimage+1.jpg");
    EXPECT_EQ(event.size, 1024U);
    EXPECT_EQ(event.version, std::nullopt);
    EXPECT_EQ(event.client_metadata, (model::TextMap{{"who", "me"}}));
    EXPECT_EQ(event.occurred_at->time_since_epoch().count() % 1'000'000, 124'724);
}

TEST_P(CephDialect, unwraps_cloud_events_envelope) {
    const auto event = only(
        GetParam(), KeyEncoding::raw,
        R"({"specversion":"1.0","type":"com.amazonaws.ObjectCreated:Put","data":{"Records":[{"eventName":"ObjectCreated:Put",
            "s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}})");
    EXPECT_EQ(event.key, "k");
}

TEST(CephDialectAlone, rejects_test_events_of_other_stores) {
    EXPECT_EQ(refusal(Dialect::ceph, R"({"Event":"s3:TestEvent"})"), "the body has no Records");
    EXPECT_EQ(refusal(Dialect::ceph, R"({"Records":null})"), "Records is not an array");
}

}  // namespace
}  // namespace photogate::notifier::events
