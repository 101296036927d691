// A new kind of job, whole: its handler, and the worker that runs it. Nothing else of the program knows of it.
#include <future>
#include <thread>

#include "fixture.hpp"
#include "pipeline/jobs/worker.hpp"

namespace photogate::pipeline::test {
namespace {

/// Measures an original and keeps its size.
class MeasureOriginal final : public jobs::JobHandler {
  public:
    MeasureOriginal(const Stores& stores, std::promise<ByteSize>& measured)
        : JobHandler({"measure_original"}, jobs::Lane::store), stores_(stores), measured_(measured) {}

    jobs::JobOutcome run(const model::Job& job, const StopSignal&) override {
        const auto* store = stores_.of(job.upload.region);
        if (!store) return jobs::Retry{Error{ErrorCode::invalid_configuration, "no region", {}, {}}};
        const auto there = store->objects->head(job.upload.bucket, job.upload.key, {});
        if (!there) return jobs::Retry{there.error()};
        size_ = there->size;
        return jobs::Finished{};
    }
    void finished(const model::Job&) override { measured_.set_value(size_); }

  private:
    const Stores& stores_;
    std::promise<ByteSize>& measured_;
    ByteSize size_ = 0;
};

TEST_F(PipelineTest, a_new_kind_needs_a_handler_and_nothing_else) {
    const auto upload = created();
    store->write(upload.bucket, upload.key, "twelve bytes");
    records.add_job(upload.id, {"measure_original"});
    std::promise<ByteSize> measured;
    jobs::Handlers handlers;
    handlers.add(std::make_unique<MeasureOriginal>(stores, measured));
    jobs::Worker worker{{.name = "w"}, records, std::move(handlers), random};
    std::thread loop{[&] { worker.run(); }};
    EXPECT_EQ(measured.get_future().get(), 12U);
    worker.stop();
    loop.join();
    EXPECT_TRUE(records.jobs_of(upload.id).empty());
}

}  // namespace
}  // namespace photogate::pipeline::test
