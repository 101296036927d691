// Versions that are packed: which one of an upload a package wants, and its making.
//
// Thread safety: a pure function; PackedVersionMaker any number of threads.
#pragma once

#include <functional>
#include <optional>

#include "delivery/version_renderer.hpp"
#include "imaging/version_spec.hpp"
#include "model/policy/delivery_policy.hpp"
#include "pipeline/packages/version_maker.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::delivery {

/// As pipeline::packages::VersionChooser. Parameters of an image are those of a URL, so both have the same versions.
Result<std::optional<imaging::VersionSpec>> packed_version(const pipeline::packages::PackageContent& content,
                                                           const model::DeliveryPolicy& policy,
                                                           const storage::packages::FoundUpload& upload);

class PackedVersionMaker {
  public:
    /// VersionRenderer::attempt(), or a test's.
    using Attempt = std::function<VersionRenderer::Attempt(const VersionOrder&, VersionRenderer::Deadline)>;

    /// `images` outlives this.
    PackedVersionMaker(const PublishedImages& images, Attempt attempt)
        : images_(images), attempt_(std::move(attempt)) {}

    /// As pipeline::packages::VersionMaker.
    std::optional<pipeline::packages::NotMade> make(const pipeline::packages::VersionWanted& wanted) const;

  private:
    const PublishedImages& images_;
    const Attempt attempt_;
};

}  // namespace photogate::delivery
