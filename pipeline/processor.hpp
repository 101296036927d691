// One job, from claimed to settled: the worker loop's body.
//
//   process           GET pinned to the ETag → imager → PUT of the bytes made here → one transaction
//   settle_original   only after that transaction: remove the original, or move it to the private originals
//   bucket remove_published  after a deletion
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
#include "imaging/imager_pool.hpp"
#include "imaging/memory_file.hpp"
#include "pipeline/profile.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/records.hpp"

namespace photogate::pipeline {

/// How long each stage of one upload took; for metrics.
struct StageTimes {
    std::chrono::microseconds fetch{};
    std::chrono::microseconds image{};
    std::chrono::microseconds put{};
    std::chrono::microseconds commit{};
};

struct ProcessorParts {
    storage::records::Records& records;
    const Stores& stores;
    const Apps& apps;
    imaging::ImagerPool& imagers;
    Random& random;
    /// Called after each finished upload; may be empty.
    std::function<void(const storage::records::Upload&, const StageTimes&)> observer;
    /// Called after each removal or move that was done; may be empty.
    std::function<void(const UploadId&)> settled;
};

class Processor {
  public:
    explicit Processor(ProcessorParts parts);

    /// Whatever happens is written to the records; nothing is thrown and nothing is forgotten. A lease that
    /// was lost ends the run without a trace but a log line.
    void run(const storage::records::Job& job);

  private:
    struct Spool {
        imaging::MemoryFile file;
        std::string sha256;  ///< lower-case hex
    };
    struct Fetch;

    void process(const storage::records::Job& job);
    void settle_original(const storage::records::Job& job);
    void remove_published(const storage::records::Job& job);
    void finish_cleanup(const storage::records::Job& job);

    Fetch fetch(const storage::records::Upload& upload, const Profile& profile, const Store& store) const;
    void publish(const storage::records::Job& job, const Profile& profile, const Store& store,
                 const Spool& spool, const imaging::Processed& processed, StageTimes times);
    void reject(const storage::records::Job& job, const Profile& profile, std::string code,
                std::string detail, const Spool* spool);
    void postpone(const storage::records::Job& job, storage::records::Postponement::Cost cost,
                  const Error& error);
    void repin(const storage::records::Job& job, const Store& store);

    ProcessorParts parts_;
};

/// Where an original goes that is kept: `o/<upload id>`, or `q/<upload id>` for a rejected one.
ObjectKey kept_key(const UploadId& id);
ObjectKey quarantine_key(const UploadId& id);
/// `p/<public id>/<first 16 hex of the output's SHA-256>.<ext>`
ObjectKey published_key(const PublicId& id, const std::string& sha256, imaging::Format format);

}  // namespace photogate::pipeline
