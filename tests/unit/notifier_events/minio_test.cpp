// MinIO, and RustFS, which speaks as MinIO does: what they really sent.
#include <map>
#include <set>

#include "captures.hpp"

namespace photogate::notifier::events {
namespace {

using testing::bodies;
using testing::kCaptures;
using testing::only;
using testing::refusal;

/// MinIO's own dialect, RustFS's, which is the same, and the one that takes every shape.
class MinioDialect : public ::testing::TestWithParam<Dialect> {
  protected:
    static Dialect dialect() { return GetParam(); }
    static StoreEvent minio(const std::string& name) {
        return only(dialect(), KeyEncoding::form, bodies(kCaptures / "minio" / (name + ".json")).at(0));
    }
};
INSTANTIATE_TEST_SUITE_P(Dialects, MinioDialect,
                         ::testing::Values(Dialect::minio, Dialect::rustfs, Dialect::automatic));

TEST_P(MinioDialect, reads_every_minio_event_consistently_with_its_raw_key) {
    std::size_t events = 0;
    std::set<std::string> ids;
    for (const auto& file : std::filesystem::directory_iterator{kCaptures / "minio"}) {
        for (const auto& body : bodies(file.path())) {
            const auto event = only(dialect(), KeyEncoding::form, body);
            const auto raw = nlohmann::json::parse(body);
            EXPECT_EQ(event.bucket + "/" + event.key, raw.at("Key").get<std::string>());
            EXPECT_EQ("s3:" + event.name, raw.at("EventName").get<std::string>());
            EXPECT_EQ(event.sequencer.size(), 16U);
            EXPECT_TRUE(event.occurred_at);
            EXPECT_EQ(event.request_id.size(), 16U);
            ids.insert(event.dedupe_id("minio"));
            ++events;
        }
    }
    EXPECT_EQ(events, 41U);
    EXPECT_EQ(ids.size(), events) << "two different events have one id";
}

TEST_P(MinioDialect, reads_all_facts_of_minio_put) {
    const auto event = minio("01_boto3_put");
    EXPECT_EQ(event.operation, StoreOperation::created_put);
    EXPECT_EQ(event.name, "ObjectCreated:Put");
    EXPECT_EQ(event.bucket, "evt");
    EXPECT_EQ(event.key, "a/b/plain.txt");
    EXPECT_EQ(event.size, 11U);
    EXPECT_EQ(event.etag, testing::kHelloMd5);
    EXPECT_EQ(event.version, std::nullopt);
    EXPECT_EQ(event.sequencer, "18E9DE775D072740");
    EXPECT_EQ(format_rfc3339(event.occurred_at.value()), "2026-11-20T21:35:30.736Z");
    EXPECT_EQ(event.request_id, "18E9DE775CF6B35D");
    EXPECT_EQ(event.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(event.client_metadata, (model::TextMap{{"camelcase", "Z"}, {"user", "42"}}));
}

TEST_P(MinioDialect, derives_operation_from_event_name_and_ignores_tagging) {
    const std::map<std::string, StoreOperation> expected = {
        {"05_presigned_put_full", StoreOperation::created_put},
        {"10_post_policy_201", StoreOperation::created_post},
        {"20_multipart", StoreOperation::created_multipart},
        {"22_copy", StoreOperation::created_copy},
        {"24_put_tagging", StoreOperation::other},
        {"25_delete_tagging", StoreOperation::other},
        {"30_delete", StoreOperation::removed},
        {"31_delete_missing", StoreOperation::removed},
        {"32_delete_versioned_marker", StoreOperation::removed},
    };
    for (const auto& [name, operation] : expected)
        EXPECT_EQ(minio(name).operation, operation) << name;
}

TEST_P(MinioDialect, decodes_form_encoded_keys) {
    EXPECT_EQ(minio("50_key_0").key, "sp ace/plus+and%25pct%&amp;=eq.txt");
    EXPECT_EQ(minio("50_key_1").key, "ünï/日本語 😀.txt");
    EXPECT_EQ(minio("50_key_2").key, "quo\"te's/back\\slash?q#h;semi:colon,comma@at!$()*[]{}<>^`|~.txt");
    EXPECT_EQ(minio("50_key_6").key, "tab\tnl.txt");
    EXPECT_EQ(minio("50_key_7").key, "+++");
    EXPECT_EQ(minio("50_key_8").key, " lead and trail ");
}

TEST_P(MinioDialect, treats_absent_size_as_unknown_and_text_null_as_no_version) {
    EXPECT_EQ(minio("08_empty_object").size, std::nullopt);
    EXPECT_EQ(minio("50_key_4").version, std::nullopt);
    EXPECT_EQ(minio("07_presigned_put_versioned").version, "0a3d5047-9fbd-4635-8748-821b80761d5b");
    EXPECT_EQ(minio("20_multipart").etag, "686ce36d083e1d331420bff015e9a69d-2");
    EXPECT_EQ(minio("20_multipart").size, 5242980U);
}

TEST_P(MinioDialect, ignores_null_records) {
    const auto batch = parse(dialect(), KeyEncoding::form, R"({"EventName":"x","Records":null})");
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->test_event && batch->events.empty());
}

TEST_P(MinioDialect, prefers_record_over_its_envelope_and_notes_the_difference) {
    const auto batch = parse(dialect(), KeyEncoding::form,
                             R"({"EventName":"s3:ObjectRemoved:Delete","Key":"evt/other","Records":[
                                {"eventName":"s3:ObjectCreated:Put","s3":{"bucket":{"name":"evt"},"object":{"key":"k"}}}]})");
    ASSERT_TRUE(batch && batch->events.size() == 1);
    EXPECT_EQ(batch->events[0].key, "k");
    EXPECT_EQ(batch->events[0].operation, StoreOperation::created_put);
    EXPECT_EQ(batch->notes.size(), 2U);
}

TEST(MinioDialectAlone, rejects_shapes_of_other_stores) {
    EXPECT_EQ(refusal(Dialect::minio, R"({"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"})"),
              "the body has no Records");
    EXPECT_EQ(refusal(Dialect::minio, R"({"specversion":"1.0","data":{"Records":[{}]}})"),
              "the body has no Records");
}

TEST(MinioDialectAlone, ignores_metadata_in_the_form_of_ceph) {
    const auto event =
        only(Dialect::minio, KeyEncoding::form,
             R"({"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":
                               {"key":"k","metadata":[{"key":"x-amz-meta-a","val":"1"}]}}}]})");
    EXPECT_TRUE(event.client_metadata.empty());
}

}  // namespace
}  // namespace photogate::notifier::events
