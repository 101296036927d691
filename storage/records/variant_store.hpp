// The named versions of published images: what there is of them, their jobs, and their announcement.
//
// Errors: those of database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "model/job.hpp"
#include "model/upload.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::storage::records {

class VariantStore {
  public:
    virtual ~VariantStore() = default;

    /// Of these versions, those that there are.
    virtual Result<std::map<VersionName, model::PublishedImage>> find_all(
        const std::vector<VersionName>& names) = 0;
    /// A job makes those of the upload that lack; one that waits already is not doubled. Errors besides:
    /// upload_not_found; state_conflict: it is not published.
    virtual Result<model::Upload> order(const std::optional<AppName>& app, const UploadId& id) = 0;
    /// Whether the job made all that it was to make.
    enum class Made { all, some };
    /// The end of that job, or of one of a backfill, which counts it: the callback `variant.ready` with these, unless the
    /// upload was deleted meanwhile. Errors besides: lease_lost.
    virtual Result<> announce(const model::Lease& lease, const std::vector<model::Variant>& variants,
                              Made made) = 0;
};

}  // namespace photogate::storage::records
