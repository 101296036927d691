// A new kind of job, about a subject that is no upload, through the worker and PostgreSQL.
#include <atomic>
#include <chrono>
#include <thread>

#include "pipeline/jobs/worker.hpp"
#include "records_database.hpp"

namespace photogate::pipeline::jobs::test {
namespace {

using namespace std::chrono_literals;

class WriteReport final : public JobHandler {
  public:
    WriteReport() : JobHandler({"write_report"}, Lane::network) {}
    JobOutcome run(const model::Job& job, const StopSignal&) override {
        seen = job;
        if (++runs == 1) return Retry{Error{ErrorCode::unavailable, "not yet", {}, std::nullopt}};
        return Finished{};
    }
    void finished(const model::Job&) override { done = true; }
    std::atomic<int> runs{0};
    std::atomic<bool> done{false};
    model::Job seen;
};

class NewKindTest : public storage::records::test::RecordsTest {};

TEST_F(NewKindTest, is_claimed_retried_and_finished_by_the_worker_that_has_its_handler) {
    database.run(
        "insert into jobs (subject_kind, subject_id, generation, app, kind, slot, payload) values "
        "('report', 'report_1', 1, 'one', 'write_report', 'november', 'all of it'), "
        "('report', 'report_1', 1, 'one', 'made_by_a_newer_gateway', '', '')");
    Handlers handlers;
    auto owned = std::make_unique<WriteReport>();
    auto& handler = *owned;
    handlers.add(std::move(owned));
    WorkerOptions options{.name = "w"};
    options.poll = 10ms;
    Worker worker{options, records->jobs, std::move(handlers), random};
    std::thread loop{[&] { worker.run(); }};
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (!handler.done && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(5ms);
    worker.stop();
    loop.join();
    EXPECT_EQ(handler.runs, 2);
    EXPECT_EQ(handler.seen.subject.id, "report_1");
    EXPECT_EQ(handler.seen.slot, "november");
    EXPECT_EQ(handler.seen.payload, "all of it");
    EXPECT_EQ(database.value("select string_agg(kind || attempt, ',') from jobs"),
              "made_by_a_newer_gateway0");
}

}  // namespace
}  // namespace photogate::pipeline::jobs::test
