// Bodies that no store sends: whatever it is, there is an answer, in bounded time and memory.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "notifier/events/dialect.hpp"

namespace photogate::notifier::events {
namespace {

constexpr std::array kDialects = {Dialect::automatic,   Dialect::minio,  Dialect::s3,        Dialect::rustfs,
                                  Dialect::ceph,        Dialect::test,   Dialect::versitygw, Dialect::sns,
                                  Dialect::eventbridge, Dialect::lambda, Dialect::sqs,       Dialect::r2,
                                  Dialect::gcs,         Dialect::b2,     Dialect::seaweedfs};

/// Read as the dialect that takes every shape; `unrecognized` where it is none.
struct Read : EventBatch {
    std::optional<std::string> unrecognized;
};
Read read(std::string_view body, KeyEncoding encoding, Dialect dialect = Dialect::automatic) {
    auto batch = parse(dialect, encoding, body);
    if (!batch) return {{}, batch.error().detail};
    return {std::move(*batch), std::nullopt};
}

std::string record(std::string_view object, std::string_view name = "s3:ObjectCreated:Put") {
    return fmt::format(R"({{"eventName":"{}","s3":{{"bucket":{{"name":"evt"}},"object":{}}}}})", name,
                       object);
}
Read one(std::string_view object, KeyEncoding encoding = KeyEncoding::form) {
    return read(R"({"Records":[)" + record(object) + "]}", encoding);
}
std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i)
        out += text;
    return out;
}

TEST(StoreEventHostile, rejects_unrecognized_body) {
    for (const std::string& body :
         {std::string{}, std::string{" \n"}, std::string{"hello"}, std::string{"{"}, std::string{"[]"},
          std::string{"null"}, std::string{"1"}, std::string{"{}"}, std::string{R"({"Records":[]})"},
          std::string{R"({"Records":{}})"}, std::string{R"({"Records":"x"})"},
          std::string{R"({"records":[{}]})"}, std::string{"{\"Records\":[]}x"}, std::string{"\xEF\xBB\xBF"},
          std::string{"{\"a\":1e999}"}, std::string{"{\"a\":\"\xFF\"}"},
          std::string{R"({"specversion":"1.0","data":[]})"}, std::string(16, '\0')}) {
        for (const auto dialect : kDialects)
            EXPECT_TRUE(read(body, KeyEncoding::form, dialect).unrecognized) << body;
    }
}

TEST(StoreEventHostile, ignores_null_records) {
    EXPECT_TRUE(read(R"({"Records":null})", KeyEncoding::form).test_event);
}

TEST(StoreEventHostile, rejects_excessive_depth_before_parsing) {
    const auto deep = repeat("[", 100'000) + repeat("]", 100'000);
    EXPECT_TRUE(read(deep, KeyEncoding::form).unrecognized);
    EXPECT_TRUE(read(R"({"Records":)" + deep + "}", KeyEncoding::form).unrecognized);
    EXPECT_TRUE(read(repeat(R"({"a":)", 100'000), KeyEncoding::form).unrecognized);
    EXPECT_TRUE(read(std::string(1U << 20, '['), KeyEncoding::form).unrecognized);
    EXPECT_TRUE(read(std::string((1U << 20) + 1, ' '), KeyEncoding::form).unrecognized);
}

TEST(StoreEventHostile, limits_number_of_nodes) {
    std::string wide = "{\"Records\":[0";
    while (wide.size() < 1'000'000)
        wide += ",0";
    wide += "]}";
    const auto batch = read(wide, KeyEncoding::form);
    ASSERT_TRUE(batch.unrecognized);
    EXPECT_NE(batch.unrecognized->find("too many"), std::string::npos);
}

TEST(StoreEventHostile, reads_other_records_beside_a_bad_one) {
    const auto batch = read(R"({"Records":[)" + record(R"({"key":"a"})") + R"(,{"eventName":5},null,)" +
                                record(R"({"key":"%zz"})") + "," + record(R"({"key":"b","size":3})") + "]}",
                            KeyEncoding::form);
    ASSERT_EQ(batch.events.size(), 2U);
    EXPECT_EQ(batch.events[0].key, "a");
    EXPECT_EQ(batch.events[1].key, "b");
    ASSERT_EQ(batch.unreadable.size(), 3U);
    EXPECT_EQ(batch.unreadable[2], "record 3: the key has an invalid %-escape");
}

TEST(StoreEventHostile, rejects_undecodable_keys) {
    for (std::string_view key : {"%", "a%2", "a%", "%G0", "%0g", "a%00b", "%ff", "%c3%28", "%ed%a0%80", ""}) {
        const auto batch = one(fmt::format(R"({{"key":"{}"}})", key));
        EXPECT_TRUE(batch.events.empty()) << key;
        EXPECT_EQ(batch.unreadable.size(), 1U) << key;
    }
    EXPECT_EQ(one(R"({"key":"a\u0000b"})", KeyEncoding::raw).unreadable.size(), 1U);
    EXPECT_EQ(one(R"({"key":7})").unreadable.size(), 1U);
    EXPECT_EQ(one(R"({"key":null})").unreadable.size(), 1U);
    EXPECT_EQ(one(fmt::format(R"({{"key":"{}"}})", std::string(1'025, 'k'))).unreadable.size(), 1U);
    EXPECT_EQ(one(fmt::format(R"({{"key":"{}"}})", std::string(1'024, 'k'))).events.size(), 1U);
}

TEST(StoreEventHostile, takes_raw_key_literally) {
    const auto batch = one(R"({"key":"a%2Fb+%zz"})", KeyEncoding::raw);
    ASSERT_EQ(batch.events.size(), 1U);
    EXPECT_EQ(batch.events[0].key, "a%2Fb+%zz");
}

TEST(StoreEventHostile, ignores_impossible_sizes) {
    for (std::string_view size :
         {"-1", "1180591620717411303424", "1.5", "1e3", "true", "[]", "{}", R"("x")", R"("-5")", R"("")",
          R"("1.0")", R"("1180591620717411303424")", "9223372036854775808"}) {
        const auto batch = one(fmt::format(R"({{"key":"k","size":{}}})", size));
        ASSERT_EQ(batch.events.size(), 1U) << size;
        EXPECT_EQ(batch.events[0].size, std::nullopt) << size;
        EXPECT_EQ(batch.notes.size(), 1U) << size;
    }
    EXPECT_EQ(one(R"({"key":"k","size":9223372036854775807})").events.at(0).size, 9223372036854775807U);
    EXPECT_EQ(one(R"({"key":"k","size":null})").notes.size(), 0U);
    EXPECT_EQ(one(R"({"key":"k","size":0})").events.at(0).size, 0U);
}

TEST(StoreEventHostile, handles_tags_and_versions_of_wrong_type) {
    EXPECT_EQ(one(R"({"key":"k","eTag":"W/\"x\""})").events.at(0).etag, std::nullopt);
    EXPECT_EQ(one(R"({"key":"k","eTag":5})").notes.size(), 1U);
    EXPECT_EQ(one(R"({"key":"k","eTag":"a\r\nb"})").events.at(0).etag, std::nullopt);
    EXPECT_EQ(one(R"({"key":"k","eTag":""})").notes.size(), 0U);
    EXPECT_EQ(one(R"({"key":"k","versionId":5})").unreadable.size(), 1U);
    EXPECT_EQ(one(R"({"key":"k","versionId":"a\u0000"})").unreadable.size(), 1U);
    EXPECT_EQ(one(R"({"key":"k","sequencer":{}})").unreadable.size(), 1U);
}

TEST(StoreEventHostile, rejects_record_with_duplicate_member) {
    const auto batch =
        read(R"({"Records":[)" + record(R"({"key":"a","key":"b"})") + "," + record(R"({"key":"c"})") + "]}",
             KeyEncoding::form);
    ASSERT_EQ(batch.events.size(), 1U);
    EXPECT_EQ(batch.events[0].key, "c");
    ASSERT_EQ(batch.unreadable.size(), 1U);
    EXPECT_EQ(batch.unreadable[0], "record 0: a member appears twice");
    EXPECT_TRUE(read(R"({"Records":[],"Records":[)" + record(R"({"key":"a"})") + "]}", KeyEncoding::form)
                    .unrecognized);
}

TEST(StoreEventHostile, prefers_record_over_conflicting_key_and_notes_it) {
    const auto batch = read(R"({"EventName":"s3:ObjectRemoved:Delete","Key":"evt/other","Records":[)" +
                                record(R"({"key":"k"})") + "]}",
                            KeyEncoding::form);
    ASSERT_EQ(batch.events.size(), 1U);
    EXPECT_EQ(batch.events[0].key, "k");
    EXPECT_EQ(batch.events[0].operation, StoreOperation::created_put);
    EXPECT_EQ(batch.notes.size(), 2U);
}

TEST(StoreEventHostile, accepts_a_thousand_records_and_rejects_one_more) {
    const auto many = [](std::size_t count) {
        std::string body = R"({"Records":[)";
        for (std::size_t i = 0; i < count; ++i)
            body += (i ? "," : "") + record(fmt::format(R"({{"key":"k{}","size":1}})", i));
        return read(body + "]}", KeyEncoding::form);
    };
    EXPECT_EQ(many(1'000).events.size(), 1'000U);
    EXPECT_TRUE(many(1'001).unrecognized);
    EXPECT_TRUE(many(1'001).events.empty());
}

TEST(StoreEventHostile, maps_unknown_event_names_to_other) {
    for (std::string_view name : {"s3:ObjectCreated:Telepathy", "ObjectCreated:put",
                                  "s3:s3:ObjectCreated:Put", "X", "ObjectCreated:PutTagging"}) {
        const auto batch = read(R"({"Records":[)" + record(R"({"key":"k"})", name) + "]}", KeyEncoding::form);
        ASSERT_EQ(batch.events.size(), 1U);
        EXPECT_EQ(batch.events[0].operation, StoreOperation::other) << name;
    }
}

TEST(StoreEventHostile, bounds_metadata_to_user_entries) {
    std::string many = R"({"key":"k","userMetadata":{"content-type":"x","X-AMZ-META-Big":")" +
                       std::string(8'100, 'x') + R"(","x-amz-meta-more":")" + std::string(200, 'y') +
                       R"(","x-amz-meta-n":5,"x-amz-meta-z\u0000":"v","x-amz-meta-":"v"}})";
    const auto batch = one(many);
    ASSERT_EQ(batch.events.size(), 1U);
    EXPECT_EQ(batch.events[0].client_metadata.size(), 1U);
    EXPECT_TRUE(batch.events[0].client_metadata.contains("big"));
    EXPECT_EQ(batch.notes.size(), 3U);
}

TEST(StoreEventHostile, derives_stable_dedupe_id_from_the_whole_tuple) {
    const StoreEvent event{
        .name = "ObjectCreated:Put", .bucket = "b", .key = "k", .size = 5, .etag = "e", .sequencer = "s"};
    const auto id = event.dedupe_id("minio");
    EXPECT_EQ(id.size(), 64U);
    // Stored in databases: it must not change between releases.
    EXPECT_EQ(id, "8f5a67539c5055733c294528dd262d80d2b4eea3974ea482c4ad90b9a647ea44");
    auto other = event;
    other.size = 6;
    other.request_id = "another";
    other.occurred_at = Timestamp{};
    EXPECT_EQ(other.dedupe_id("minio"), id);
    EXPECT_NE(event.dedupe_id("minio2"), id);
    for (auto change : {+[](StoreEvent& e) { e.name = "x"; }, +[](StoreEvent& e) { e.bucket = "x"; },
                        +[](StoreEvent& e) { e.key = "x"; }, +[](StoreEvent& e) { e.etag = "x"; },
                        +[](StoreEvent& e) { e.version = "x"; }, +[](StoreEvent& e) { e.sequencer = "x"; }}) {
        other = event;
        change(other);
        EXPECT_NE(other.dedupe_id("minio"), id);
    }
    const StoreEvent ab{.bucket = "ab", .key = "c"}, a{.bucket = "a", .key = "bc"};
    EXPECT_NE(ab.dedupe_id("s"), a.dedupe_id("s"));
}

TEST(StoreEventHostile, survives_ten_thousand_mutations_of_a_valid_body) {
    const std::string good =
        R"({"EventName":"s3:ObjectCreated:Put","Key":"evt/a b","Records":[)" +
        record(
            R"({"key":"a+b%2Fc","size":2,"eTag":"49f6","userMetadata":{"X-Amz-Meta-A":"1"},"versionId":"v","sequencer":"18E9"})") +
        "]}";
    SeededRandom random{20261120};
    std::size_t events = 0;
    for (int i = 0; i < 10'000; ++i) {
        auto body = good;
        for (std::uint64_t n = 1 + random.below(4); n > 0; --n) {
            const auto at = random.below(body.size());
            switch (random.below(3)) {
                case 0:
                    body[at] = static_cast<char>(random.below(256));
                    break;
                case 1:
                    body.erase(at, 1 + random.below(8));
                    break;
                default:
                    body.insert(at, 1, "{}[]\",:\\%+0"[random.below(11)]);
                    break;
            }
        }
        const auto batch = read(body, KeyEncoding::form, kDialects[random.below(kDialects.size())]);
        events += batch.events.size();
        EXPECT_TRUE(batch.unrecognized || batch.test_event ||
                    batch.events.size() + batch.unreadable.size() >= 1);
    }
    EXPECT_GT(events, 500U);  // half of the dialects read this body
}

}  // namespace
}  // namespace photogate::notifier::events
