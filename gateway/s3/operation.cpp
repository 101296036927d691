#include "gateway/s3/operation.hpp"

#include <algorithm>
#include <array>

namespace photogate::gateway::s3 {

namespace {

using http::Method;

/// Parameters of S3 features that are not supported.
constexpr std::array<std::string_view, 17> kElsewhere = {
    "accelerate", "analytics",         "intelligent-tiering", "inventory", "metrics",        "restore",
    "select",     "ownershipControls", "publicAccessBlock",   "torrent",   "requestPayment", "logging",
    "website",    "replication",       "policyStatus",        "events",    "renameObject"};
/// Settings that can be reported as unset.
constexpr std::array<std::string_view, 8> kBucketSettings = {
    "versioning", "policy", "acl", "cors", "lifecycle", "object-lock", "tagging", "encryption"};
constexpr std::array<std::string_view, 4> kObjectSettings = {"tagging", "acl", "retention", "legal-hold"};

template <class List>
bool names_one(const Address& address, const List& list) {
    return std::any_of(list.begin(), list.end(), [&](std::string_view name) { return address.has(name); });
}

auto no_such_method() {
    return refuse(Code::MethodNotAllowed);
}

S3Result<Operation> of_service(Method method) {
    if (method == Method::get || method == Method::head) return Operation::list_buckets;
    return no_such_method();
}

/// Of the settings, CORS rules and tags can be changed.
S3Result<Operation> change_of_setting(Method method, const Address& address) {
    const bool put = method == Method::put;
    if (!put && method != Method::delete_) return refuse(Code::NotImplemented);
    if (address.has("cors")) return put ? Operation::put_bucket_cors : Operation::delete_bucket_cors;
    if (address.has("tagging")) return put ? Operation::put_bucket_tagging : Operation::delete_bucket_tagging;
    return refuse(Code::NotImplemented);
}

S3Result<Operation> of_bucket(const http::RequestHead& head, const Address& address) {
    if (names_one(address, kElsewhere)) return refuse(Code::NotImplemented);
    const bool setting = names_one(address, kBucketSettings);
    if (setting && head.method != Method::get) return change_of_setting(head.method, address);
    switch (head.method) {
        case Method::get:
            if (setting) return Operation::bucket_setting;
            if (address.has("location")) return Operation::bucket_location;
            if (address.has("notification")) return Operation::get_notification;
            if (address.has("uploads")) return Operation::list_uploads;
            if (address.has("versions")) return Operation::list_versions;
            if (const auto* type = address.parameter("list-type")) {
                if (*type == "2") return Operation::list_objects_v2;
                return refuse(Code::InvalidArgument, "list-type is 2 or absent.");
            }
            return Operation::list_objects;
        case Method::head:
            return Operation::head_bucket;
        case Method::put:
            return address.has("notification") ? Operation::put_notification : Operation::create_bucket;
        case Method::delete_:
            return Operation::delete_bucket;
        case Method::post:
            return address.has("delete") ? Operation::delete_objects : Operation::post_form;
        case Method::patch:
        case Method::options:
        case Method::trace:
        case Method::connect:
            break;
    }
    return no_such_method();
}

S3Result<Operation> of_object(const http::RequestHead& head, const Address& address) {
    if (names_one(address, kElsewhere)) return refuse(Code::NotImplemented);
    if (names_one(address, kObjectSettings)) {
        if (head.method == Method::get) return Operation::object_setting;
        if (address.has("tagging") && head.method == Method::put) return Operation::put_object_tagging;
        if (address.has("tagging") && head.method == Method::delete_) return Operation::delete_object_tagging;
        return refuse(Code::NotImplemented);
    }
    if (address.has("attributes")) {
        if (head.method == Method::get) return Operation::get_object_attributes;
        return no_such_method();
    }
    const bool of_upload = address.has("uploadId");
    const bool from_elsewhere = head.headers.find("x-amz-copy-source").has_value();
    switch (head.method) {
        case Method::get:
            return of_upload ? Operation::list_parts : Operation::get_object;
        case Method::head:
            return Operation::head_object;
        case Method::put:
            if (of_upload != address.has("partNumber"))
                return refuse(Code::InvalidRequest, "Putting a part requires both partNumber and uploadId.");
            if (of_upload) return from_elsewhere ? Operation::copy_part : Operation::put_part;
            return from_elsewhere ? Operation::copy_object : Operation::put_object;
        case Method::delete_:
            return of_upload ? Operation::abort_upload : Operation::delete_object;
        case Method::post:
            if (address.has("uploads")) return Operation::create_upload;
            if (of_upload) return Operation::complete_upload;
            return no_such_method();
        case Method::patch:
        case Method::options:
        case Method::trace:
        case Method::connect:
            break;
    }
    return no_such_method();
}

}  // namespace

S3Result<Operation> operation_of(const http::RequestHead& head, const Address& address) {
    if (!address.bucket) return of_service(head.method);
    return address.key ? of_object(head, address) : of_bucket(head, address);
}

Action action_of(Operation operation) {
    switch (operation) {
        case Operation::list_buckets:
            return Action::list_buckets;
        case Operation::create_bucket:
            return Action::create_bucket;
        case Operation::delete_bucket:
            return Action::delete_bucket;
        case Operation::head_bucket:
        case Operation::bucket_location:
        case Operation::bucket_setting:
        case Operation::get_notification:
            return Action::see_bucket;
        case Operation::put_notification:
        case Operation::put_bucket_cors:
        case Operation::delete_bucket_cors:
        case Operation::put_bucket_tagging:
        case Operation::delete_bucket_tagging:
            return Action::configure_bucket;
        case Operation::put_object_tagging:
        case Operation::delete_object_tagging:
            return Action::tag_object;
        case Operation::list_objects:
        case Operation::list_objects_v2:
        case Operation::list_versions:
        case Operation::list_uploads:
            return Action::list_objects;
        case Operation::get_object:
        case Operation::head_object:
        case Operation::object_setting:
        case Operation::get_object_attributes:
            return Action::get_object;
        case Operation::delete_objects:
        case Operation::delete_object:
            return Action::delete_object;
        case Operation::post_form:
        case Operation::put_object:
        case Operation::copy_object:
        case Operation::create_upload:
        case Operation::put_part:
        case Operation::copy_part:
        case Operation::complete_upload:
            return Action::put_object;
        case Operation::list_parts:
            return Action::list_parts;
        case Operation::abort_upload:
            return Action::abort_upload;
    }
    return Action::delete_bucket;
}

std::string_view name_of(Operation operation) {
    constexpr std::array<std::string_view, 33> names = {"ListBuckets",
                                                        "CreateBucket",
                                                        "DeleteBucket",
                                                        "HeadBucket",
                                                        "GetBucketLocation",
                                                        "GetBucketSetting",
                                                        "PutBucketCors",
                                                        "DeleteBucketCors",
                                                        "PutBucketTagging",
                                                        "DeleteBucketTagging",
                                                        "GetBucketNotification",
                                                        "PutBucketNotification",
                                                        "ListObjects",
                                                        "ListObjectsV2",
                                                        "ListObjectVersions",
                                                        "ListMultipartUploads",
                                                        "DeleteObjects",
                                                        "PostObject",
                                                        "GetObject",
                                                        "HeadObject",
                                                        "GetObjectSetting",
                                                        "PutObjectTagging",
                                                        "DeleteObjectTagging",
                                                        "GetObjectAttributes",
                                                        "PutObject",
                                                        "CopyObject",
                                                        "DeleteObject",
                                                        "CreateMultipartUpload",
                                                        "UploadPart",
                                                        "UploadPartCopy",
                                                        "ListParts",
                                                        "CompleteMultipartUpload",
                                                        "AbortMultipartUpload"};
    return names[static_cast<std::size_t>(operation)];
}

}  // namespace photogate::gateway::s3
