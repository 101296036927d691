// Finishes and removes what resumable uploads have left: files that are whole and were not assembled, because a gateway died
// or the store was away; and chunks of uploads that have ended, or whose object came by another way.
//
// Every resumable upload has a row from its first connection on, and the row says when to look. A row goes when its upload is
// over and its prefix in the store was found empty, an hour after the end.
//
// Thread safety: run() on one thread; everything else from any.
#pragma once

#include <atomic>
#include <chrono>

#include "base/result.hpp"
#include "base/time.hpp"
#include "pipeline/resumable/assembler.hpp"
#include "pipeline/stop_signal.hpp"
#include "storage/records/upkeep.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::pipeline::resumable {

class Collector {
  public:
    struct Options {
        std::chrono::milliseconds every{5'000};
        std::chrono::seconds again_after_failure{15};
        std::chrono::seconds lease{60};
        std::size_t batch = 100;
    };
    /// All of them outlive the collector.
    struct Dependencies {
        storage::records::Upkeep& upkeep;
        storage::records::UploadStore& uploads;
        storage::chunks::ChunkStore& chunks;
        Assembler& assembler;
        const Clock& clock;
    };
    Collector(Options options, Dependencies dependencies);

    void run();
    void stop();
    /// One round over all that is due, unless another gateway is at it. How many uploads were looked at.
    Result<std::size_t> collect();

    std::uint64_t failures() const { return failures_; }
    Assembler::Counters counters() const { return dependencies_.assembler.counters(); }

  private:
    Result<> look_at(const storage::chunks::DueResumable& due, const model::Upload& upload);

    Options options_;
    Dependencies dependencies_;
    StopSignal stop_;
    std::atomic<std::uint64_t> failures_{0};
};

}  // namespace photogate::pipeline::resumable
