// What each sender posts, as its vendor documents it, and what is read of it: tests/data/store_events/cases.json.
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "notifier/events/dialect.hpp"

namespace photogate::notifier::events {
namespace {

using nlohmann::json;

const std::map<std::string, Dialect>& dialects() {
    static const std::map<std::string, Dialect> all{
        {"minio", Dialect::minio},   {"s3", Dialect::s3},          {"rustfs", Dialect::rustfs},
        {"ceph", Dialect::ceph},     {"sns", Dialect::sns},        {"versitygw", Dialect::versitygw},
        {"lambda", Dialect::lambda}, {"sqs", Dialect::sqs},        {"eventbridge", Dialect::eventbridge},
        {"r2", Dialect::r2},         {"gcs", Dialect::gcs},        {"b2", Dialect::b2},
        {"test", Dialect::test},     {"auto", Dialect::automatic}, {"seaweedfs", Dialect::seaweedfs}};
    return all;
}

json cases() {
    std::ifstream in{std::filesystem::path{PHOTOGATE_SOURCE_DIR} / "tests/data/store_events/cases.json"};
    return json::parse(in);
}

std::string word(StoreOperation operation) {
    switch (operation) {
        case StoreOperation::created_put:
            return "put";
        case StoreOperation::created_post:
            return "post";
        case StoreOperation::created_multipart:
            return "multipart";
        case StoreOperation::created_copy:
            return "copy";
        case StoreOperation::removed:
            return "removed";
        case StoreOperation::other:
            return "other";
    }
    return "";
}

/// In the words of cases.json: what is absent is left out.
json shown(const StoreEvent& event) {
    json out{{"operation", word(event.operation)},
             {"name", event.name},
             {"bucket", event.bucket},
             {"key", event.key}};
    if (event.size) out["size"] = *event.size;
    if (event.etag) out["etag"] = *event.etag;
    if (event.version) out["version"] = *event.version;
    if (!event.sequencer.empty()) out["sequencer"] = event.sequencer;
    if (event.occurred_at) out["occurred_at"] = format_rfc3339(*event.occurred_at);
    if (!event.request_id.empty()) out["request_id"] = event.request_id;
    if (event.content_type) out["content_type"] = *event.content_type;
    for (const auto& [name, value] : event.client_metadata)
        out["metadata"][name] = value;
    return out;
}

json without_nulls(json event) {
    for (auto it = event.begin(); it != event.end();)
        it = it->is_null() ? event.erase(it) : std::next(it);
    return event;
}

TEST(StoreEventCases, are_read_as_their_senders_mean_them) {
    for (const auto& one : cases()) {
        SCOPED_TRACE(one.at("name").get<std::string>());
        const auto dialect = dialects().at(one.at("dialect").get<std::string>());
        const auto batch = parse(dialect, default_key_encoding(dialect), one.at("body").get<std::string>());
        ASSERT_EQ(batch.has_value(), !one.value("refused", false)) << (batch ? "" : batch.error().detail);
        if (!batch) continue;
        const auto& wanted = one.at("events");
        ASSERT_EQ(batch->events.size(), wanted.size());
        for (std::size_t i = 0; i < wanted.size(); ++i)
            EXPECT_EQ(shown(batch->events[i]), without_nulls(wanted[i]));
        EXPECT_EQ(batch->unreadable.size(), one.value("unreadable", 0U));
        EXPECT_EQ(batch->test_event, one.value("test_event", false));
        EXPECT_TRUE(batch->notes.empty());
        EXPECT_EQ(batch->subscription.has_value(), one.contains("subscription"));
        if (batch->subscription) {
            EXPECT_EQ(batch->subscription->topic, one.at("subscription").at("topic").get<std::string>());
            EXPECT_EQ(batch->subscription->url, one.at("subscription").at("url").get<std::string>());
        }
    }
}

TEST(StoreEventCases, are_there_for_every_dialect) {
    std::set<std::string> seen{"auto", "test"};
    for (const auto& one : cases())
        seen.insert(one.at("dialect").get<std::string>());
    for (const auto& [name, dialect] : dialects())
        EXPECT_TRUE(seen.contains(name)) << name;
}

TEST(StoreEventCases, are_not_events_in_another_dialect_that_has_another_shape) {
    const std::set<std::string> of_s3{"minio", "s3", "rustfs", "ceph", "versitygw", "sns", "lambda", "sqs"};
    for (const auto& one : cases()) {
        const auto of = one.at("dialect").get<std::string>();
        for (const auto& [name, dialect] : dialects()) {
            const bool related = name == of || name == "auto" || name == "test" ||
                                 (of_s3.contains(name) && of_s3.contains(of));
            if (related || one.at("events").empty()) continue;
            const auto batch =
                parse(dialect, default_key_encoding(dialect), one.at("body").get<std::string>());
            EXPECT_TRUE(!batch || batch->events.empty()) << one.at("name") << " as " << name;
        }
    }
}

TEST(Envelopes, are_opened_three_deep_and_no_deeper) {
    std::string body =
        R"({"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]})";
    for (std::size_t depth = 1; depth <= kMostEnvelopes + 1; ++depth) {
        body = json{{"Records", json::array({json{{"eventSource", "aws:sqs"}, {"body", body}}})}}.dump();
        const auto batch = parse(Dialect::lambda, KeyEncoding::form, body);
        ASSERT_TRUE(batch);
        EXPECT_EQ(batch->events.size(), depth <= kMostEnvelopes ? 1U : 0U) << depth;
        EXPECT_EQ(batch->unreadable.size(), depth <= kMostEnvelopes ? 0U : 1U) << depth;
    }
}

TEST(Envelopes, hold_no_more_records_together_than_one_body) {
    std::string records;
    for (int i = 0; i < 500; ++i)
        records += std::string{i ? "," : ""} +
                   R"({"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}})";
    const auto message = "{\"Records\":[" + records + "]}";
    auto envelope = [&](int times) {
        json all = json::array();
        for (int i = 0; i < times; ++i)
            all.push_back({{"Body", message}});
        return json{{"Messages", all}}.dump();
    };
    EXPECT_EQ(parse(Dialect::sqs, KeyEncoding::form, envelope(2))->events.size(), 1'000U);
    const auto refused = parse(Dialect::sqs, KeyEncoding::form, envelope(3));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().detail, "there are more than 1000 records");
}

TEST(Envelopes, with_nothing_readable_in_them_say_why) {
    const std::pair<Dialect, const char*> cases[] = {
        {Dialect::sns, R"({"Type":"Notification","Message":7})"},
        {Dialect::sns, R"({"Type":"Notification","Message":"[]"})"},
        {Dialect::sns, R"({"Type":"SomethingElse","Message":"{}"})"},
        {Dialect::lambda, R"({"Records":[{"EventSource":"aws:sns","Sns":[]}]})"},
        {Dialect::r2, R"({"messages":[{"body":[1]}]})"},
        {Dialect::r2, R"({"messages":{"body":{}}})"},
        {Dialect::eventbridge, R"({"detail-type":"Object Created"})"},
        {Dialect::gcs, R"({"message":{"attributes":{"eventType":"OBJECT_FINALIZE","bucketId":"b"}}})"},
        {Dialect::b2, R"({"events":{}})"},
        {Dialect::b2,
         R"({"events":[{"eventType":"b2:ObjectCreated:Upload","bucketName":"b","objectName":""}]})"},
        {Dialect::seaweedfs, R"({"key":7,"event_type":"create"})"},
        {Dialect::seaweedfs, R"({"key":"/buckets/b/\u0000","event_type":"create"})"}};
    for (const auto& [dialect, body] : cases) {
        const auto batch = parse(dialect, default_key_encoding(dialect), body);
        const bool said =
            batch ? batch->events.empty() && !batch->unreadable.empty() && !batch->unreadable[0].empty()
                  : !batch.error().detail.empty();
        EXPECT_TRUE(said) << body;
    }
}

}  // namespace
}  // namespace photogate::notifier::events
