// Collects the parts of multipart uploads that nobody will complete.
//
// Every multipart upload has a row from its creation on, and the row says when to look. After the grant's end: parts that
// make the whole declared file are joined, for the client's last call was lost. A grant that has been over for `keep`
// is abandoned, and so is whatever an upload that has ended still has at the store; it is aborted there, with its bytes
// counted. The row goes when the store has nothing left.
//
// The store is asked about one key at a time. No bucket is listed as a whole: MinIO answers such a list with nothing, and
// other stores keep what belongs to others there. A multipart upload that no row names, because a gateway died before it
// could write its id, is found so as well.
//
// Thread safety: run() on one thread; everything else from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/upload.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/stop_signal.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/upkeep.hpp"

namespace photogate::pipeline {

struct PartCollectorOptions {
    std::chrono::milliseconds every{std::chrono::minutes{1}};
    /// Past a grant's end: how long parts wait for a device that comes back.
    std::chrono::seconds keep{std::chrono::hours{24 * 7}};
    /// A multipart upload that no row names may be one whose row is being written.
    std::chrono::seconds unnamed_age{std::chrono::hours{1}};
    std::chrono::seconds again_after_failure{std::chrono::minutes{10}};
    std::chrono::seconds lease{60};
    std::uint32_t requests_per_second = 50;
    std::size_t batch = 100;
};

/// All of them outlive the collector.
struct PartCollectorDependencies {
    storage::records::Upkeep& upkeep;
    const Parts& parts;
    const Stores& stores;
    /// Looks for the upload's object, as Intake::look() does.
    std::function<Result<bool>(const model::Upload&)> look;
    const Clock& clock;
};

class PartCollector {
  public:
    PartCollector(PartCollectorOptions options, PartCollectorDependencies dependencies);

    void run();
    void stop();

    /// One round over all that is due, unless another gateway is at it. How many uploads were looked at.
    Result<std::size_t> collect();
    /// Aborts whatever the store has of an upload that has ended. Errors: the store_* codes.
    Result<> abort_all(const model::Upload& upload);

    struct Counters {
        std::uint64_t uploads = 0;   ///< multipart uploads aborted
        std::uint64_t bytes = 0;     ///< of their parts
        std::uint64_t joined = 0;    ///< whose client's last call was lost
        std::uint64_t failures = 0;  ///< looks that failed
    };
    Counters counters() const;

  private:
    Result<> look_at(const storage::records::PartsDue& due);
    Result<bool> join(const model::Upload& upload);
    Result<> give_up(const storage::records::PartsDue& due);
    enum class Which { all, old };
    /// Whether the store has none of the key any more.
    Result<bool> abort_of_key(const Store& store, const model::Upload& upload, Which which);
    Result<> abort(const Store& store, const model::Upload& upload, const std::string& id);
    void count(std::uint64_t Counters::*counter, std::uint64_t by);

    PartCollectorOptions options_;
    PartCollectorDependencies dependencies_;
    StopSignal stop_;
    Pace pace_;
    mutable std::mutex mutex_;
    Counters counters_;
};

}  // namespace photogate::pipeline
