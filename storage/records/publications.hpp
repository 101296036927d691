// A worker's verdicts, and what is public because of them.
//
// A verdict is one transaction: the upload's state and facts, the image, the callback and the clean-up job.
// It is held to the job's lease; a stale one changes nothing and is answered lease_lost.
//
// Errors: lease_lost, state_conflict, and those of database.hpp. Thread safety: every call from any number of
// threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/words.hpp"
#include "model/job.hpp"
#include "model/upload.hpp"

namespace photogate::storage::records {

/// A public object that a row refers to, and the bytes that it must have.
struct ReferredImage {
    ObjectKey key;
    ETag etag;
    std::string sha256;  ///< lower-case hex
};

class Publications {
  public:
    virtual ~Publications() = default;

    /// state_conflict: the image's object is being removed as an orphan, or was; put it again, some seconds
    /// later.
    virtual Result<model::Upload> publish(const model::Lease& lease,
                                          const model::Publication& publication) = 0;
    virtual Result<model::Upload> reject(const model::Lease& lease, const model::Refusal& refusal) = 0;
    /// The object is another than pinned (412) and nothing was published: pin the new one. After the third
    /// generation the upload is rejected as `overwritten`.
    virtual Result<model::UploadState> repin(const model::Lease& lease,
                                             const model::PinnedObject& now_there) = 0;

    /// Known from its publication on, and after its deletion; before, nullopt. Once the upload is forgotten, what is known is
    /// that it was deleted, and of which app and profile.
    virtual Result<std::optional<model::Upload>> find_public(const PublicId& id) = 0;
    /// Of these objects in a public bucket, those that a row refers to.
    virtual Result<std::vector<ReferredImage>> references(const Bucket& bucket,
                                                          const std::vector<ObjectKey>& keys) = 0;
};

}  // namespace photogate::storage::records
