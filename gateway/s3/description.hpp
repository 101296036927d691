// Object metadata in headers, of requests and of responses.
//
// Thread safety: pure.
#pragma once

#include "gateway/http/message.hpp"
#include "gateway/s3/call.hpp"
#include "storage/builtin/object.hpp"

namespace photogate::gateway::s3 {

/// Of a PUT's or a multipart upload's headers; of a presigned URL's `x-amz-meta-*` parameters too. Refusals:
/// MetadataTooLarge.
S3Result<storage::builtin::ObjectHeaders> read_description(const Call& call);
/// Of a form's fields.
S3Result<storage::builtin::ObjectHeaders> read_description(const std::vector<signer::Header>& fields);

/// `If-None-Match: *` and `If-Match` of a PUT or a completion. Refusals: NotImplemented for other forms.
S3Result<storage::builtin::WriteCondition> read_write_condition(const http::RequestHead& head);

/// ETag, Last-Modified, Content-Type, metadata …, for a response about an object.
void describe(http::Response& response, const storage::builtin::StoredObject& object);
/// `"…"`
std::string quoted(const ETag& etag);

}  // namespace photogate::gateway::s3
