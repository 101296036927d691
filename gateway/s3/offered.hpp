// What a request asks for beyond its operation, in `x-amz-*` and `x-minio-*` headers, in query parameters of
// those names (SDKs move headers into presigned URLs) and in fields of a form. Each is done, or is true of
// this store anyway, or is refused by name: none is dropped in silence.
//
// One exception, as at AWS: `x-amz-checksum-*` in a query is not held, since SDKs write the checksum of no
// bytes there when they presign a PUT.
//
// Thread safety: pure.
#pragma once

#include <string_view>

#include "gateway/s3/error.hpp"
#include "gateway/s3/operation.hpp"

namespace photogate::gateway::s3 {

/// The owner of every bucket and object.
inline constexpr std::string_view kOwner = "photogate";

struct Offer {
    Operation operation = Operation::list_buckets;
    bool encrypts = false;  ///< ServiceOptions::encrypted_disk
};

/// One header, parameter or field. Refusals: NotImplemented with its name; AccessDenied for another owner.
S3Result<> check_offered(std::string_view name, std::string_view value, const Offer& offer);

}  // namespace photogate::gateway::s3
