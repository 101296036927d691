// Versions of published images, as packages need them: which one is packed, and its making. The module that makes versions
// implements both.
//
// Thread safety: both are called from any number of threads.
#pragma once

#include <functional>
#include <optional>

#include "base/result.hpp"
#include "imaging/version_spec.hpp"
#include "model/policy/delivery_policy.hpp"
#include "pipeline/packages/package_request.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::pipeline::packages {

/// Which version of an upload is packed; nullopt: the published image itself. The upload has an image, and the profile has the variant.
/// Errors: invalid_query (the profile does not offer the format), unavailable (this program does not know the image's format).
using VersionChooser = std::function<Result<std::optional<imaging::VersionSpec>>(
    const PackageContent&, const model::DeliveryPolicy&, const storage::packages::FoundUpload&)>;

struct VersionWanted {
    const storage::packages::FoundUpload& upload;
    const imaging::VersionSpec& spec;
    PackageContent::Of of = PackageContent::Of::variant;
};

/// Why a version is not there.
struct NotMade {
    Error why;
    enum class Again {
        later,     ///< something that it needs is away or busy; `why.retry_after` may say until when
        doubtful,  ///< the fault may be the image's: some attempts are enough
        never,
    } again = Again::later;
};

/// Makes it, or finds that it is there; nullopt: it is. Blocking.
using VersionMaker = std::function<std::optional<NotMade>(const VersionWanted&)>;

}  // namespace photogate::pipeline::packages
