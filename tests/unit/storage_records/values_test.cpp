// Texts in JSON, and the statements by name.
#include <stdexcept>

#include <gtest/gtest.h>

#include "storage/records/embedded_sql.hpp"
#include "storage/records/records_wire.hpp"

namespace photogate::storage::records {
namespace {

TEST(TextMapTest, round_trips_through_json) {
    const model::TextMap map{{"a", "\"\\\n"}, {"ü", ""}};
    EXPECT_EQ(parse_text_map(to_json_text(map)), map);
    EXPECT_TRUE(parse_text_map("[1,2]").empty());
    EXPECT_TRUE(parse_text_map("nonsense").empty());
}

TEST(QueryTest, finds_names_and_throws_for_unknown_one) {
    EXPECT_NE(query("claim_jobs").find("skip locked"), std::string::npos);
    EXPECT_THROW(query("nonsense"), std::logic_error);
    EXPECT_GT(query_names().size(), 50U);
}

}  // namespace
}  // namespace photogate::storage::records
