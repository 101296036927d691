// What is known of multipart uploads at the stores, and when it is looked at.
#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;

class PartsTest : public RecordsTest {
  protected:
    model::Upload in_parts() {
        auto item = new_upload();
        item.upload.method = model::GrantMethod::multipart;
        item.upload.part_size = 5U << 20;
        return try_create(std::move(item)).value().upload;
    }
    std::vector<PartsDue> due() { return records->upkeep.parts_due(10).value(); }
};

TEST_F(PartsTest, every_multipart_upload_is_looked_at_when_its_grant_has_ended) {
    const auto upload = in_parts();
    create();
    EXPECT_EQ(records->uploads.find(std::nullopt, upload.id)->part_size, 5U << 20);
    EXPECT_TRUE(due().empty());
    clock.advance(16min);
    ASSERT_EQ(due().size(), 1U);
    EXPECT_EQ(due()[0].upload.id, upload.id);
    EXPECT_EQ(due()[0].store_id, std::nullopt);
    ASSERT_TRUE(records->upkeep.look_at_parts_again(upload.id, 60s));
    EXPECT_TRUE(due().empty());
}

TEST_F(PartsTest, first_recorded_multipart_upload_counts) {
    const auto upload = in_parts();
    EXPECT_EQ(records->uploads.parts_of(upload.id).value(), std::nullopt);
    EXPECT_EQ(records->uploads.record_parts(upload.id, "one").value(), "one");
    EXPECT_EQ(records->uploads.record_parts(upload.id, "two").value(), "one");
    EXPECT_EQ(records->uploads.parts_of(upload.id).value(), "one");
    ASSERT_TRUE(records->uploads.forget_parts(upload.id, "two"));
    EXPECT_EQ(records->uploads.parts_of(upload.id).value(), "one");
    ASSERT_TRUE(records->uploads.forget_parts(upload.id, "one"));
    EXPECT_EQ(records->uploads.record_parts(upload.id, "two").value(), "two");
}

TEST_F(PartsTest, ended_upload_records_none) {
    const auto upload = in_parts();
    ASSERT_TRUE(records->uploads.cancel_or_delete(upload.app, upload.id));
    EXPECT_EQ(records->uploads.record_parts(upload.id, "one").error().code, ErrorCode::state_conflict);
}

TEST_F(PartsTest, parts_whose_client_came_back_are_not_given_up) {
    const auto upload = in_parts();
    ASSERT_TRUE(records->uploads.record_parts(upload.id, "one"));
    clock.advance(10h);
    const PartsDue found{upload, "one"};
    ASSERT_TRUE(records->uploads.extend_grant(upload.app, upload.id, clock.now() + 10min));
    EXPECT_FALSE(records->upkeep.give_up_parts(found, 1h, 60s).value());
    clock.advance(2h);
    EXPECT_FALSE(records->upkeep.give_up_parts({upload, "other"}, 1h, 60s).value())
        << "another one counts by now";
    EXPECT_TRUE(records->upkeep.give_up_parts(found, 1h, 60s).value());
    EXPECT_EQ(records->uploads.parts_of(upload.id).value(), std::nullopt);
    EXPECT_TRUE(due().empty());
    clock.advance(2min);
    EXPECT_EQ(due().size(), 1U) << "who gave it up may have died before the store was told";
    ASSERT_TRUE(records->upkeep.forget_parts(upload.id));
    EXPECT_TRUE(due().empty());
}

TEST_F(PartsTest, row_stays_where_another_multipart_upload_was_begun) {
    const auto upload = in_parts();
    ASSERT_TRUE(records->uploads.record_parts(upload.id, "one"));
    ASSERT_TRUE(records->upkeep.forget_parts(upload.id));
    EXPECT_EQ(records->uploads.parts_of(upload.id).value(), "one");
}

TEST_F(PartsTest, retention_keeps_the_row_of_an_upload_that_may_have_parts) {
    const auto upload = in_parts();
    ASSERT_TRUE(records->uploads.cancel_or_delete(upload.app, upload.id));
    database.run("delete from jobs");
    clock.advance(std::chrono::hours{24 * 91});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(database.value("select count(*) from uploads"), "1");
    ASSERT_TRUE(records->upkeep.forget_parts(upload.id));
    clock.advance(2min);
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(database.value("select count(*) from uploads"), "0");
}

}  // namespace
}  // namespace photogate::storage::records::test
