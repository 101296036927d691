// The parts of a stored package's object, sent by several threads, and what became of each.
//
// Each part is read out of the archive where it is sent, so memory is the readers', whatever the part's size. What could not be read
// is told by its entry. Of an entry that is cut by the border of two parts, each part's sum is kept with the part; they are put
// together before the parts are joined, so that no entry is in the object whose bytes are not those that were laid out.
//
// Thread safety: none; send() uses threads of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "model/job.hpp"
#include "pipeline/packages/package_archive.hpp"
#include "pipeline/stop_signal.hpp"
#include "pipeline/stores.hpp"
#include "storage/objects/object_store.hpp"
#include "storage/packages/package_builds.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::pipeline::packages {

struct BuildOptions {
    std::size_t parts_at_once = 4;
    ByteSize part_size = 16U << 20;  ///< more where 10,000 parts would not be enough
    /// How long a package is built at a stretch: then it is another's turn, and the next worker goes on.
    std::chrono::seconds turn{30};
};

/// The size of each part but the last of an archive: at least `least`, and at most 10,000 parts.
ByteSize part_size(ByteSize archive, ByteSize least);

/// What will not be otherwise if it is tried again: the pictures are not those that were laid out.
bool is_final(ErrorCode code);

class PackageParts {
  public:
    struct Means {
        storage::packages::PackageBuilds& builds;
        storage::packages::PackageStore& packages;
        const Stores& stores;
        BuildOptions options;
    };
    struct Place {
        const Store& store;
        const storage::packages::PackageObject& object;
        const std::string& multipart;
    };
    using Progress = storage::packages::PackageBuilds::Progress;

    /// All of them outlive this.
    PackageParts(Means means, const model::Lease& lease, const model::Package& package, Place place,
                 const StopSignal& stop);

    /// Those that were sent before, by whomever: what of them the store has and the records know.
    void have(const std::vector<storage::objects::UploadedPart>& parts,
              const std::vector<storage::packages::PackageBuilds::Part>& known);
    /// Until all are there, in their order. Errors: what ended it; `gone` where the package is not wanted any more, `unavailable`
    /// where its turn is over.
    Result<std::vector<storage::objects::UploadedPart>> send();

    /// The entries that could not be read.
    const std::vector<model::FailedItem>& failed() const { return failed_; }
    /// With the parts that were not noted yet, which count as noted from now on.
    Progress progress(model::PackageStep step);
    std::uint32_t count() const;

  private:
    using Steady = std::chrono::steady_clock;
    using Fragments = std::vector<packager::EntryFragment>;

    packager::Span span_of(std::uint32_t number) const;
    void add(const storage::objects::UploadedPart& part, Fragments fragments);
    Result<> check_cut_entries();
    std::optional<std::uint32_t> next();
    void end(Error error, const std::optional<std::uint64_t>& entry = std::nullopt);
    ByteSize rate() const;
    void send_some() noexcept;
    Result<> keep(const storage::objects::UploadedPart& part, Fragments fragments);

    const Means means_;
    const model::Lease& lease_;
    const model::Package& package_;
    const Place place_;
    const StopSignal& stop_;
    const ArchiveMeans archive_;
    const ByteSize part_size_;
    const Steady::time_point began_at_ = Steady::now();
    const Steady::time_point until_;

    std::mutex mutex_;
    std::uint32_t next_ = 1;
    std::map<std::uint32_t, storage::objects::UploadedPart> done_;
    std::map<std::uint32_t, Fragments> fragments_;  ///< of those
    std::vector<std::uint32_t> unnoted_;            ///< of those
    ByteSize bytes_ = 0;
    ByteSize had_ = 0;  ///< of them, before this turn
    Steady::time_point told_at_{};
    std::optional<Error> error_;
    std::vector<model::FailedItem> failed_;
};

}  // namespace photogate::pipeline::packages
