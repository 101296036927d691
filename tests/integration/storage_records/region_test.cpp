// Whose jobs a worker takes first, of several regions, and that those of a region that is down cost nobody anything.
#include <chrono>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

class RegionTest : public RecordsTest {
  protected:
    /// A received upload of the region, whose job has been due for `due`.
    model::Upload received(const std::string& region, std::chrono::seconds due = 0s) {
        auto item = new_upload("shop");
        item.upload.region = region;
        const auto upload = try_create(std::move(item)).value().upload;
        observe(seen(upload));
        database.run("update jobs set run_at = now() - interval '" + std::to_string(due.count()) +
                     " seconds' where subject_id = '" + upload.id.str() + "'");
        return upload;
    }
    std::vector<std::string> claimed(std::vector<std::string> away, std::vector<std::string> near = {},
                                     std::size_t most = 10) {
        std::vector<std::string> regions;
        const auto jobs = records->jobs.claim({.worker = "w",
                                               .most = most,
                                               .away = std::move(away),
                                               .near = std::move(near),
                                               .far_after = 60s});
        for (const auto& job : jobs.value())
            regions.push_back(job.upload.region);
        return regions;
    }
    using Regions = std::vector<std::string>;
};

TEST_F(RegionTest, a_job_has_its_uploads_region) {
    received("eu");
    received("us");
    EXPECT_EQ(database.value("select string_agg(region, ' ' order by region) from jobs"), "eu us");
}

TEST_F(RegionTest, jobs_of_a_region_that_is_down_are_left_alone) {
    received("eu", 10s);
    received("us");
    EXPECT_EQ(claimed({"eu"}), Regions{"us"});
    EXPECT_EQ(claimed({"eu"}), Regions{});
    EXPECT_EQ(claimed({}), Regions{"eu"});
}

TEST_F(RegionTest, jobs_of_another_region_are_left_to_nearer_workers_for_a_while) {
    received("eu", 59s);
    received("us");
    EXPECT_EQ(claimed({}, {"us"}), Regions{"us"});
    received("us");
    received("eu", 61s);
    EXPECT_EQ(claimed({}, {"us"}, 1), Regions{"eu"}) << "the one that has waited longest";
    EXPECT_EQ(claimed({}, {"us"}), Regions{"us"});
    EXPECT_EQ(claimed({}), Regions{"eu"}) << "to a worker without a place all are near";
}

TEST_F(RegionTest, a_job_whose_subject_has_no_region_is_near_everybody) {
    received("eu");
    database.run("update jobs set region = ''");
    EXPECT_EQ(claimed({"us"}, {"us"}), Regions{"eu"});
}

TEST_F(RegionTest, jobs_that_ran_out_of_time_wait_for_their_region_too) {
    received("eu", 3600s);
    database.run("update jobs set patient = true");
    EXPECT_EQ(claimed({"eu"}), Regions{});
    EXPECT_EQ(claimed({}), Regions{"eu"});
}

TEST_F(RegionTest, a_hundred_thousand_jobs_of_a_region_that_is_down_do_not_slow_claims) {
    const auto seconds = [&] {
        const auto started = Steady::now();
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(claimed({"us"}), Regions{});
        return std::chrono::duration<double>(Steady::now() - started).count();
    };
    (void)seconds();
    const double before = seconds();
    database.run(
        "insert into jobs (subject_kind, subject_id, generation, app, kind, party, run_at, region) "
        "select 'package', 'p' || n, 1, 'shop', 'process', (n % 500)::text, now() - interval '1 hour', 'us' "
        "from generate_series(1, 100000) n");
    database.run("analyze jobs");
    (void)seconds();
    EXPECT_LT(seconds(), 4 * before + 0.4);
}

}  // namespace
}  // namespace photogate::storage::records::test
