// What the dialects are, as data: the rows by which the normaliser reads.
//
// A place is a path of member names with dots between them: `s3.object.key`. An empty one is nowhere.
//
// For this module alone. Thread safety: constants.
#pragma once

#include <span>
#include <string_view>

#include "notifier/events/dialect.hpp"

namespace photogate::notifier::events {

/// A message that another carries.
struct Envelope {
    enum class Form {
        object,          ///< as JSON in JSON
        text,            ///< as a text of JSON
        base64_or_json,  ///< as a text that is base64 of JSON, or as JSON in JSON
    };
    std::string_view list;    ///< where the carriers are; empty: the message itself is one
    std::string_view marker;  ///< what a carrier has …
    std::string_view value;   ///< … and its text; empty: any value
    std::string_view inner;
    Form form = Form::text;
};

struct OperationName {
    std::string_view name;  ///< with a `*` at its end: whatever begins so
    StoreOperation operation;
};

enum class TimeForm { rfc3339, seconds, milliseconds };
enum class KeyForm {
    key,
    bucket_path,  ///< `/buckets/BUCKET/KEY`
};
enum class ETagForm { text, base64_md5 };

/// Where `x-amz-meta-*` stand in S3's object.
enum class MetadataForm {
    none,
    object,  ///< `userMetadata`: an object (MinIO)
    list,    ///< `metadata`: a list of {key, val} (Ceph)
    any,
};

/// What a size of 0 means for a multipart upload or a copy.
enum class ZeroSize { exact, unknown_if_assembled };

/// An event: where its values are.
struct Shape {
    std::string_view list;         ///< where the records are; empty: the message itself is one
    std::string_view name;         ///< of what happened
    std::string_view name_prefix;  ///< cut off
    std::string_view reason;       ///< joined to the name behind a colon, where it is there
    std::string_view ping;         ///< a name by which the sender tries whether we answer
    std::span<const OperationName> operations;
    std::string_view bucket;
    std::string_view key;
    KeyForm key_form = KeyForm::key;
    std::string_view size;
    std::string_view etag;
    ETagForm etag_form = ETagForm::text;
    std::string_view version;
    std::string_view sequencer;  ///< a text or a whole number; what tells two writes of the same bytes apart
    std::string_view time;
    TimeForm time_form = TimeForm::rfc3339;
    std::string_view request_id;
    std::string_view content_type;
    std::string_view metadata;   ///< the object of MetadataForm
    std::string_view directory;  ///< true: no object was written
};

/// Messages that announce no object.
struct Announcements {
    bool s3_test = false;       ///< `{"Event":"s3:TestEvent"}`
    bool null_records = false;  ///< `Records` is there and null
    bool sns = false;           ///< a message of SNS whose type is not Notification
};

/// Whether `Key` and `EventName` beside the only record are compared with it.
enum class Beside { ignored, compared };

struct DialectRow {
    Dialect dialect;
    KeyEncoding keys;
    const Shape* shape;
    std::span<const Envelope> envelopes = {};
    Announcements announcements = {};
    MetadataForm metadata = MetadataForm::none;
    ZeroSize zero_size = ZeroSize::exact;
    Beside beside = Beside::ignored;
};

const DialectRow& row_of(Dialect dialect);

}  // namespace photogate::notifier::events
