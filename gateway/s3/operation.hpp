// The S3 operation of a request, from its method, address and query, as the API reference lists them. A query
// parameter of an unsupported S3 feature is rejected instead of ignored: a PUT with `?acl` must not overwrite
// the object.
//
// Thread safety: pure.
#pragma once

#include "gateway/http/message.hpp"
#include "gateway/s3/access.hpp"
#include "gateway/s3/address.hpp"

namespace photogate::gateway::s3 {

enum class Operation {
    list_buckets,
    create_bucket,
    delete_bucket,
    head_bucket,
    bucket_location,
    bucket_setting,  ///< a subresource, read: `?cors`, `?tagging`; others are always unset, as `?policy`
    put_bucket_cors,
    delete_bucket_cors,
    put_bucket_tagging,
    delete_bucket_tagging,
    get_notification,
    put_notification,
    list_objects,
    list_objects_v2,
    list_versions,
    list_uploads,
    delete_objects,
    post_form,
    get_object,
    head_object,
    object_setting,  ///< `?tagging`, `?acl`, `?retention`, read
    put_object_tagging,
    delete_object_tagging,
    get_object_attributes,
    put_object,
    copy_object,
    delete_object,
    create_upload,
    put_part,
    copy_part,
    list_parts,
    complete_upload,
    abort_upload,
};

/// Refusals: MethodNotAllowed, NotImplemented, InvalidRequest.
S3Result<Operation> operation_of(const http::RequestHead& head, const Address& address);

/// The permission that the caller needs; a copy also reads its source.
Action action_of(Operation operation);

/// `PutObject`, for metrics and the log.
std::string_view name_of(Operation operation);

}  // namespace photogate::gateway::s3
