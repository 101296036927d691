// Which programs may run on which schema.
#include "storage/database/schema.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace photogate::storage::database {
namespace {

using ::testing::HasSubstr;

/// A program of schema 3.
const std::vector<sql::SqlFile> kFiles{{"0001_first", ""}, {"0002_second", ""}, {"0003_third", ""}};

using Applied = std::map<int, AppliedMigration>;

Applied ours() {
    return {{1, {"0001_first", "", {}}}, {2, {"0002_second", "", {}}}, {3, {"0003_third", "", {}}}};
}

Applied with_later(int version, std::optional<int> oldest_program) {
    auto applied = ours();
    applied[version] = {"0004_later", "", oldest_program};
    return applied;
}

std::string refusal(const Applied& applied) {
    const auto found = fit(kFiles, applied);
    if (found) return "permitted";
    EXPECT_EQ(found.error().code, ErrorCode::invalid_configuration);
    return found.error().detail;
}

TEST(SchemaFitTest, the_same_schema_fits) {
    const auto found = fit(kFiles, ours());
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->missing.empty());
    EXPECT_TRUE(found->later.empty());
}

TEST(SchemaFitTest, names_what_is_missing_in_its_order) {
    const auto found = fit(kFiles, Applied{{2, {"0002_second", "", {}}}});
    ASSERT_TRUE(found);
    ASSERT_EQ(found->missing.size(), 2U);
    EXPECT_EQ(found->missing[0].name, "0001_first");
    EXPECT_EQ(found->missing[1].name, "0003_third");
}

TEST(SchemaFitTest, later_migration_permits_programs_from_the_one_that_it_names) {
    for (const int oldest : {1, 3}) {
        const auto found = fit(kFiles, with_later(4, oldest));
        ASSERT_TRUE(found) << oldest;
        ASSERT_EQ(found->later.size(), 1U);
        EXPECT_EQ(found->later[0].version, 4);
        EXPECT_EQ(found->later[0].name, "0004_later");
    }
}

TEST(SchemaFitTest, later_migration_refuses_earlier_programs_and_says_what_to_do) {
    const auto said = refusal(with_later(4, 4));
    EXPECT_THAT(said, HasSubstr("ahead of this program (0003): it has migration 0004_later"));
    EXPECT_THAT(said, HasSubstr("no program before schema 0004"));
    EXPECT_THAT(said, HasSubstr("restore the backup"));
}

TEST(SchemaFitTest, later_migration_that_says_nothing_refuses) {
    EXPECT_THAT(refusal(with_later(4, std::nullopt)),
                HasSubstr("does not say that earlier programs can run"));
}

TEST(SchemaFitTest, every_later_migration_has_to_permit) {
    auto applied = with_later(4, 3);
    applied[5] = {"0005_contract", "", 4};
    applied[6] = {"0006_more", "", 2};
    EXPECT_THAT(refusal(applied), HasSubstr("0005_contract"));
    applied[5].oldest_program = 3;
    EXPECT_EQ(refusal(applied), "permitted");
}

TEST(SchemaFitTest, schema_of_two_releases_that_lack_of_each_other_is_refused) {
    auto applied = with_later(4, 1);
    applied.erase(2);
    EXPECT_THAT(refusal(applied),
                HasSubstr("has migration 0004_later of a later release and lacks 0002_second"));
}

std::optional<int> stated(std::string_view text) {
    return oldest_program({"0004_later", text});
}

TEST(OldestProgramTest, is_read_from_the_header) {
    EXPECT_EQ(stated("-- oldest_program: 0029\n\nselect 1;"), 29);
    EXPECT_EQ(stated("-- In steps: until nothing changes.\n--\n-- oldest_program: 0004\nselect 1;"), 4);
    EXPECT_EQ(stated("-- oldest_program: 0029"), 29);
}

TEST(OldestProgramTest, is_nothing_where_the_header_does_not_state_it) {
    for (const auto* text :
         {"", "select 1;", "-- What it does.\nselect 1;", "select 1;\n-- oldest_program: 0029\n",
          "-- oldest_program: \nselect 1;", "-- oldest_program: 29 or so\nselect 1;",
          "-- oldest_program: 99999999999999\nselect 1;"})
        EXPECT_EQ(stated(text), std::nullopt) << text;
}

}  // namespace
}  // namespace photogate::storage::database
