// One attempt at a version of a published image: claimed, fetched, rendered, stored, recorded.
//
// Whoever does not get the claim learns who has it. What fails is recorded, so that no gateway tries again at once.
// The image is fetched pinned to the ETag that was published; the version's object is named after its bytes, so that
// one that was put twice harms nobody, and one that is not recorded is collected as an orphan.
//
// Thread safety: any number of threads; blocking.
#pragma once

#include <chrono>
#include <variant>

#include "base/result.hpp"
#include "base/words.hpp"
#include "delivery/published_images.hpp"
#include "imaging/image_processor.hpp"
#include "imaging/version_spec.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::delivery {

struct VersionOrder {
    LocatedImage source;
    imaging::VersionSpec spec;
    storage::records::VersionName name() const { return {source.upload, spec.key()}; }
};

class VersionRenderer {
  public:
    struct Options {
        /// Longer than any attempt takes: what is fetched, the imager's wall clock, what is put.
        std::chrono::milliseconds lease{120'000};
        std::chrono::milliseconds first_pause{2'000};  ///< after a failure; doubled with each
        std::chrono::milliseconds longest_pause{600'000};
        std::chrono::milliseconds after_rejection{3'600'000};
    };
    using Deadline = std::chrono::steady_clock::time_point;
    /// Errors: gone (deleted), overloaded (the imager; with retry_after), unavailable (it failed and is not tried
    /// again yet; with retry_after), and those of the records and the store.
    using Attempt = std::variant<storage::records::StoredVersion, storage::records::VersionElsewhere, Error>;

    /// All of them outlive this.
    struct Dependencies {
        storage::records::VersionStore& versions;
        const PublishedImages& images;
        imaging::ImageProcessor& imagers;
    };

    explicit VersionRenderer(Dependencies dependencies) : VersionRenderer(dependencies, Options{}) {}
    VersionRenderer(Dependencies dependencies, Options options)
        : dependencies_(dependencies), options_(options) {}

    /// `deadline`: by when a worker process has to be free.
    Attempt attempt(const VersionOrder& order, Deadline deadline) const;

  private:
    struct Claimed;
    struct Failure;
    Result<storage::records::StoredVersion> make(const Claimed& claimed, Deadline deadline) const;
    Result<imaging::Published> render(const Claimed& claimed, Deadline deadline) const;
    Result<storage::records::StoredVersion> store(const Claimed& claimed, imaging::Published picture) const;
    tl::unexpected<Error> give_up(const Claimed& claimed, const Failure& failure) const;

    const Dependencies dependencies_;
    const Options options_;
};

}  // namespace photogate::delivery
