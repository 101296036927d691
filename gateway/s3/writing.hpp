// What writes have in common, inside this room.
#pragma once

#include "gateway/s3/call.hpp"
#include "storage/objects/folder_store.hpp"

namespace photogate::gateway::s3 {

inline constexpr std::uint64_t kLargestPut = 5ULL << 30;

/// `partNumber` of the query. Refusals: InvalidArgument.
S3Result<std::uint32_t> part_number(const Call& call);

/// What the writer has to work out so that the promise can be held.
storage::objects::WriteOptions write_options(const BodyPromise& promise);

/// The condition of a write, as it stands now. Refusals: PreconditionFailed, NoSuchKey.
S3Result<> check_early(storage::objects::FolderStore& store, const Bucket& bucket, const ObjectKey& key,
                       const storage::objects::WriteCondition& condition);

}  // namespace photogate::gateway::s3
