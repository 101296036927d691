// One job, from claimed to settled: the worker loop's body.
//
//   process           GET pinned to the ETag → imager → PUT of the bytes made here → one transaction
//   settle_original   only after that transaction: remove the original, or move it to the originals bucket
//   remove_published  after a deletion
//
// What is validated is what is published: the bytes are spooled once, hashed as they arrive, proved and
// encoded from that spool, and put from memory; nothing is copied inside the store into the public bucket.
// Every step may be killed and done again. No transaction is open while a picture is fetched or decoded.
//
// Thread safety: run() from any number of threads, one job each.
#pragma once

#include <functional>
#include <string>

#include "base/random.hpp"
#include "imaging/memory_file.hpp"
#include "imaging/picture.hpp"
#include "model/policy/profile.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/job_queue.hpp"
#include "storage/records/publications.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::pipeline {

/// How long each stage of one upload took; for metrics.
struct StageTimes {
    std::chrono::microseconds fetch{};
    std::chrono::microseconds image{};
    std::chrono::microseconds put{};
    std::chrono::microseconds commit{};
};

struct ProcessorParts {
    storage::records::JobQueue& jobs;
    storage::records::Publications& publications;
    storage::records::UploadStore& uploads;
    const Stores& stores;
    const model::Apps& apps;
    /// ImagerPool::run().
    std::function<Result<imaging::Outcome>(const imaging::Task&)> process_image;
    Random& random;
    /// Called after each finished upload; may be empty.
    std::function<void(const model::Upload&, const StageTimes&)> observer;
    /// Called after each removal or move that was done; may be empty.
    std::function<void(const UploadId&)> settled;
};

class Processor {
  public:
    explicit Processor(ProcessorParts parts);

    /// Whatever happens is written to the records; nothing is thrown and nothing is forgotten. A lease that
    /// was lost ends the run without a trace but a log line.
    void run(const model::Job& job);

  private:
    struct Spool {
        imaging::MemoryFile file;
        std::string sha256;  ///< lower-case hex
    };
    struct Fetch;

    void process(const model::Job& job);
    void settle_original(const model::Job& job);
    void remove_published(const model::Job& job);
    void finish_cleanup(const model::Job& job);

    Fetch fetch(const model::Upload& upload, const model::Profile& profile, const Store& store) const;
    void publish(const model::Job& job, const model::Profile& profile, const Store& store, const Spool& spool,
                 const imaging::Processed& processed, StageTimes times);
    void reject(const model::Job& job, const model::Profile& profile, std::string code, std::string detail,
                const Spool* spool);
    void postpone(const model::Job& job, model::Postponement::Cost cost, const Error& error);
    void repin(const model::Job& job, const Store& store);

    ProcessorParts parts_;
};

}  // namespace photogate::pipeline
