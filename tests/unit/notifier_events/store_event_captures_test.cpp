// What MinIO and versitygw really sent, byte for byte, read into the one shape.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "notifier/events/store_event.hpp"

namespace photogate::notifier::events {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

const fs::path kCaptures = fs::path{PHOTOGATE_SOURCE_DIR} / "tests/data/captures";
constexpr const char* kHelloMd5 = "5eb63bbbe01eeed093cb22bb8f5acdc3";

std::vector<std::string> bodies(const fs::path& file) {
    std::ifstream in{file};
    const json capture = json::parse(in);
    std::vector<std::string> out;
    if (capture.is_array()) {
        for (const auto& request : capture)
            out.push_back(request.at("body").get<std::string>());
    } else {
        for (const auto& event : capture.at("events"))
            out.push_back(event.at("body_verbatim").get<std::string>());
    }
    return out;
}

StoreEvent only(const std::string& store, const std::string& name, KeyEncoding encoding) {
    const auto batch = parse_store_events(bodies(kCaptures / store / (name + ".json")).at(0), encoding);
    EXPECT_FALSE(batch.alien) << *batch.alien;
    EXPECT_TRUE(batch.unreadable.empty());
    EXPECT_TRUE(batch.notes.empty());
    if (batch.events.size() != 1) {
        ADD_FAILURE() << name << " has " << batch.events.size() << " events";
        return {};
    }
    return batch.events.front();
}

StoreEvent minio(const std::string& name) {
    return only("minio", name, KeyEncoding::form);
}
StoreEvent versitygw(const std::string& name) {
    return only("versitygw", name, KeyEncoding::raw);
}

TEST(StoreEventCaptures, reads_every_minio_event_consistently_with_its_raw_key) {
    std::size_t events = 0;
    std::set<std::string> ids;
    for (const auto& file : fs::directory_iterator{kCaptures / "minio"}) {
        for (const auto& body : bodies(file.path())) {
            const auto batch = parse_store_events(body, KeyEncoding::form);
            ASSERT_FALSE(batch.alien) << file.path();
            ASSERT_EQ(batch.events.size(), 1U) << file.path();
            ASSERT_TRUE(batch.unreadable.empty() && batch.notes.empty()) << file.path();
            const auto& event = batch.events[0];
            const auto raw = json::parse(body);
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

TEST(StoreEventCaptures, reads_all_facts_of_minio_put) {
    const auto event = minio("01_boto3_put");
    EXPECT_EQ(event.operation, StoreOperation::created_put);
    EXPECT_EQ(event.name, "ObjectCreated:Put");
    EXPECT_EQ(event.bucket, "evt");
    EXPECT_EQ(event.key, "a/b/plain.txt");
    EXPECT_EQ(event.size, 11U);
    EXPECT_EQ(event.etag, kHelloMd5);
    EXPECT_EQ(event.version, std::nullopt);
    EXPECT_EQ(event.sequencer, "18E9DE775D072740");
    EXPECT_EQ(format_rfc3339(event.occurred_at.value()), "2026-11-20T21:35:30.736Z");
    EXPECT_EQ(event.request_id, "18E9DE775CF6B35D");
    EXPECT_EQ(event.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(event.client_metadata, (model::TextMap{{"camelcase", "Z"}, {"user", "42"}}));
}

TEST(StoreEventCaptures, derives_operation_from_event_name_and_ignores_tagging) {
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

TEST(StoreEventCaptures, decodes_form_encoded_keys) {
    EXPECT_EQ(minio("50_key_0").key, "sp ace/plus+and%25pct%&amp;=eq.txt");
    EXPECT_EQ(minio("50_key_1").key, "ünï/日本語 😀.txt");
    EXPECT_EQ(minio("50_key_2").key, "quo\"te's/back\\slash?q#h;semi:colon,comma@at!$()*[]{}<>^`|~.txt");
    EXPECT_EQ(minio("50_key_6").key, "tab\tnl.txt");
    EXPECT_EQ(minio("50_key_7").key, "+++");
    EXPECT_EQ(minio("50_key_8").key, " lead and trail ");
}

TEST(StoreEventCaptures, treats_absent_size_as_unknown_and_text_null_as_no_version) {
    EXPECT_EQ(minio("08_empty_object").size, std::nullopt);
    EXPECT_EQ(minio("50_key_4").version, std::nullopt);
    EXPECT_EQ(minio("07_presigned_put_versioned").version, "0a3d5047-9fbd-4635-8748-821b80761d5b");
    EXPECT_EQ(minio("20_multipart").etag, "686ce36d083e1d331420bff015e9a69d-2");
    EXPECT_EQ(minio("20_multipart").size, 5242980U);
}

TEST(StoreEventCaptures, reads_versitygw_quoted_tags_raw_keys_and_zero_sizes) {
    const auto put = versitygw("01_put");
    EXPECT_EQ(put.operation, StoreOperation::created_put);
    EXPECT_EQ(put.key, "a/b c+d&é.txt");
    EXPECT_EQ(put.etag, kHelloMd5);
    EXPECT_EQ(put.size, 11U);
    EXPECT_EQ(put.version, std::nullopt);
    EXPECT_EQ(versitygw("03_multipart").size, std::nullopt);
    EXPECT_EQ(versitygw("04_copy").size, std::nullopt);
    EXPECT_EQ(versitygw("05_delete").etag, std::nullopt);
    EXPECT_EQ(versitygw("07_500_noretry").key, "f");
}

TEST(StoreEventCaptures, rejects_versitygw_form_event_without_key) {
    const auto batch =
        parse_store_events(bodies(kCaptures / "versitygw/02_post_policy.json").at(0), KeyEncoding::raw);
    EXPECT_TRUE(batch.events.empty());
    ASSERT_EQ(batch.unreadable.size(), 1U);
    EXPECT_NE(batch.unreadable[0].find("the key is empty"), std::string::npos);
    EXPECT_FALSE(batch.alien);
}

TEST(StoreEventCaptures, ignores_test_event) {
    for (const auto& body : {bodies(kCaptures / "versitygw/00_startup_test_event.json").at(0),
                             std::string{R"({"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"})"}}) {
        const auto batch = parse_store_events(body, KeyEncoding::raw);
        EXPECT_TRUE(batch.test_event);
        EXPECT_TRUE(batch.events.empty() && batch.unreadable.empty() && !batch.alien);
    }
}

TEST(StoreEventCaptures, reads_ceph_and_aws_events) {
    const auto ceph = parse_store_events(
        R"({"Records":[{"eventVersion":"2.1","eventSource":"ceph:s3","eventTime":"2019-11-22T13:47:35.124724Z",
            "eventName":"ObjectCreated:Put","responseElements":{"x-amz-request-id":"503a.1"},
            "s3":{"bucket":{"name":"mybucket1","id":"x"},"object":{"key":"my%2Fimage+1.jpg","size":"1024",
            "eTag":"37b51d194a7513e45b56f6524f2d51f2","versionId":"","sequencer":"F7E6",
            "metadata":[{"key":"x-amz-meta-Who","val":"me"},{"key":"x-amz-content-sha256","val":"no"}],"tags":[]}},
            "eventId":"","opaqueData":"me@example.com"}]})",
        KeyEncoding::raw);
    ASSERT_EQ(ceph.events.size(), 1U);
    EXPECT_EQ(ceph.events[0].key, "my%2Fimage+1.jpg");
    EXPECT_EQ(ceph.events[0].size, 1024U);
    EXPECT_EQ(ceph.events[0].version, std::nullopt);
    EXPECT_EQ(ceph.events[0].client_metadata, (model::TextMap{{"who", "me"}}));
    EXPECT_EQ(ceph.events[0].occurred_at->time_since_epoch().count() % 1'000'000, 124'724);

    const auto aws = parse_store_events(
        R"({"Records":[{"eventVersion":"2.6","eventName":"ObjectCreated:Put","eventTime":"1970-01-01T00:00:00.000Z","new":{"a":1},
            "s3":{"bucket":{"name":"mybucket"},"object":{"key":"red/flower+1.jpg","size":1024,"eTag":"d41d",
            "versionId":"096fKK","sequencer":"0055AED6DCD90281E5"}}}]})",
        KeyEncoding::form);
    ASSERT_EQ(aws.events.size(), 1U);
    EXPECT_EQ(aws.events[0].key, "red/flower 1.jpg");
    EXPECT_EQ(aws.events[0].version, "096fKK");
}

TEST(StoreEventCaptures, unwraps_cloud_events_envelope) {
    const auto batch = parse_store_events(
        R"({"specversion":"1.0","type":"com.amazonaws.ObjectCreated:Put","data":{"Records":[{"eventName":"ObjectCreated:Put",
            "s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}})",
        KeyEncoding::raw);
    ASSERT_EQ(batch.events.size(), 1U);
    EXPECT_EQ(batch.events[0].key, "k");
}

}  // namespace
}  // namespace photogate::notifier::events
