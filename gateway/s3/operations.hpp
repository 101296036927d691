// The dependencies of the operations, and the operations themselves, one function each; internal to this
// module.
//
// Thread safety: everything here is used from any thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "gateway/s3/bucket_cors.hpp"
#include "gateway/s3/service.hpp"
#include "signer/verify.hpp"

namespace photogate::gateway::s3 {

struct Dependencies {
    ServiceOptions options;
    storage::builtin::FolderStore& store;
    const Clock& clock;
    signer::Verifier verifier;
    std::map<std::string, Permissions> permissions;  ///< by access key id
    BucketCors cors;
    http::WorkGroup pool;  ///< last: its work uses the members above
};

// Each answers the call, now or later. The caller is authenticated and authorized, except for a form, whose
// signature is in its body.
void read_object(Dependencies& dependencies, CallPtr call);  ///< GetObject, HeadObject
void put_object(Dependencies& dependencies, CallPtr call);
void copy_object(Dependencies& dependencies, CallPtr call);
void delete_object(Dependencies& dependencies, CallPtr call);
void delete_objects(Dependencies& dependencies, CallPtr call);
void post_form(Dependencies& dependencies, CallPtr call);
void create_upload(Dependencies& dependencies, CallPtr call);
void put_part(Dependencies& dependencies, CallPtr call);
void copy_part(Dependencies& dependencies, CallPtr call);
void list_parts(Dependencies& dependencies, CallPtr call);
void complete_upload(Dependencies& dependencies, CallPtr call);
void abort_upload(Dependencies& dependencies, CallPtr call);
void list_uploads(Dependencies& dependencies, CallPtr call);
void list_objects(Dependencies& dependencies, CallPtr call);
void list_buckets(Dependencies& dependencies, CallPtr call);
void create_bucket(Dependencies& dependencies, CallPtr call);
void delete_bucket(Dependencies& dependencies, CallPtr call);
void see_bucket(Dependencies& dependencies, CallPtr call);
void put_notification(Dependencies& dependencies, CallPtr call);
void object_setting(Dependencies& dependencies, CallPtr call);
void put_object_tagging(Dependencies& dependencies, CallPtr call);
void delete_object_tagging(Dependencies& dependencies, CallPtr call);
void put_bucket_tagging(Dependencies& dependencies, CallPtr call);
void delete_bucket_tagging(Dependencies& dependencies, CallPtr call);
void put_bucket_cors(Dependencies& dependencies, CallPtr call);
void delete_bucket_cors(Dependencies& dependencies, CallPtr call);
void get_object_attributes(Dependencies& dependencies, CallPtr call);

/// Receives the call's document, of at most `most` bytes, and answers with what `handler` returns. A PUT
/// without a body is an empty document.
void with_document(Dependencies& dependencies, CallPtr call, std::size_t most,
                   S3Result<http::Response> (*handler)(Dependencies&, const Call&, const std::string&));
/// `versionId` of the query: the only version is `null`. Refusals: NoSuchVersion.
S3Result<> check_version(const Call& call);

}  // namespace photogate::gateway::s3
