// One attempt at a version of a published image: claimed, fetched, rendered, stored, recorded.
//
// Whoever does not get the claim learns who has it. What fails is recorded, so that no gateway tries again at once.
// The image is fetched pinned to the ETag that was published, and held to its SHA-256; the version's object is named after its bytes, so that
// one that was put twice harms nobody, and one that is not recorded is collected as an orphan.
//
// Thread safety: any number of threads; blocking.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <variant>

#include "base/result.hpp"
#include "base/words.hpp"
#include "delivery/published_images.hpp"
#include "imaging/image_processor.hpp"
#include "imaging/memory_file.hpp"
#include "imaging/version_spec.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::delivery {

struct VersionOrder {
    LocatedImage source;
    imaging::VersionSpec spec;
    /// Whether it is begun only while the image has fewer than Options::most_of_image versions.
    bool counted = false;
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
        std::uint32_t most_of_image = 500;
        /// Of the worker processes.
        imaging::Lane lane = imaging::Lane::on_demand;
        imaging::Priority priority = imaging::Priority::normal;
    };
    /// Nobody waited for it any more, so it was left.
    struct Unwanted {};
    using Deadline = std::chrono::steady_clock::time_point;
    /// Errors: gone (deleted), overloaded (the imager; with retry_after), unavailable (it failed and is not tried
    /// again yet; with retry_after), rate_limited (the image has as many versions as it may have), and those of the
    /// records and the store.
    using Attempt =
        std::variant<storage::records::StoredVersion, storage::records::VersionElsewhere, Error, Unwanted>;
    /// Whether anybody still waits. Empty: it is always wanted.
    using Wanted = std::function<bool()>;

    /// All of them outlive this.
    struct Dependencies {
        storage::records::VersionStore& versions;
        const PublishedImages& images;
        imaging::ImageProcessor& imagers;
    };

    explicit VersionRenderer(Dependencies dependencies) : VersionRenderer(dependencies, Options{}) {}
    VersionRenderer(Dependencies dependencies, Options options)
        : dependencies_(dependencies), options_(options) {}

    /// `deadline`: by when a worker process has to be free. `wanted` is asked before each step until a worker process
    /// has the picture: what is rendered is stored, too.
    Attempt attempt(const VersionOrder& order, Deadline deadline, const Wanted& wanted = {}) const;

  private:
    struct Claimed;
    struct Failure;
    Result<storage::records::StoredVersion> make(const Claimed& claimed) const;
    Result<imaging::MemoryFile> fetch(const Claimed& claimed) const;
    Result<imaging::Published> render(const Claimed& claimed) const;
    Result<storage::records::StoredVersion> store(const Claimed& claimed,
                                                  const imaging::Published& picture) const;
    tl::unexpected<Error> give_up(const Claimed& claimed, const Failure& failure) const;
    tl::unexpected<Error> failed(const Claimed& claimed, const Error& error) const;

    const Dependencies dependencies_;
    const Options options_;
};

}  // namespace photogate::delivery
