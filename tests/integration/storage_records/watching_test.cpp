// What is asked of many uploads at once.
#include <map>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using enum model::UploadState;

class WatchingTest : public RecordsTest {};

TEST_F(WatchingTest, names_the_uploads_that_have_ended_and_whether_they_have_jobs) {
    std::vector<UploadId> asked;
    std::map<UploadId, model::UploadState> states;
    for (const auto state :
         {created, uploaded, processing, published, rejected, failed, expired, cancelled, deleted}) {
        const auto upload = in_state(state);
        asked.push_back(upload.id);
        states.emplace(upload.id, state);
    }
    asked.push_back(make_upload_id(clock.now(), random));  // of nothing
    const auto ended = records->uploads.ended_among(asked);
    ASSERT_TRUE(ended) << ended.error().detail;
    std::size_t final_states = 0;
    for (const auto& [id, state] : states)
        final_states += is_final(state) ? 1 : 0;
    EXPECT_EQ(ended->size(), final_states);
    for (const auto& each : *ended) {
        EXPECT_TRUE(is_final(states.at(each.id))) << to_string(states.at(each.id));
        EXPECT_EQ(each.has_jobs, records->uploads.has_jobs(each.id).value()) << to_string(states.at(each.id));
    }
}

TEST_F(WatchingTest, tells_other_gateways_of_versions_that_are_made_or_given_up) {
    using namespace std::chrono_literals;
    const auto other = open();
    // Whatever was told before it listened it does not know.
    const auto listens = [&] {
        for (const auto& tag : other->versions.wait_for_news(10s))
            if (tag == kAnyVersion) return true;
        return false;
    };
    ASSERT_TRUE(listens());
    (void)records->versions.wait_for_news(10s);
    const auto id = in_state(published).id;
    const VersionName name{id, "2.key"}, failing{id, "3.key"};
    const auto token = std::get<ClaimedVersion>(records->versions.claim(name, 60s).value()).token;
    const model::PublishedImage image{
        ObjectKey::trusted("v/" + id.str()), ETag::trusted("e"), std::string(64, 'c'), "webp", 4, 3, 9};
    ASSERT_TRUE(records->versions.finish(name, token, {image, Bucket::trusted("public"), 7}));
    EXPECT_EQ(other->versions.wait_for_news(10s), std::vector{tag_of(name)});
    const auto second = std::get<ClaimedVersion>(records->versions.claim(failing, 60s).value()).token;
    ASSERT_TRUE(records->versions.give_up(failing, second, {"x", 0ms}));
    EXPECT_EQ(other->versions.wait_for_news(10s), std::vector{tag_of(failing)});
    EXPECT_TRUE(records->versions.wait_for_news(50ms).empty()) << "one's own are no news";
    ASSERT_EQ(records->versions.ready(id)->size(), 1U);
    EXPECT_EQ(records->versions.ready(id)->front().spec_key, "2.key");
    EXPECT_EQ(records->versions.ready(id)->front().version.image, image);
}

TEST_F(WatchingTest, finds_those_that_exist) {
    const auto first = create(), second = create();
    const auto found = records->uploads.find_all({second.id, make_upload_id(clock.now(), random), first.id});
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 2U);
    for (const auto& upload : *found)
        EXPECT_EQ(upload.public_id, (upload.id == first.id ? first : second).public_id);
    EXPECT_TRUE(records->uploads.find_all({})->empty());
    EXPECT_TRUE(records->uploads.ended_among({})->empty());
}

TEST_F(WatchingTest, tells_the_states_of_an_upload_in_their_order_and_goes_on_behind_a_place) {
    const auto all_of = [&](const UploadId& id, std::int64_t place = -1) {
        std::vector<model::UploadState> states;
        const auto found = records->uploads.steps(std::nullopt, id, place).value();
        for (const auto& step : found.steps)
            states.push_back(step.state);
        EXPECT_FALSE(found.more);
        return states;
    };
    using States = std::vector<model::UploadState>;
    EXPECT_EQ(all_of(create().id), (States{created}));
    EXPECT_EQ(all_of(in_state(uploaded).id), (States{created, uploaded}));
    EXPECT_EQ(all_of(in_state(published).id), (States{created, uploaded, processing, published}));
    EXPECT_EQ(all_of(in_state(rejected).id), (States{created, uploaded, processing, rejected}));
    EXPECT_EQ(all_of(in_state(failed).id).back(), failed);
    EXPECT_EQ(all_of(in_state(expired).id), (States{created, expired}));
    EXPECT_EQ(all_of(in_state(cancelled).id).back(), cancelled);
    EXPECT_EQ(all_of(in_state(deleted).id).back(), deleted);
    const auto upload = in_state(rejected);
    const auto steps = records->uploads.steps(upload.app, upload.id, -1)->steps;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        EXPECT_EQ(all_of(upload.id, steps[i].place).size(), steps.size() - i - 1);
        if (i > 0) EXPECT_GT(steps[i].place, steps[i - 1].place);
    }
    ASSERT_TRUE(records->uploads.retry(std::nullopt, upload.id));
    EXPECT_EQ(all_of(upload.id, steps.back().place), (States{uploaded}));
    EXPECT_EQ(records->uploads.steps(AppName::trusted("another"), upload.id, -1).error().code,
              ErrorCode::upload_not_found);
}

TEST_F(WatchingTest, what_happens_to_a_job_that_follows_a_final_state_is_no_step) {
    const auto upload = in_state(published);
    const auto before = records->uploads.steps(std::nullopt, upload.id, -1)->steps.size();
    const auto job = claim_one();
    ASSERT_NE(job.kind, model::JobKind::process);
    ASSERT_TRUE(records->jobs.postpone(
        job.lease, {model::Postponement::Cost::free, "code", "why", std::chrono::milliseconds{0}}));
    EXPECT_EQ(records->uploads.steps(std::nullopt, upload.id, -1)->steps.size(), before);
}

TEST_F(WatchingTest, mark_is_another_after_every_change_and_the_same_without) {
    const auto upload = create();
    const auto mark = [&] {
        const auto marks =
            records->uploads.marks_of({upload.id, make_upload_id(clock.now(), random)}).value();
        EXPECT_EQ(marks.size(), 1U);
        return marks.front().mark;
    };
    const auto first = mark();
    EXPECT_EQ(mark(), first);
    EXPECT_EQ(records->uploads.steps(std::nullopt, upload.id, -1)->mark, first);
    ASSERT_TRUE(observe(seen(upload)));
    const auto second = mark();
    EXPECT_NE(second, first);
    const auto job = claim_process(upload.id);
    EXPECT_NE(mark(), second);
    EXPECT_EQ(records->uploads.steps(std::nullopt, upload.id, -1)->mark, mark());
}

TEST_F(WatchingTest, answers_for_thousands_in_one_query) {
    std::vector<UploadId> asked;
    for (int i = 0; i < 4'096; ++i)
        asked.push_back(make_upload_id(clock.now(), random));
    const auto upload = in_state(published);
    asked.push_back(upload.id);
    const auto ended = records->uploads.ended_among(asked);
    ASSERT_TRUE(ended) << ended.error().detail;
    ASSERT_EQ(ended->size(), 1U);
    EXPECT_EQ(ended->front().id, upload.id);
}

}  // namespace
}  // namespace photogate::storage::records::test
