// Who is served next: apps in turn, and within an app its client tokens; a file that ran out of time last.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

class FairnessTest : public RecordsTest {
  protected:
    /// Received uploads of `app`, `count` for each of `parties` tokens named `prefix` and a number; oldest first.
    void queue(const std::string& app, const std::string& prefix, int parties, int count) {
        const auto first = std::to_string(next_);
        next_ += parties * count;
        const auto range =
            "generate_series(" + first + "::bigint, " + std::to_string(next_ - 1) + "::bigint) n";
        const auto token = prefix.empty() ? std::string{"null"}
                                          : "'" + prefix + "' || lpad(((n - " + first + ") % " +
                                                std::to_string(parties) + ")::text, 6, '0')";
        database.run(
            "insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, "
            "client_fields, request_id, created_at, expires_at, updated_at, pinned_etag, generation, "
            "client_token) select 'upl_' || lpad(n::text, 26, '0'), lpad(n::text, 26, '0'), '" +
            app +
            "', 'p', 'uploaded', 'put', 'local', 'incoming', 'u/1/' || n, '{}', '{}', '', now(), now(), "
            "now(), "
            "'e', 1, " +
            token + " from " + range);
        database.run(
            "insert into jobs (subject_id, generation, app, kind, party, run_at) select id, 1, app, "
            "'process', "
            "coalesce(client_token, ''), now() - interval '1 hour' + n * interval '1 millisecond' from " +
            range + " join uploads on id = 'upl_' || lpad(n::text, 26, '0')");
    }
    std::vector<model::Job> claim(std::size_t most, std::size_t most_of_one = 1'000) {
        return records->jobs
            .claim({.worker = "w", .most = most, .lease = 60s, .most_of_one_party = most_of_one})
            .value();
    }
    static std::string party(const model::Job& job) { return job.upload.client_token.value_or(""); }
    void finish(const model::Job& job) {
        ASSERT_TRUE(
            records->publications.reject(job.lease, {{"corrupt", ""}, {}, model::OriginalAction::keep}));
        // What is to become of the original is of no interest here.
        database.run("delete from jobs where kind <> 'process'");
    }
    double seconds_for_claims(int count) {
        const auto start = Steady::now();
        for (int i = 0; i < count; ++i) {
            const auto jobs = claim(2);
            EXPECT_FALSE(jobs.empty());
            for (const auto& job : jobs)
                (void)records->jobs.release({job.lease});
        }
        return std::chrono::duration<double>(Steady::now() - start).count();
    }

  private:
    std::int64_t next_ = 1;
};

TEST_F(FairnessTest, a_token_with_ten_thousand_jobs_delays_another_token_by_one_job) {
    queue("doorstep", "hostile", 1, 10'000);
    // Workers are at it already, and each time one is free it claims one more.
    std::vector<model::Job> held = claim(4);
    EXPECT_EQ(held.size(), 4U);
    queue("doorstep", "photographer", 1, 1);
    std::vector<std::string> served;
    for (int i = 0; i < 2; ++i) {
        finish(held[static_cast<std::size_t>(i)]);
        served.push_back(party(claim(1).at(0)));
    }
    EXPECT_EQ(std::count(served.begin(), served.end(), "photographer000000"), 1);
}

TEST_F(FairnessTest, a_single_worker_serves_two_tokens_in_turn) {
    queue("doorstep", "hostile", 1, 50);
    queue("doorstep", "photographer", 1, 5);
    std::map<std::string, int> served;
    for (int i = 0; i < 10; ++i) {
        const auto job = claim(1).at(0);
        ++served[party(job)];
        finish(job);
    }
    EXPECT_EQ(served["photographer000000"], 5);
    EXPECT_EQ(served["hostile000000"], 5);
}

TEST_F(FairnessTest, every_token_is_served_before_one_is_served_twice) {
    queue("doorstep", "token", 150, 2);
    std::set<std::string> served;
    while (served.size() < 150) {
        for (const auto& job : claim(3)) {
            EXPECT_TRUE(served.insert(party(job)).second) << party(job) << " after " << served.size();
            finish(job);
        }
        if (HasFailure()) return;
    }
}

TEST_F(FairnessTest, an_app_of_ten_thousand_tokens_delays_another_app_by_one_job) {
    queue("batch", "token", 10'000, 1);
    queue("single", "", 1, 1);
    std::set<std::string> apps;
    for (int i = 0; i < 2; ++i)
        apps.insert(claim(1).at(0).upload.app.str());
    EXPECT_TRUE(apps.contains("single"));
}

TEST_F(FairnessTest, within_a_token_the_oldest_is_first) {
    queue("doorstep", "token", 1, 20);
    std::string last;
    for (const auto& job : claim(20)) {
        EXPECT_LT(last, job.upload.id.str());
        last = job.upload.id.str();
    }
}

TEST_F(FairnessTest, a_worker_holds_no_more_of_one_token_than_its_bound) {
    queue("doorstep", "hostile", 1, 20);
    EXPECT_EQ(claim(8, 3).size(), 3U);
    EXPECT_TRUE(claim(8, 3).empty());
    queue("doorstep", "photographer", 1, 1);
    const auto next = claim(8, 3);
    ASSERT_EQ(next.size(), 1U);
    EXPECT_EQ(party(next[0]), "photographer000000");
    // Another worker has places of its own, and the app's own uploads are not bounded.
    EXPECT_EQ(records->jobs.claim({.worker = "other", .most = 8, .lease = 60s, .most_of_one_party = 3})
                  .value()
                  .size(),
              3U);
    queue("doorstep", "", 1, 8);
    EXPECT_EQ(claim(8, 3).size(), 8U);
}

TEST_F(FairnessTest, a_bounded_token_does_not_hide_the_jobs_of_a_second_one) {
    queue("doorstep", "hostile", 1, 5'000);
    queue("doorstep", "photographer", 1, 4);
    std::map<std::string, int> served;
    for (const auto& job : claim(8, 3))
        ++served[party(job)];
    EXPECT_EQ(served["hostile000000"], 3);
    EXPECT_EQ(served["photographer000000"], 3);
}

TEST_F(FairnessTest, jobs_of_a_gateway_that_names_no_party_are_claimed_as_the_apps_own) {
    received();
    database.run("delete from jobs");
    database.run(
        "insert into jobs (subject_id, generation, app, kind) select id, 1, app, 'process' from uploads");
    EXPECT_EQ(claim(1).size(), 1U);
}

TEST_F(FairnessTest, an_observed_upload_of_a_token_is_queued_under_it) {
    const auto upload = create();
    database.run("update uploads set client_token = 'tok' where id = '" + upload.id.str() + "'");
    ASSERT_TRUE(observe(seen(upload)));
    EXPECT_EQ(database.value("select party from jobs"), "tok");
    const auto job = claim_one();
    ASSERT_TRUE(records->publications.publish(job.lease, a_publication(job.upload)));
    EXPECT_EQ(database.value("select party from jobs where kind = 'settle_original'"), "tok");
}

TEST_F(FairnessTest, tokens_whose_jobs_are_all_put_off_do_not_hide_one_that_is_ready) {
    queue("doorstep", "absent", 1'000, 1);
    database.run("update jobs set run_at = now() + interval '1 hour'");
    queue("doorstep", "ready", 1, 2);
    EXPECT_EQ(party(claim(1).at(0)), "ready000000");
    EXPECT_EQ(party(claim(1).at(0)), "ready000000");
    EXPECT_TRUE(claim(1).empty());
}

TEST_F(FairnessTest, claiming_costs_the_same_beside_ten_thousand_jobs) {
    queue("doorstep", "few", 4, 5);
    database.run("analyze jobs");
    (void)seconds_for_claims(10);
    const double few = seconds_for_claims(40);
    queue("doorstep", "hostile", 1, 10'000);
    database.run("analyze jobs");
    (void)seconds_for_claims(10);
    const double one_token = seconds_for_claims(40);
    queue("doorstep", "many", 10'000, 1);
    database.run("analyze jobs");
    const double many_tokens = seconds_for_claims(40);
    RecordProperty("few_ms", static_cast<int>(few * 25));
    RecordProperty("one_token_ms", static_cast<int>(one_token * 25));
    RecordProperty("many_tokens_ms", static_cast<int>(many_tokens * 25));
    std::printf("a claim: %.1f ms beside 20 jobs, %.1f beside 10,000 of one token, %.1f of 10,000 tokens\n",
                few * 25, one_token * 25, many_tokens * 25);
    EXPECT_LT(one_token, 4 * few + 0.2);
    EXPECT_LT(many_tokens, 4 * few + 0.4);
}

// --- files that ran out of time

using TimeoutTest = FairnessTest;

TEST_F(TimeoutTest, is_tried_again_only_when_no_other_upload_is_ready) {
    received();
    const auto slow = claim_one();
    EXPECT_FALSE(slow.ran_out_of_time);
    EXPECT_EQ(
        records->jobs.postpone(slow.lease, {model::Postponement::Cost::timeout, "imager_timeout", "", 0ms})
            .value(),
        model::UploadState::uploaded);
    queue("doorstep", "photographer", 1, 3);
    for (int i = 0; i < 3; ++i) {
        const auto job = claim(1).at(0);
        EXPECT_FALSE(job.ran_out_of_time);
        EXPECT_NE(job.upload.id, slow.upload.id);
        finish(job);
    }
    const auto again = claim(1).at(0);
    EXPECT_EQ(again.upload.id, slow.upload.id);
    EXPECT_TRUE(again.ran_out_of_time);
    EXPECT_EQ(again.attempt, 2U);
}

TEST_F(TimeoutTest, is_tried_again_one_at_a_time_by_each_worker) {
    for (int i = 0; i < 3; ++i)
        received();
    for (const auto& job : claim(3))
        (void)records->jobs.postpone(job.lease,
                                     {model::Postponement::Cost::timeout, "imager_timeout", "", 0ms});
    EXPECT_EQ(claim(4).size(), 1U);
    EXPECT_TRUE(claim(4).empty());
    EXPECT_EQ(records->jobs.claim({"other", 4, 60s}).value().size(), 1U);
}

TEST_F(TimeoutTest, does_not_wait_for_ever_under_a_load_that_never_ends) {
    received();
    const auto slow = claim_one();
    (void)records->jobs.postpone(slow.lease, {model::Postponement::Cost::timeout, "imager_timeout", "", 0ms});
    queue("doorstep", "", 1, 10);
    database.run("update jobs set run_at = now() - interval '11 minutes' where patient");
    database.run("update jobs set run_at = now() - interval '1 second' where not patient");
    EXPECT_EQ(claim(1).at(0).upload.id, slow.upload.id);
}

TEST_F(TimeoutTest, a_retry_by_the_app_starts_anew) {
    received();
    const auto slow = claim_one();
    (void)records->jobs.postpone(slow.lease, {model::Postponement::Cost::timeout, "imager_timeout", "", 0ms});
    const auto again = claim_one();
    ASSERT_TRUE(
        records->publications.reject(again.lease, {{"timeout", ""}, {}, model::OriginalAction::keep}));
    database.run("delete from jobs");
    ASSERT_TRUE(records->uploads.retry(std::nullopt, slow.upload.id));
    EXPECT_FALSE(claim_one().ran_out_of_time);
}

}  // namespace
}  // namespace photogate::storage::records::test
