// versitygw: what it really sent.
#include "captures.hpp"

namespace photogate::notifier::events {
namespace {

using testing::bodies;
using testing::kCaptures;
using testing::only;
using testing::refusal;

StoreEvent versitygw(const std::string& name, Dialect dialect) {
    return only(dialect, KeyEncoding::raw, bodies(kCaptures / "versitygw" / (name + ".json")).at(0));
}

class VersitygwDialect : public ::testing::TestWithParam<Dialect> {
  protected:
    static Dialect dialect() { return GetParam(); }
    static StoreEvent versitygw(const std::string& name) { return events::versitygw(name, dialect()); }
};
INSTANTIATE_TEST_SUITE_P(Dialects, VersitygwDialect,
                         ::testing::Values(Dialect::versitygw, Dialect::automatic));

TEST_P(VersitygwDialect, reads_versitygw_quoted_tags_raw_keys_and_zero_sizes) {
    const auto put = versitygw("01_put");
    EXPECT_EQ(put.operation, StoreOperation::created_put);
    EXPECT_EQ(put.key, "a/b c+d&é.txt");
    EXPECT_EQ(put.etag, testing::kHelloMd5);
    EXPECT_EQ(put.size, 11U);
    EXPECT_EQ(put.version, std::nullopt);
    EXPECT_EQ(versitygw("03_multipart").size, std::nullopt);
    EXPECT_EQ(versitygw("04_copy").size, std::nullopt);
    EXPECT_EQ(versitygw("05_delete").etag, std::nullopt);
    EXPECT_EQ(versitygw("07_500_noretry").key, "f");
}

TEST_P(VersitygwDialect, rejects_form_event_without_key) {
    const auto batch =
        parse(dialect(), KeyEncoding::raw, bodies(kCaptures / "versitygw/02_post_policy.json").at(0));
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->events.empty());
    ASSERT_EQ(batch->unreadable.size(), 1U);
    EXPECT_NE(batch->unreadable[0].find("the key is empty"), std::string::npos);
}

TEST_P(VersitygwDialect, ignores_test_event_at_start) {
    const auto batch =
        parse(dialect(), KeyEncoding::raw, bodies(kCaptures / "versitygw/00_startup_test_event.json").at(0));
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->test_event && batch->events.empty() && batch->unreadable.empty());
}

TEST(VersitygwDialectAlone, rejects_null_records_and_envelopes) {
    EXPECT_EQ(refusal(Dialect::versitygw, R"({"Records":null})"), "Records is not an array");
    EXPECT_EQ(refusal(Dialect::versitygw, R"({"specversion":"1.0","data":{"Records":[{}]}})"),
              "the body has no Records");
}

TEST(VersitygwDialectAlone, takes_zero_size_of_assembled_objects_as_exact_in_other_dialects) {
    EXPECT_EQ(versitygw("03_multipart", Dialect::s3).size, 0U);
}

}  // namespace
}  // namespace photogate::notifier::events
