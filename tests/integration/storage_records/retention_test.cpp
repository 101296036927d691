// What is given up after its age, and the leases of processes that are gone.
#include <csignal>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

#include "records_database.hpp"
#include "storage/database/process_identity.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;
using storage::database::has_ended;
using storage::database::ProcessIdentity;

// ---- ages

class RetentionTest : public RecordsTest {
  protected:
    std::string count(const std::string& what) { return database.value("select count(*) from " + what); }
    void later(std::chrono::days days) {
        clock.advance(days);
        ASSERT_TRUE(records->upkeep.forget_old());
    }
};

TEST_F(RetentionTest, erases_rejected_and_failed_uploads_with_their_files_after_thirty_days) {
    const auto rejected = in_state(model::UploadState::rejected),
               failed = in_state(model::UploadState::failed),
               published = in_state(model::UploadState::published);
    database.run("delete from jobs");
    later(std::chrono::days{29});
    EXPECT_EQ(state_of(rejected.id), model::UploadState::rejected);
    later(std::chrono::days{2});
    EXPECT_EQ(state_of(rejected.id), model::UploadState::deleted);
    EXPECT_EQ(state_of(failed.id), model::UploadState::deleted);
    EXPECT_EQ(state_of(published.id), model::UploadState::published);
    EXPECT_EQ(count("jobs where kind = 'settle_original' and detail = 'remove'"), "2");
    EXPECT_EQ(count("callbacks where type = 'upload.deleted'"), "2") << "the app is notified";
}

TEST_F(RetentionTest, does_not_erase_what_was_tried_again_meanwhile) {
    const auto upload = in_state(model::UploadState::rejected);
    clock.advance(std::chrono::days{40});
    database.run("delete from jobs");
    ASSERT_TRUE(records->uploads.retry(std::nullopt, upload.id));
    ASSERT_TRUE(records->publications.publish(claim_process(upload.id).lease, a_publication(upload)));
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(state_of(upload.id), model::UploadState::published);
}

TEST_F(RetentionTest, deletes_the_rows_of_ended_uploads_after_ninety_days_and_none_that_is_in_use) {
    for (const auto state : {model::UploadState::expired, model::UploadState::cancelled,
                             model::UploadState::deleted, model::UploadState::published})
        in_state(state);
    const auto busy = in_state(model::UploadState::cancelled);
    database.run("delete from jobs where subject_id <> '" + busy.id.str() + "'");
    database.run("delete from images where state = 'removing'");
    later(std::chrono::days{89});
    EXPECT_EQ(count("uploads"), "5");
    later(std::chrono::days{2});
    EXPECT_EQ(database.value("select string_agg(state, ' ' order by state) from uploads"),
              "cancelled published");
    EXPECT_EQ(count("timeline t where not exists (select from uploads u where u.id = t.subject_id)"), "0");
    database.run("delete from jobs");
    later(std::chrono::days{1});
    EXPECT_EQ(count("uploads"), "1");
}

TEST_F(RetentionTest, keeps_the_rows_of_packages_that_are_over_for_as_long_as_is_asked) {
    RecordsOptions options;
    options.retention.packages = std::chrono::days{5};
    records = open(std::move(options));
    for (const auto* rest :
         {"now() + interval '1 day', null, null, null", "now() + interval '9 days', null, null, null",
          "now() + interval '1 day', 'local', 'kept', 'z/1.zip'"})
        database.run(
            std::string{"insert into packages (id, app, name, mode, state, on_missing, metadata, request_id, "
                        "created_at, expires_at, object_region, object_bucket, object_key) select 'pkg_' || "
                        "count(*), 'doorstep', 'a.zip', "
                        "'stream', 'ready', 'fail', '{}', 'r', now(), "} +
            rest + " from packages");
    later(std::chrono::days{5});
    EXPECT_EQ(count("packages"), "3");
    later(std::chrono::days{2});
    EXPECT_EQ(database.value("select string_agg(id, ' ' order by id) from packages"), "pkg_1 pkg_2")
        << "what is in the store is removed first";
    later(std::chrono::days{9});
    EXPECT_EQ(database.value("select string_agg(id, ' ') from packages"), "pkg_2");
}

// ---- processes that are gone

/// A process that does nothing until it is killed.
class OtherProcess {
  public:
    OtherProcess() : pid_(::fork()) {
        if (pid_ == 0) {
            for (;;)
                ::pause();
        }
    }
    ~OtherProcess() { kill_it(); }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;
    void kill_it() {
        if (std::exchange(killed_, true)) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ProcessIdentity identity() const { return storage::database::identify(pid_); }

  private:
    pid_t pid_;
    bool killed_ = false;
};

class EndedProcessTest : public RecordsTest {
  protected:
    /// Every lease is that process's.
    void give_leases_to(const ProcessIdentity& process, const std::string& machine) {
        database.run("insert into processes (prefix, machine, pid, started) values ('0123456789ab', '" +
                     machine + "', " + std::to_string(process.pid) + ", " + std::to_string(process.started) +
                     ") on conflict (prefix) do update set machine = excluded.machine");
        for (const char* table : {"jobs", "callbacks", "rounds"})
            database.run("update " + std::string{table} +
                         " set lease_token = '0123456789ab' || right(lease_token, 20) "
                         "where lease_token is not null");
    }
};

TEST_F(EndedProcessTest, a_killed_processs_leases_are_over_at_once) {
    OtherProcess other;
    const auto upload = received();
    ASSERT_EQ(claim_one().upload.id, upload.id);
    ASSERT_EQ(records->outbox.claim(10, 8, 60s)->size(), 1U);
    ASSERT_TRUE(records->upkeep.acquire("open-minutes", 60s, MaintenanceStart::at_once).value());
    give_leases_to(other.identity(), other.identity().machine);
    EXPECT_EQ(records->jobs.reap().value().requeued, 0U) << "it is alive";
    EXPECT_TRUE(records->outbox.claim(10, 8, 60s)->empty());
    other.kill_it();
    EXPECT_EQ(records->jobs.reap().value().requeued, 1U);
    EXPECT_EQ(state_of(upload.id), model::UploadState::uploaded);
    EXPECT_EQ(claim_one().attempt, 2U) << "it may have been the file's doing";
    EXPECT_EQ(records->outbox.claim(10, 8, 60s)->size(), 1U);
    EXPECT_TRUE(records->upkeep.acquire("open-minutes", 60s, MaintenanceStart::at_once).value());
    EXPECT_EQ(database.value("select count(*) from processes where prefix = '0123456789ab'"), "0");
}

TEST_F(EndedProcessTest, nothing_is_concluded_of_a_process_of_another_machine) {
    OtherProcess other;
    received();
    claim_one();
    give_leases_to(other.identity(), "another boot pid:[4026531836]");
    other.kill_it();
    EXPECT_EQ(records->jobs.reap().value().requeued, 0U);
}

TEST_F(EndedProcessTest, a_process_that_was_given_the_same_id_later_is_another) {
    OtherProcess other;
    auto before = other.identity();
    EXPECT_FALSE(has_ended(before.pid, before.started));
    EXPECT_TRUE(has_ended(before.pid, before.started - 1));
    received();
    claim_one();
    before.started -= 1;
    give_leases_to(before, before.machine);
    EXPECT_EQ(records->jobs.reap().value().requeued, 1U);
}

TEST_F(EndedProcessTest, leases_of_a_gateway_that_runs_are_kept) {
    received();
    claim_one();
    const auto other = open();
    EXPECT_EQ(other->jobs.reap().value().requeued, 0U);
    EXPECT_EQ(database.value("select count(*) from processes"), "2");
}

}  // namespace
}  // namespace photogate::storage::records::test
