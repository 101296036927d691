// Object metadata in headers, of requests and of responses.
//
// Thread safety: pure.
#pragma once

#include "gateway/http/message.hpp"
#include "gateway/s3/call.hpp"
#include "storage/builtin/object.hpp"

namespace photogate::gateway::s3 {

/// Of a PUT's or a multipart upload's headers, with tags and storage class; of a presigned URL's parameters of
/// those names too. Refusals: MetadataTooLarge, and those of read_tagging_header().
S3Result<storage::builtin::ObjectHeaders> read_description(const Call& call);
/// Of a form's fields, whose `tagging` is a document. Refusals: MetadataTooLarge, and those of
/// read_tagging_document().
S3Result<storage::builtin::ObjectHeaders> read_description(const std::vector<signer::HeaderField>& fields);

/// `x-amz-storage-class`; offered.hpp has refused others than the two.
storage::builtin::StorageClass read_storage_class(std::optional<std::string_view> text);

/// `If-None-Match: *` and `If-Match` of a PUT or a completion. Refusals: NotImplemented for other forms.
S3Result<storage::builtin::WriteCondition> read_write_condition(const http::RequestHead& head);

/// ETag, Last-Modified, Content-Type, metadata …, for a response about an object.
void describe(http::Response& response, const storage::builtin::StoredObject& object);
/// `"…"`
std::string quoted(const ETag& etag);

}  // namespace photogate::gateway::s3
