// A store's event in one shape, whatever dialect it came in.
//
// Events are hints: they may be early, late, twice, wrong or never. Nothing here is proof of anything.
// Source: what MinIO and its kin were seen to send (tests/data/captures), and the S3 event message
// structure 2.x.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/upload.hpp"

namespace photogate::notifier::events {

enum class StoreOperation {
    created_put,
    created_post,
    created_multipart,
    created_copy,  ///< on a client's key this is an attack
    removed,
    other,
};

struct StoreEvent {
    StoreOperation operation = StoreOperation::other;
    std::string name;  ///< as sent, without `s3:`
    std::string bucket;
    std::string key;                  ///< decoded
    std::optional<ByteSize> size;     ///< absent where the store did not say, or said what can't be
    std::optional<std::string> etag;  ///< without quotes
    std::optional<std::string> version;
    std::string sequencer;
    std::optional<Timestamp> occurred_at;
    std::string request_id;
    std::optional<std::string> content_type;
    model::TextMap client_metadata;  ///< `x-amz-meta-*` without the prefix, names in lower case

    /// Lower-case hex SHA-256 of (source, bucket, key, version or etag, sequencer, name).
    std::string dedupe_id(std::string_view source) const;
};

enum class KeyEncoding { form, raw };  ///< a setting of the source, never guessed

struct EventBatch {
    std::vector<StoreEvent> events;
    /// Records that could not be read, each with its reason; the others count all the same.
    std::vector<std::string> unreadable;
    /// What was odd about records that count: a size that can't be, a `Key` that disagrees with its record.
    /// For a counter.
    std::vector<std::string> notes;
    /// A test ping or an announcement without records: nothing to do, and that is fine.
    bool test_event = false;
    /// The whole body is nothing we understand (why); it is quarantined and answered 2xx.
    std::optional<std::string> alien;
};

inline constexpr std::size_t kMostEventBytes = 1U << 20;
inline constexpr std::size_t kMostEventRecords = 1'000;

/// Never fails: whatever the body is, there is a batch that says so. Bounded in size (1 MiB), depth (16),
/// records and time; a body with more records than that is alien as a whole, and its objects are left to the
/// reconciler.
EventBatch parse_store_events(std::string_view body, KeyEncoding encoding);

}  // namespace photogate::notifier::events
