// A store's bucket events, from the dialect that the store speaks into StoreEvent.
//
// The dialects are rows of one table (dialect_table.cpp): what wraps an event, and where in it each value stands. Which
// one a source speaks is configured: a body in another shape is an error and is not guessed at, but for
// Dialect::automatic, which takes what MinIO, S3, RustFS, Ceph and versitygw send.
//
// Thread safety: pure functions.
// Sources: what MinIO and versitygw were seen to send (tests/data/captures); the documentation of the others:
// S3's event message structure 2.x and EventBridge events, SNS's and SQS's messages and the events of Lambda
// functions, Ceph's bucket notifications, CloudEvents 1.0 (structured mode), R2's event notifications and Cloudflare
// Queues' pull consumers, Cloud Storage's Pub/Sub notifications, B2's event notifications, SeaweedFS's filer webhook.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "notifier/events/store_event.hpp"

namespace photogate::notifier::events {

/// automatic: what any of the first five has. test: as automatic, for tests, with short tokens.
enum class Dialect {
    automatic,
    minio,
    s3,
    rustfs,
    ceph,
    versitygw,
    sns,          ///< S3's events as Amazon SNS posts them, its other messages too
    eventbridge,  ///< S3's events as Amazon EventBridge has them
    lambda,       ///< S3's events as a Lambda function gets them: from S3, SNS or SQS
    sqs,          ///< S3's events as ReceiveMessage of SQS returns them
    r2,
    gcs,  ///< Google Cloud Storage, pushed by Pub/Sub
    b2,
    seaweedfs,
    test
};

/// How keys are written; a setting of the source, never guessed. form: `+` is a space, then percent-escapes.
enum class KeyEncoding { form, raw };

/// The dialect's own: form for what speaks S3's, raw for all others.
KeyEncoding default_key_encoding(Dialect dialect);

/// What SNS asks of the receiver of a topic that is being subscribed to. Nothing of it is proven here.
struct Subscription {
    std::string topic;
    std::string url;  ///< to be visited
};

struct EventBatch {
    std::vector<StoreEvent> events;
    /// Records that could not be read, each with its reason; the others count all the same.
    std::vector<std::string> unreadable;
    /// What was odd about records that count: an impossible size, a `Key` that disagrees with its record.
    std::vector<std::string> notes;
    /// A test ping or an announcement without records: there is nothing to do.
    bool test_event = false;
    std::optional<Subscription> subscription;
};

inline constexpr std::size_t kMostEventBytes = 1U << 20;
inline constexpr std::size_t kMostEventRecords = 1'000;
/// How deep messages may lie within messages: SQS has SNS's, which has S3's.
inline constexpr std::size_t kMostEnvelopes = 3;

/// Bounded in size (1 MiB), depth (16 in each message), envelopes, records and time; throws nothing. Errors:
/// bad_request, with why the body as a whole is not one of this dialect; a body with more records than the limit is
/// refused as a whole.
Result<EventBatch> parse(Dialect dialect, KeyEncoding keys, std::string_view body);

}  // namespace photogate::notifier::events
