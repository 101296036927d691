// Backfills: begun once, fed in bounded steps by whoever comes, behind fresh uploads, counted, cancelled, outdated.
#include <set>

#include "records_database.hpp"
#include "storage/variants/variant_backfills.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace variants;
using namespace std::chrono_literals;

using How = VariantBackfills::Begun::How;
using Fed = VariantBackfills::Fed;

class BackfillRows : public RecordsTest {
  protected:
    /// Published uploads of the app, the oldest first.
    std::vector<UploadId> published(std::size_t count) {
        std::vector<UploadId> ids;
        for (std::size_t i = 0; i < count; ++i) {
            clock.advance(1ms);
            ids.push_back(in_state(model::UploadState::published).id);
        }
        database.run("delete from jobs");
        return ids;
    }
    BackfillOrder order() const {
        return {AppName::trusted("doorstep"), ProfileName::trusted("photos"), {}, "recipe", {}, {}};
    }
    VariantBackfills::Feeding feeding() const {
        return {.recipe = "recipe",
                .keys_of =
                    [this](const model::Upload& upload) {
                        return has.contains(upload.id) ? std::vector<std::string>{}
                                                       : std::vector<std::string>{"key"};
                    },
                .most_waiting = 4,
                .most_read = 3,
                .most_counted = 2};
    }
    Backfill begin() { return backfills.begin(order())->backfill; }
    Backfill look(const BackfillId& id) { return backfills.find(AppName::trusted("doorstep"), id).value(); }
    Fed feed(const BackfillId& id) { return backfills.feed(id, feeding()).value(); }
    std::vector<model::Job> claim(std::size_t most, std::size_t most_of_one_party = 1'000) {
        return records->jobs
            .claim({.worker = "w",
                    .most = most,
                    .most_of_one_party = most_of_one_party,
                    .kinds = {model::JobKind::process, model::JobKind::make_variants}})
            .value();
    }
    std::string waiting() { return database.value("select count(*) from jobs where kind = 'make_variants'"); }

    VariantBackfills backfills{*records->database};
    std::set<UploadId> has;  ///< their versions are there
};

TEST_F(BackfillRows, walks_from_the_newest_in_bounded_steps_and_counts_what_it_is_about) {
    const auto ids = published(7);
    has.insert(ids[5]);
    const auto id = begin().id;
    auto fed = feed(id);
    EXPECT_EQ(fed.looked_at, 3U);
    EXPECT_EQ(fed.queued, 2U);
    EXPECT_TRUE(fed.has_more);
    EXPECT_EQ(database.value("select string_agg(subject_id, ' ' order by subject_id desc) from jobs"),
              ids[6].str() + " " + ids[4].str());
    EXPECT_FALSE(look(id).is_counted);
    (void)feed(id);
    EXPECT_EQ(waiting(), "5");
    // Enough is waiting: it is counted, and nothing more is read.
    while (feed(id).has_more) {
    }
    const auto now = look(id);
    EXPECT_TRUE(now.is_counted);
    EXPECT_EQ(now.total, 7U);
    EXPECT_EQ(now.looked_at, 6U);
    EXPECT_EQ(now.found, 5U);
    EXPECT_EQ(now.waiting, 5U);
    EXPECT_EQ(now.state, BackfillState::running);
}

TEST_F(BackfillRows, ends_when_all_that_was_found_is_made_or_given_up) {
    published(2);
    const auto id = begin().id;
    (void)feed(id);
    const auto jobs = claim(1);
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].slot, id.str());
    EXPECT_EQ(jobs[0].payload, "recipe ");
    ASSERT_TRUE(records->variants.announce(jobs[0].lease, {}, VariantStore::Made::all));
    (void)feed(id);
    EXPECT_EQ(look(id).state, BackfillState::running);
    const auto last = claim(1);
    ASSERT_TRUE(records->variants.announce(last.at(0).lease, {}, VariantStore::Made::some));
    (void)feed(id);
    const auto ended = look(id);
    EXPECT_EQ(ended.state, BackfillState::finished);
    EXPECT_EQ(ended.made, 1U);
    EXPECT_EQ(ended.failed, 1U);
    EXPECT_EQ(ended.waiting, 0U);
    EXPECT_TRUE(ended.finished_at);
    EXPECT_TRUE(backfills.running(10)->empty());
}

TEST_F(BackfillRows, never_goes_before_a_fresh_upload) {
    published(6);
    const auto id = begin().id;
    (void)feed(id);
    (void)feed(id);
    database.run("update jobs set run_at = now() - interval '1 day'");
    const auto fresh = received();
    const auto first = claim(4);
    ASSERT_EQ(first.size(), 1U) << "nothing of the backfill while an upload waits";
    EXPECT_EQ(first[0].upload.id, fresh.id);
    EXPECT_EQ(claim(4, 2).size(), 1U);
    EXPECT_EQ(claim(4, 2).size(), 1U);
    EXPECT_TRUE(claim(4, 2).empty()) << "the worker's other places stay free";
    const auto next = received();
    EXPECT_EQ(claim(1).at(0).upload.id, next.id);
}

TEST_F(BackfillRows, waits_behind_the_variants_of_an_upload_too) {
    const auto ids = published(2);
    (void)feed(begin().id);
    ASSERT_TRUE(records->variants.order(std::nullopt, ids[0]));
    const auto jobs = claim(4);
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].slot, "");
}

TEST_F(BackfillRows, is_about_one_profile_and_a_time) {
    const auto ids = published(4);
    database.run("update uploads set profile = 'other' where id = '" + ids[3].str() + "'");
    database.run("update uploads set created_at = created_at - interval '1 hour' where id = '" +
                 ids[0].str() + "'");
    auto wanted = order();
    wanted.created_after = clock.now() - 30min;
    wanted.created_before = clock.now() + 1h;
    const auto id = backfills.begin(wanted)->backfill.id;
    while (feed(id).has_more) {
    }
    const auto now = look(id);
    EXPECT_EQ(now.total, 2U);
    EXPECT_EQ(now.found, 2U);
    EXPECT_EQ(now.order.created_after, wanted.created_after);
    wanted.created_before = clock.now() - 29min;
    const auto none = backfills.begin(wanted)->backfill.id;
    while (feed(none).has_more) {
    }
    (void)feed(none);
    EXPECT_EQ(look(none).state, BackfillState::finished);
    EXPECT_EQ(look(none).total, 0U);
}

TEST_F(BackfillRows, of_the_same_order_is_one_and_of_one_app_few_run_at_once) {
    const auto first = backfills.begin(order()).value();
    EXPECT_EQ(first.how, How::begun);
    const auto again = backfills.begin(order()).value();
    EXPECT_EQ(again.how, How::running_already);
    EXPECT_EQ(again.backfill.id, first.backfill.id);
    for (const char* variant : {"a", "b", "c"}) {
        auto other = order();
        other.variant = variant;
        EXPECT_EQ(backfills.begin(other)->how, How::begun);
    }
    auto one_more = order();
    one_more.variant = "d";
    EXPECT_EQ(backfills.begin(one_more).error().code, ErrorCode::rate_limited);
    one_more.app = AppName::trusted("another");
    EXPECT_TRUE(backfills.begin(one_more));
    EXPECT_EQ(backfills.find(one_more.app, first.backfill.id).error().code, ErrorCode::not_found);
    EXPECT_EQ(backfills.cancel(one_more.app, first.backfill.id).error().code, ErrorCode::not_found);
}

TEST_F(BackfillRows, that_is_cancelled_begins_nothing_more_and_lets_what_is_under_way_end) {
    published(3);
    const auto id = begin().id;
    (void)feed(id);
    const auto under_way = claim(1);
    ASSERT_EQ(under_way.size(), 1U);
    const auto app = AppName::trusted("doorstep");
    EXPECT_EQ(backfills.cancel(app, id)->state, BackfillState::cancelled);
    EXPECT_EQ(waiting(), "1");
    EXPECT_EQ(feed(id).queued, 0U);
    ASSERT_TRUE(records->variants.announce(under_way[0].lease, {}, VariantStore::Made::all));
    const auto ended = backfills.cancel(app, id).value();
    EXPECT_EQ(ended.state, BackfillState::cancelled);
    EXPECT_EQ(ended.made, 1U);
}

TEST_F(BackfillRows, of_a_recipe_that_no_gateway_has_is_outdated_after_a_while) {
    published(2);
    const auto id = begin().id;
    (void)feed(id);
    auto other = feeding();
    other.recipe = "another";
    EXPECT_EQ(backfills.feed(id, other)->queued, 0U);
    EXPECT_EQ(look(id).state, BackfillState::running);
    database.run("update variant_backfills set fed_at = now() - interval '11 minutes'");
    ASSERT_TRUE(backfills.feed(id, other));
    EXPECT_EQ(look(id).state, BackfillState::outdated);
    EXPECT_EQ(waiting(), "0");
}

TEST_F(BackfillRows, of_an_upload_that_is_deleted_meanwhile_ends_all_the_same) {
    const auto ids = published(1);
    const auto id = begin().id;
    (void)feed(id);
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, ids[0]));
    (void)feed(id);
    EXPECT_EQ(look(id).state, BackfillState::finished);
}

TEST_F(BackfillRows, that_waits_does_not_count_as_late_work) {
    published(1);
    (void)feed(begin().id);
    database.run("update jobs set ready_since = now() - interval '1 hour'");
    EXPECT_LT(records->gauges.backlog()->oldest_ready, 1s);
}

TEST_F(BackfillRows, of_a_forgotten_upload_the_public_id_stays_gone) {
    const auto id = published(1).front();
    const auto public_id =
        PublicId::trusted(database.value("select public_id from uploads where id = '" + id.str() + "'"));
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, id));
    database.run("delete from jobs");
    database.run("delete from images");
    database.run(
        "update uploads set finished_at = now() - interval '5 years', expires_at = now() - interval '5 "
        "years'");
    clock.advance(24h * 365 * 3);
    ASSERT_TRUE(records->upkeep.forget_old());
    ASSERT_EQ(database.value("select count(*) from uploads"), "0");
    const auto gone = records->publications.find_public(public_id).value();
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->state, model::UploadState::deleted);
    EXPECT_EQ(gone->app.str(), "doorstep");
    EXPECT_FALSE(gone->image);
}

}  // namespace
}  // namespace photogate::storage::records::test
