// Multipart uploads at the stores: begun, listed and joined by the gateway, while clients send the parts.
//
// The store's multipart upload is begun when its first part is to be signed, not when the upload is created: creating
// stays one commit, and an upload that nobody sends costs the store nothing. Its id stands in the URLs of parts, for S3
// wants it there, and nowhere else. Whoever knows it can do nothing with it but send the parts that were signed: every
// call of S3 takes a signature, and the worker's credentials, which begin, list, join and abort, sign none for clients.
//
// Parts are joined only if they are the declared file: all numbers, equal sizes, the declared sum. Of a file whose client
// did not say its size: all that it names, and within the profile's limit. What the store's list says counts, not what a client says.
//
// Thread safety: any number of threads. Calls wait for the database and the store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/parts.hpp"
#include "model/upload.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::pipeline {

/// A part as a client says that it has sent it.
struct NamedPart {
    std::uint32_t number = 0;
    ETag etag;
};

/// Of an upload whose method is multipart.
model::PartPlan parts_of(const model::Upload& upload);

class Parts {
  public:
    enum class Joined {
        now,
        gone,   ///< the store has the parts no more: joined before, or given up; a HEAD of the object tells
        never,  ///< no part was ever signed
    };
    enum class Existing { refuse, replace };

    Parts(storage::records::UploadStore& uploads, const Stores& stores)
        : uploads_(uploads), stores_(stores) {}

    /// The id of the store's multipart upload, which is begun where there is none. Errors: state_conflict,
    /// unknown_region, the store_* codes.
    Result<std::string> begin(const model::Upload& upload) const;
    /// What has arrived, by number; nothing where none was begun, or the store has it no more.
    Result<std::vector<storage::objects::UploadedPart>> list(const model::Upload& upload) const;
    /// Makes the object. `named`: what the client has sent, all of it; nullopt: whatever has arrived. `most`: bytes of a file
    /// whose size is not known. Errors: invalid_parts, size_over_limit, the store_* codes.
    Result<Joined> join(const model::Upload& upload, const std::optional<std::vector<NamedPart>>& named,
                        Existing existing, ByteSize most) const;
    /// The store forgets what has arrived. Errors: the store_* codes.
    Result<> abort(const model::Upload& upload) const;
    /// The store has them no more: the next begin() begins anew.
    Result<> forget(const model::Upload& upload) const;

  private:
    Result<const Store*> store_of(const model::Upload& upload) const;

    storage::records::UploadStore& uploads_;
    const Stores& stores_;
};

}  // namespace photogate::pipeline
