// What the records do while PostgreSQL restarts, and while its sessions are shot.
#include <set>
#include <stdexcept>
#include <thread>

#include "records_database.hpp"

// libpqxx 6.4.5 drops the PGresult of a statement during which its connection was lost: some 200 bytes a
// time. The leak checker asks for this by name.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
    return "leak:PQmakeEmptyPGresult\n";
}

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;

class FaultTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { cluster = new Cluster; }
    static void TearDownTestSuite() {
        delete cluster;
        cluster = nullptr;
    }

    FaultTest() : database(cluster->url()) {
        if (const auto migrated = migrate(database.url(), RunMode::apply); !migrated) {
            throw std::runtime_error(migrated.error().detail);
        }
        records = open();
    }

    std::unique_ptr<Records> open() {
        RecordsOptions options;
        options.database_url = database.url();
        auto opened = Records::open(options, composer, clock, random);
        if (!opened) throw std::runtime_error(opened.error().detail);
        return std::move(*opened);
    }

    NewUpload new_upload() {
        NewUpload item;
        item.upload.id = make_upload_id(clock.now(), random);
        item.upload.public_id = make_public_id(random);
        item.upload.app = AppName::trusted("app");
        item.upload.profile = ProfileName::trusted("photos");
        item.upload.bucket = Bucket::trusted("incoming");
        item.upload.key = ObjectKey::trusted("u/1/" + item.upload.id.str());
        item.upload.created_at = clock.now();
        item.upload.expires_at = clock.now() + 15min;
        return item;
    }

    Result<Created> create(NewUpload item) {
        std::promise<Result<Created>> promise;
        records->uploads.create(std::move(item),
                                [&](Result<Created> created) { promise.set_value(std::move(created)); });
        return promise.get_future().get();
    }

    Result<ObserveOutcome> observe(const model::Upload& upload, const std::string& event) {
        Observation seen;
        seen.event_id = event;
        seen.region = upload.region;
        seen.bucket = upload.bucket;
        seen.key = upload.key;
        seen.object.etag = ETag::trusted("e");
        std::promise<Result<ObserveOutcome>> promise;
        records->arrivals.observe(
            std::move(seen), [&](Result<ObserveOutcome> outcome) { promise.set_value(std::move(outcome)); });
        return promise.get_future().get();
    }

    /// Traffic from eight threads while `fault` does its worst; then everything that was acknowledged must be
    /// there, once.
    template <class Fault>
    void survive(Fault fault) {
        std::atomic<bool> stop{false};
        std::mutex mutex;
        std::set<std::string> created, received, published;
        std::vector<std::thread> threads;
        for (int i = 0; i < 6; ++i) {
            threads.emplace_back([&] {
                while (!stop) {
                    const auto upload = create(new_upload());
                    if (!upload) continue;
                    const auto id = upload->upload.id.str();
                    bool known = false;
                    for (int tries = 0; !known && !stop && tries < 200; ++tries) {
                        known = observe(upload->upload, "event-" + id).has_value();
                    }
                    const std::lock_guard lock{mutex};
                    created.insert(id);
                    if (known) received.insert(id);
                }
            });
        }
        for (int i = 0; i < 2; ++i) {
            threads.emplace_back([&] {
                while (!stop) {
                    const auto jobs = records->jobs.claim({"worker", 4, 60s});
                    if (!jobs || jobs->empty()) records->jobs.wait_for_jobs(20ms);
                    if (!jobs) continue;
                    for (const auto& job : *jobs) {
                        if (job.kind != model::JobKind::process) {
                            (void)records->jobs.finish_cleanup(job.lease);
                            continue;
                        }
                        model::Publication publication;
                        publication.facts.content_type = "image/jpeg";
                        publication.image.key = ObjectKey::trusted("p/" + job.upload.public_id.str());
                        publication.image.etag = ETag::trusted("out");
                        publication.image.sha256 = job.lease.token;
                        if (!records->publications.publish(job.lease, publication)) continue;
                        const std::lock_guard lock{mutex};
                        published.insert(job.upload.id.str());
                    }
                }
            });
        }
        fault();
        stop = true;
        for (auto& thread : threads)
            thread.join();

        const auto ids = [&](const std::string& sql) {
            std::set<std::string> found;
            for (const auto& row : database.run(sql))
                found.insert(row[0].c_str());
            return found;
        };
        const auto missing = [](const std::set<std::string>& of, const std::set<std::string>& in) {
            std::size_t count = 0;
            for (const auto& id : of)
                count += in.contains(id) ? 0 : 1;
            return count;
        };
        EXPECT_GT(created.size(), 0U);
        EXPECT_EQ(missing(created, ids("select id from uploads")), 0U);
        EXPECT_EQ(missing(received, ids("select id from uploads where state <> 'created'")), 0U);
        EXPECT_EQ(missing(published, ids("select id from uploads where state = 'published'")), 0U);
        EXPECT_EQ(database.value("select count(*) from (select subject_id, type from callbacks group by 1, 2 "
                                 "having count(*) > 1) d"),
                  "0");
        EXPECT_EQ(database.value(
                      "select count(*) from uploads u where state = 'published' and not exists"
                      " (select from callbacks c where c.subject_id = u.id and c.type = 'upload.published')"),
                  "0");
        EXPECT_EQ(
            database.value(
                "select count(*) from uploads u where state in ('uploaded', 'processing') and not exists"
                " (select from jobs j where j.subject_id = u.id and j.kind = 'process')"),
            "0");
    }

    bool back_within(std::chrono::seconds limit) {
        const auto until = std::chrono::steady_clock::now() + limit;
        while (std::chrono::steady_clock::now() < until) {
            if (records->gauges.ping()) return true;
            std::this_thread::yield();
        }
        return false;
    }

    static Cluster* cluster;
    Database database;
    Composer composer;
    SystemClock clock;
    SystemRandom random;
    std::unique_ptr<Records> records;
};

Cluster* FaultTest::cluster = nullptr;

TEST_F(FaultTest, survives_immediate_restart_under_traffic_without_loss_or_duplicates) {
    survive([&] {
        for (int i = 0; i < 3; ++i) {
            EXPECT_TRUE(create(new_upload()));
            cluster->restart_immediately();
            EXPECT_TRUE(back_within(5s));
        }
    });
}

TEST_F(FaultTest, survives_terminated_sessions_without_loss_or_duplicates) {
    survive([&] {
        for (int i = 0; i < 20; ++i) {
            database.run(
                "select pg_terminate_backend(pid), pg_sleep(0.05) from pg_stat_activity"
                " where application_name = 'photogate' and datname = current_database()");
        }
        EXPECT_TRUE(back_within(5s));
    });
}

TEST_F(FaultTest, reports_unreachable_server_immediately) {
    RecordsOptions options;
    options.database_url = "postgresql://photogate@/none?host=/nowhere";
    EXPECT_EQ(Records::open(options, composer, clock, random).error().code, ErrorCode::database_unavailable);
}

TEST_F(FaultTest, reconnects_lost_listener_and_hears_other_gateways) {
    auto other = open();
    const auto heard_after_work = [&] {
        // Signals that are still on their way from before are heard out first.
        const auto upload = create(new_upload());
        if (!upload || !observe(upload->upload, upload->upload.id.str())) return false;
        const auto before = std::chrono::steady_clock::now();
        other->jobs.wait_for_jobs(20s);
        return std::chrono::steady_clock::now() - before < 20s;
    };
    EXPECT_TRUE(heard_after_work());
    database.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'photogate'"
        " and datname = current_database()");
    EXPECT_TRUE(heard_after_work());
}

}  // namespace
}  // namespace photogate::storage::records::test
