// The job `process`: an uploaded file becomes a public image or a rejection.
//
//   GET pinned to the ETag → scanner → imager → the app's hook → PUT of the bytes made here → one transaction
//
// What is validated is what is published: the bytes are spooled once, hashed as they arrive, proved and
// encoded from that spool, and put from memory; nothing is copied inside the store into the public bucket.
// Every step may be killed and done again. No transaction is open while a picture is fetched or decoded. The
// verdict and the end of the job are one transaction, which this handler commits itself.
//
// Thread safety: as handler.hpp says.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "imaging/picture.hpp"
#include "model/policy/profile.hpp"
#include "pipeline/jobs/handler.hpp"
#include "pipeline/jobs/publish_gates.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/publications.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::pipeline::jobs {

/// How long each stage of one upload took; for metrics.
struct StageTimes {
    std::chrono::microseconds fetch{};
    std::chrono::microseconds scan{};
    std::chrono::microseconds image{};
    std::chrono::microseconds hook{};
    std::chrono::microseconds put{};
    std::chrono::microseconds variants{};
    std::chrono::microseconds commit{};
};

/// An image that is about to be published, for what is made of it ahead.
struct Ahead {
    const model::Job& job;
    const model::Profile& profile;
    const Store& store;
    const model::PublishedImage& image;
    const std::string& exif_json;  ///< of the original
    BytesView bytes;
};

class PublishUpload final : public JobHandler {
  public:
    struct Dependencies {
        storage::records::Publications& publications;
        storage::records::UploadStore& uploads;
        const Stores& stores;
        const model::LiveApps& apps;
        /// ImagerPool::run().
        std::function<Result<imaging::Outcome>(const imaging::Task&)> process_image;
        /// Called after each finished upload; may be empty.
        std::function<void(const model::Upload&, const StageTimes&)> observer;
        /// The profile's variants of the image that is in the store already; may be empty: there are none.
        std::function<model::MadeAhead(const Ahead&)> make_variants = {};
        PublishGates gates = {};
    };
    explicit PublishUpload(Dependencies dependencies);

    JobOutcome run(const model::Job& job, const StopSignal& stop) override;
    void failed(const model::Job& job) override;

  private:
    struct Spool;
    struct Fetch;
    /// The job under way, and what configuration says of its upload.
    struct Work;

    Fetch fetch(const Work& work) const;
    /// How the job ends here; nullopt: it passes.
    std::optional<JobOutcome> scan(const Work& work, const Spool& spool) const;
    std::optional<JobOutcome> ask(const Work& work, const Spool& spool,
                                  const model::Publication& publication) const;
    JobOutcome publish(const Work& work, const Spool& spool, const imaging::Processed& processed,
                       StageTimes times) const;
    JobOutcome reject(const Work& work, std::string code, std::string detail, const Spool* spool) const;
    JobOutcome repin(const Work& work) const;

    Dependencies dependencies_;
};

}  // namespace photogate::pipeline::jobs
