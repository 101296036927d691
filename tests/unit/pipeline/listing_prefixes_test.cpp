#include "pipeline/listing_prefixes.hpp"

#include <gtest/gtest.h>

namespace photogate::pipeline {
namespace {

using Prefixes = std::vector<std::string>;

const Timestamp now = *parse_rfc3339("2026-11-20T12:34:00Z");

TEST(ListingPrefixesTest, lists_recent_minutes_one_by_one) {
    EXPECT_EQ(listing_prefixes({"u/202611201233/", "u/202611201034/"}, now),
              (Prefixes{"u/202611201034/", "u/202611201233/"}));
}

TEST(ListingPrefixesTest, groups_older_minutes_by_hour_and_day) {
    EXPECT_EQ(listing_prefixes({"u/202611201033/", "u/202611201000/", "u/202611182359/", "u/202611180000/",
                                "u/202611170001/", "u/202611172358/"},
                               now),
              (Prefixes{"u/20261117", "u/20261118", "u/2026112010"}));
}

TEST(ListingPrefixesTest, covers_a_week_of_minutes_with_few_lists) {
    Prefixes minutes;
    for (auto at = now - std::chrono::days{7}; at < now; at += std::chrono::minutes{1})
        minutes.push_back("u/" + format_minute(at) + "/");
    EXPECT_EQ(minutes.size(), 10'080U);
    EXPECT_LE(listing_prefixes(minutes, now).size(), 6U + 47U + 120U);
}

TEST(ListingPrefixesTest, keeps_malformed_minute_unchanged) {
    EXPECT_EQ(listing_prefixes({"u/20261120/", "u/x02611201233/"}, now),
              (Prefixes{"u/20261120/", "u/x02611201233/"}));
    EXPECT_TRUE(listing_prefixes({}, now).empty());
}

}  // namespace
}  // namespace photogate::pipeline
