// What `similar_to` and `distance` say, whose hash that is, and where a list of similar pictures goes on.
#include "gateway/routes/similar_query.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_records.hpp"

namespace photogate::gateway::routes {
namespace {

using storage::records::ListQuery;
using storage::records::SimilarTo;

Result<std::optional<SimilarQuery>> read(std::vector<http::QueryParameter> query) {
    http::RequestHead head;
    head.query = std::move(query);
    return read_similar_query(head);
}

TEST(SimilarQueryTest, is_an_id_or_a_hash_with_a_distance) {
    EXPECT_FALSE(read({})->has_value());
    const auto by_hash = read({{"similar_to", "FFFFFFFFFFFFFFFE"}});
    ASSERT_TRUE(by_hash && *by_hash);
    EXPECT_EQ((*by_hash)->hash, ~1ULL);
    EXPECT_EQ((*by_hash)->distance, 6);
    const auto by_id = read({{"similar_to", "upl_06f3y8m2c4t6v8x0z2b4d6f8h0"}, {"distance", "10"}});
    ASSERT_TRUE(by_id && *by_id);
    EXPECT_EQ((*by_id)->upload->str(), "upl_06f3y8m2c4t6v8x0z2b4d6f8h0");
    EXPECT_EQ((*by_id)->distance, 10);
}

TEST(SimilarQueryTest, refuses_what_is_neither) {
    for (const char* wrong :
         {"", "upl_", "upl_06f3y8m2c4t6v8x0z2b4d6f8h", "ffff", "fffffffffffffff ", "0xffffffffffffff"}) {
        const auto asked = read({{"similar_to", wrong}});
        ASSERT_FALSE(asked) << wrong;
        EXPECT_EQ(asked.error().code, ErrorCode::invalid_query);
    }
    for (const char* wrong : {"", "11", "-1", "+1", "1.5", "999999999999"})
        EXPECT_FALSE(read({{"similar_to", "0000000000000000"}, {"distance", wrong}})) << wrong;
    EXPECT_FALSE(read({{"distance", "3"}})) << "alone it means nothing";
}

TEST(SimilarQueryTest, a_cursor_leads_behind_the_last_and_no_other_is_taken) {
    model::Upload last;
    last.id = UploadId::trusted("upl_06f3y8m2c4t6v8x0z2b4d6f8h0");
    last.facts.emplace();
    last.facts->perceptual_hash = "0000000000000007";
    const SimilarTo similar{.hash = 0, .distance = 6, .except = {}, .from = 0};
    const auto cursor = cursor_behind(similar, last);
    EXPECT_EQ(cursor, "3:upl_06f3y8m2c4t6v8x0z2b4d6f8h0");
    ListQuery query;
    query.similar = similar;
    ASSERT_TRUE(go_on_behind(cursor, query));
    EXPECT_EQ(query.similar->from, 3);
    EXPECT_EQ(query.before, last.id);
    for (const char* wrong : {"", "3", ":", "3:", "3:upl_x", "7:upl_06f3y8m2c4t6v8x0z2b4d6f8h0",
                              "-1:upl_06f3y8m2c4t6v8x0z2b4d6f8h0", "upl_06f3y8m2c4t6v8x0z2b4d6f8h0"}) {
        ListQuery other;
        other.similar = similar;
        EXPECT_FALSE(go_on_behind(wrong, other)) << wrong;
    }
    ListQuery plain;
    EXPECT_FALSE(go_on_behind(cursor, plain));
}

TEST(SimilarQueryTest, takes_the_hash_of_a_published_upload_of_the_app) {
    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56Z")};
    SeededRandom random{1};
    photogate::test::FakeRecords records{clock};
    storage::records::NewUpload item;
    item.upload.id = make_upload_id(clock.now(), random);
    item.upload.app = AppName::trusted("shop");
    const auto id = item.upload.id;
    records.create(std::move(item), [](auto outcome) { EXPECT_TRUE(outcome); });
    const SimilarQuery asked{.upload = id, .hash = 0, .distance = 4};
    EXPECT_EQ(find_hash(records, AppName::trusted("shop"), asked).error().code, ErrorCode::state_conflict);
    records.change(id, [](model::Upload& changed) {
        changed.state = model::UploadState::published;
        changed.facts.emplace();
        changed.facts->perceptual_hash = "00000000000000ff";
    });
    const auto found = find_hash(records, AppName::trusted("shop"), asked);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->hash, 255U);
    EXPECT_EQ(found->distance, 4);
    EXPECT_EQ(found->except, id);
    EXPECT_EQ(find_hash(records, AppName::trusted("other"), asked).error().code, ErrorCode::upload_not_found);
    EXPECT_EQ(find_hash(records, AppName::trusted("other"), {.upload = {}, .hash = 9, .distance = 1})->except,
              std::nullopt);
}

}  // namespace
}  // namespace photogate::gateway::routes
