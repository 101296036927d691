#include "notifier/events/dialect_table.hpp"

#include <algorithm>
#include <array>

namespace photogate::notifier::events {
namespace {

using Form = Envelope::Form;
using Operation = StoreOperation;

constexpr Envelope kCloudEvent{{}, "specversion", {}, "data", Form::object};
constexpr Envelope kSnsMessage{{}, "Type", "Notification", "Message"};
constexpr Envelope kSqsRecord{"Records", "eventSource", "aws:sqs", "body"};
constexpr Envelope kSnsRecord{"Records", "EventSource", "aws:sns", "Sns.Message"};
constexpr Envelope kSqsMessage{"Messages", "Body", {}, "Body"};
constexpr Envelope kPulledMessage{"result.messages", "body", {}, "body", Form::base64_or_json};
constexpr Envelope kQueueMessage{"messages", "body", {}, "body", Form::base64_or_json};

constexpr std::array kCloudEvents{kCloudEvent};
constexpr std::array kSns{kSnsMessage};
constexpr std::array kLambda{kSqsRecord, kSnsRecord, kSnsMessage};
constexpr std::array kSqs{kSqsMessage, kSnsMessage};
constexpr std::array kRules{kSqsRecord, kSqsMessage};
constexpr std::array kQueues{kPulledMessage, kQueueMessage};

constexpr std::array kS3Operations{
    OperationName{"ObjectCreated:Put", Operation::created_put},
    OperationName{"ObjectCreated:Post", Operation::created_post},
    OperationName{"ObjectCreated:CompleteMultipartUpload", Operation::created_multipart},
    OperationName{"ObjectCreated:Copy", Operation::created_copy},
    OperationName{"ObjectRemoved:*", Operation::removed},
    OperationName{"LifecycleExpiration:*", Operation::removed},
};
constexpr Shape kS3{
    .list = "Records",
    .name = "eventName",
    .name_prefix = "s3:",
    .reason = {},
    .ping = {},
    .operations = kS3Operations,
    .bucket = "s3.bucket.name",
    .key = "s3.object.key",
    .size = "s3.object.size",
    .etag = "s3.object.eTag",
    .version = "s3.object.versionId",
    .sequencer = "s3.object.sequencer",
    .time = "eventTime",
    .request_id = "responseElements.x-amz-request-id",
    .content_type = "s3.object.contentType",
    .metadata = "s3.object",
    .directory = {},
};

constexpr std::array kEventBridgeOperations{
    OperationName{"Object Created:PutObject", Operation::created_put},
    OperationName{"Object Created:POST Object", Operation::created_post},
    OperationName{"Object Created:CompleteMultipartUpload", Operation::created_multipart},
    OperationName{"Object Created:CopyObject", Operation::created_copy},
    OperationName{"Object Deleted*", Operation::removed},
};
constexpr Shape kEventBridge{
    .list = {},
    .name = "detail-type",
    .name_prefix = {},
    .reason = "detail.reason",
    .ping = {},
    .operations = kEventBridgeOperations,
    .bucket = "detail.bucket.name",
    .key = "detail.object.key",
    .size = "detail.object.size",
    .etag = "detail.object.etag",
    .version = "detail.object.version-id",
    .sequencer = "detail.object.sequencer",
    .time = "time",
    .request_id = "detail.request-id",
    .content_type = {},
    .metadata = {},
    .directory = {},
};

constexpr std::array kR2Operations{
    OperationName{"PutObject", Operation::created_put},
    OperationName{"CompleteMultipartUpload", Operation::created_multipart},
    OperationName{"CopyObject", Operation::created_copy},
    OperationName{"DeleteObject", Operation::removed},
    OperationName{"LifecycleDeletion", Operation::removed},
};
constexpr Shape kR2{
    .list = {},
    .name = "action",
    .name_prefix = {},
    .reason = {},
    .ping = {},
    .operations = kR2Operations,
    .bucket = "bucket",
    .key = "object.key",
    .size = "object.size",
    .etag = "object.eTag",
    .version = {},
    .sequencer = "eventTime",
    .time = "eventTime",
    .request_id = {},
    .content_type = {},
    .metadata = {},
    .directory = {},
};

// A copy is told of like every other write: OBJECT_FINALIZE says only that there is a new generation.
constexpr std::array kGcsOperations{
    OperationName{"OBJECT_FINALIZE", Operation::created_put},
    OperationName{"OBJECT_DELETE", Operation::removed},
    OperationName{"OBJECT_ARCHIVE", Operation::removed},
};
constexpr Shape kGcs{
    .list = {},
    .name = "message.attributes.eventType",
    .name_prefix = {},
    .reason = {},
    .ping = {},
    .operations = kGcsOperations,
    .bucket = "message.attributes.bucketId",
    .key = "message.attributes.objectId",
    .size = {},
    .etag = {},
    .version = "message.attributes.objectGeneration",
    .sequencer = {},
    .time = "message.attributes.eventTime",
    .request_id = "message.messageId",
    .content_type = {},
    .metadata = {},
    .directory = {},
};

constexpr std::array kB2Operations{
    OperationName{"ObjectCreated:Upload", Operation::created_put},
    OperationName{"ObjectCreated:MultipartUpload", Operation::created_multipart},
    OperationName{"ObjectCreated:Copy", Operation::created_copy},
    OperationName{"ObjectCreated:MultipartCopy", Operation::created_copy},
    OperationName{"ObjectDeleted:*", Operation::removed},
};
constexpr Shape kB2{
    .list = "events",
    .name = "eventType",
    .name_prefix = "b2:",
    .reason = {},
    .ping = "TestEvent",
    .operations = kB2Operations,
    .bucket = "bucketName",
    .key = "objectName",
    .size = "objectSize",
    .etag = {},
    .version = "objectVersionId",
    .sequencer = {},
    .time = "eventTimestamp",
    .time_form = TimeForm::milliseconds,
    .request_id = "eventId",
    .content_type = {},
    .metadata = {},
    .directory = {},
};

constexpr std::array kSeaweedOperations{
    OperationName{"create", Operation::created_put},
    OperationName{"update", Operation::created_put},
    OperationName{"delete", Operation::removed},
};
constexpr Shape kSeaweed{
    .list = {},
    .name = "event_type",
    .name_prefix = {},
    .reason = {},
    .ping = {},
    .operations = kSeaweedOperations,
    .bucket = {},
    .key = "key",
    .key_form = KeyForm::bucket_path,
    .size = "message.new_entry.attributes.file_size",
    .etag = "message.new_entry.attributes.md5",
    .etag_form = ETagForm::base64_md5,
    .version = {},
    .sequencer = "message.new_entry.attributes.mtime",
    .time = "message.new_entry.attributes.mtime",
    .time_form = TimeForm::seconds,
    .request_id = {},
    .content_type = "message.new_entry.attributes.mime",
    .metadata = {},
    .directory = "message.new_entry.is_directory",
};

constexpr DialectRow like_all_of_s3(Dialect dialect) {
    return {dialect,
            KeyEncoding::form,
            &kS3,
            kCloudEvents,
            {.s3_test = true, .null_records = true},
            MetadataForm::any,
            ZeroSize::unknown_if_assembled,
            Beside::compared};
}
constexpr DialectRow like_minio(Dialect dialect) {
    return {dialect,         KeyEncoding::form, &kS3, {}, {.null_records = true}, MetadataForm::object,
            ZeroSize::exact, Beside::compared};
}

constexpr std::array kRows{
    like_all_of_s3(Dialect::automatic),
    like_all_of_s3(Dialect::test),
    like_minio(Dialect::minio),
    like_minio(Dialect::rustfs),
    DialectRow{Dialect::s3, KeyEncoding::form, &kS3, {}, {.s3_test = true}},
    DialectRow{Dialect::ceph, KeyEncoding::raw, &kS3, kCloudEvents, {}, MetadataForm::list},
    DialectRow{Dialect::versitygw,
               KeyEncoding::raw,
               &kS3,
               {},
               {.s3_test = true},
               MetadataForm::none,
               ZeroSize::unknown_if_assembled},
    DialectRow{Dialect::sns, KeyEncoding::form, &kS3, kSns, {.s3_test = true, .sns = true}},
    DialectRow{Dialect::eventbridge, KeyEncoding::raw, &kEventBridge, kRules},
    DialectRow{Dialect::lambda, KeyEncoding::form, &kS3, kLambda, {.s3_test = true}},
    DialectRow{Dialect::sqs, KeyEncoding::form, &kS3, kSqs, {.s3_test = true}},
    DialectRow{Dialect::r2, KeyEncoding::raw, &kR2, kQueues},
    DialectRow{Dialect::gcs, KeyEncoding::raw, &kGcs},
    DialectRow{Dialect::b2, KeyEncoding::raw, &kB2},
    DialectRow{Dialect::seaweedfs, KeyEncoding::raw, &kSeaweed},
};

}  // namespace

const DialectRow& row_of(Dialect dialect) {
    return *std::find_if(kRows.begin(), kRows.end(),
                         [dialect](const DialectRow& row) { return row.dialect == dialect; });
}

KeyEncoding default_key_encoding(Dialect dialect) {
    return row_of(dialect).keys;
}

}  // namespace photogate::notifier::events
