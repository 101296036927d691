// Shared by the write operations; internal to this module.
#pragma once

#include "gateway/s3/call.hpp"
#include "storage/builtin/store.hpp"

namespace photogate::gateway::s3 {

inline constexpr std::uint64_t kLargestPut = 5ULL << 30;

/// `partNumber` of the query. Refusals: InvalidArgument.
S3Result<std::uint32_t> part_number(const Call& call);

/// What the writer has to compute to verify the promise.
storage::builtin::WriteOptions write_options(const BodyPromise& promise);

/// Checks the condition of a write of `announced` bytes against the current object. Refusals:
/// PreconditionFailed, NoSuchKey.
S3Result<> check_early(storage::builtin::FolderStore& store, const Bucket& bucket, const ObjectKey& key,
                       const storage::builtin::WriteCondition& condition,
                       std::optional<ByteSize> announced = std::nullopt);

}  // namespace photogate::gateway::s3
