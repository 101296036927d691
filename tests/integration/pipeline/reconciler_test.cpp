// What lost events left behind is found: by listing open minutes, and by two looks at each upload at the
// most.
#include "pipeline/reconciler.hpp"

#include <future>
#include <thread>

#include "on_real_stores.hpp"

namespace photogate::pipeline::test {
namespace {

using namespace std::chrono_literals;
using model::Upload;
using model::UploadState;
using storage::records::MaintenanceStart;

class ReconcilerTest : public OnRealStores {
  protected:
    static ReconcilerOptions options() {
        ReconcilerOptions options;
        options.look_every = 20s;
        options.requests_per_second = 10'000;
        return options;
    }
    ReconcilerDependencies services() {
        return {records->upkeep, records->jobs, records->arrivals, stores, intake, clock};
    }
    void all_due() { database.run("update rounds set due_at = now()"); }
    std::size_t look() {
        all_due();
        return reconciler.look_at_ended().value();
    }
    std::size_t expire() {
        all_due();
        return reconciler.expire_unused().value();
    }

    Reconciler reconciler{options(), services()};
};

TEST_F(ReconcilerTest, finds_objects_with_lost_events_in_open_minutes) {
    std::vector<Upload> uploads;
    for (int i = 0; i < 30; ++i)
        uploads.push_back(create_here());
    const auto absent = create_here();
    for (const auto& upload : uploads)
        put(upload);
    EXPECT_EQ(reconciler.list_open_minutes(MaintenanceStart::at_once).value(), 30U);
    for (const auto& upload : uploads)
        EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
    EXPECT_EQ(state_of(absent.id), UploadState::created);
    EXPECT_EQ(reconciler.list_open_minutes(MaintenanceStart::at_once).value(), 0U);
    EXPECT_EQ(reconciler.counters().found, 30U);
}

TEST_F(ReconcilerTest, lets_one_gateway_list_at_a_time) {
    create_here();
    ASSERT_EQ(reconciler.list_open_minutes(MaintenanceStart::at_once).value(), 0U);
    const int lists = watched->lists;
    Reconciler other{options(), services()};
    EXPECT_EQ(other.list_open_minutes(MaintenanceStart::when_due).value(), 0U);
    EXPECT_EQ(watched->lists, lists) << "it is not due, whoever asks";
    all_due();
    EXPECT_EQ(other.list_open_minutes(MaintenanceStart::when_due).value(), 0U);
    EXPECT_GT(watched->lists, lists);
}

TEST_F(ReconcilerTest, lists_again_once_the_store_is_back) {
    const auto upload = create_here();
    put(upload);
    watched->away = true;
    EXPECT_FALSE(reconciler.list_open_minutes(MaintenanceStart::at_once));
    clock.advance(16min);
    all_due();
    EXPECT_FALSE(reconciler.look_at_ended());
    clock.advance(16min);
    all_due();
    EXPECT_FALSE(reconciler.expire_unused());
    EXPECT_EQ(state_of(upload.id), UploadState::created) << "nobody saw that it is not there";
    watched->away = false;
    EXPECT_EQ(expire(), 0U);
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
}

TEST_F(ReconcilerTest, checks_upload_without_object_twice_before_expiring_it) {
    std::vector<Upload> uploads;
    for (int i = 0; i < 25; ++i)
        uploads.push_back(create_here());
    EXPECT_EQ(look(), 0U);
    EXPECT_EQ(expire(), 0U);
    EXPECT_EQ(watched->heads, 0) << "their grants are open";

    clock.advance(15min + 1s);
    EXPECT_EQ(look(), 0U);
    EXPECT_EQ(look(), 0U);
    EXPECT_EQ(expire(), 0U);
    EXPECT_EQ(watched->heads, 25);

    clock.advance(15min);
    EXPECT_EQ(look(), 0U);
    EXPECT_EQ(expire(), 25U);
    EXPECT_EQ(expire(), 0U);
    EXPECT_EQ(watched->heads, 50);
    for (const auto& upload : uploads)
        EXPECT_EQ(state_of(upload.id), UploadState::expired);
}

TEST_F(ReconcilerTest, finds_object_at_the_end_of_its_grant) {
    const auto upload = create_here();
    put(upload);
    clock.advance(15min + 1s);
    EXPECT_EQ(look(), 1U);
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
}

TEST_F(ReconcilerTest, finds_late_object_at_the_end_of_the_grace_period) {
    const auto upload = create_here();
    clock.advance(15min + 1s);
    EXPECT_EQ(look(), 0U);
    put(upload);
    clock.advance(15min);
    EXPECT_EQ(expire(), 0U);
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
}

TEST_F(ReconcilerTest, is_not_blocked_by_uploads_of_a_removed_region) {
    for (int i = 0; i < 5; ++i)
        create_here();
    database.run("update uploads set region = 'gone'");
    const auto upload = create_here();
    clock.advance(1h);
    auto small = options();
    small.batch = 2;
    Reconciler narrow{small, services()};
    all_due();
    (void)narrow.expire_unused();
    EXPECT_EQ(state_of(upload.id), UploadState::expired);
    EXPECT_EQ(watched->heads, 1);
}

TEST_F(ReconcilerTest, runs_reaper_while_a_store_hangs) {
    const auto job = claim_process(received().id);
    create_here();
    clock.advance(1h);
    std::promise<void> hanging, over;
    std::atomic<bool> first{true};
    watched->before_head = [&] {
        if (first.exchange(false)) {
            hanging.set_value();
            over.get_future().wait();
        }
    };
    auto quick = options();
    quick.reap_every = 20ms;
    Reconciler running{quick, services()};
    std::thread loop([&] { running.run(); });
    hanging.get_future().wait();
    database.run("update jobs set lease_until = now() - interval '1 s'");
    while (running.counters().requeued == 0)
        std::this_thread::yield();
    EXPECT_EQ(state_of(job.upload.id), UploadState::uploaded);
    over.set_value();
    running.stop();
    loop.join();
}

}  // namespace
}  // namespace photogate::pipeline::test
