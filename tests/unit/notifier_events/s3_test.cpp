// AWS S3: bodies as its documentation has them.
#include "captures.hpp"

namespace photogate::notifier::events {
namespace {

using testing::only;
using testing::refusal;

class S3Dialect : public ::testing::TestWithParam<Dialect> {};
INSTANTIATE_TEST_SUITE_P(Dialects, S3Dialect, ::testing::Values(Dialect::s3, Dialect::automatic));

TEST_P(S3Dialect, reads_record_of_structure_2) {
    const auto event = only(
        GetParam(), KeyEncoding::form,
        R"({"Records":[{"eventVersion":"2.6","eventName":"ObjectCreated:Put","eventTime":"1970-01-01T00:00:00.000Z","new":{"a":1},
            "s3":{"bucket":{"name":"mybucket"},"object":{"key":"red/flower+1.jpg","size":1024,"eTag":"d41d",
            "versionId":"096fKK","sequencer":"0055AED6DCD90281E5"}}}]})");
    EXPECT_EQ(event.key, "red/flower 1.jpg");
    EXPECT_EQ(event.version, "096fKK");
}

TEST_P(S3Dialect, ignores_test_event) {
    const auto batch = parse(GetParam(), KeyEncoding::form,
                             R"({"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"})");
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->test_event && batch->events.empty());
}

TEST(S3DialectAlone, rejects_envelopes_and_null_records) {
    EXPECT_EQ(refusal(Dialect::s3, R"({"specversion":"1.0","data":{"Records":[{}]}})"),
              "the body has no Records");
    EXPECT_EQ(refusal(Dialect::s3, R"({"Records":null})"), "Records is not an array");
}

TEST(S3DialectAlone, does_not_compare_record_with_members_beside_it) {
    const auto event = only(
        Dialect::s3, KeyEncoding::form,
        R"({"Key":"evt/other","Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"evt"},"object":{"key":"k"}}}]})");
    EXPECT_EQ(event.key, "k");
}

}  // namespace
}  // namespace photogate::notifier::events
