// A store's bucket events, from the dialect that the store speaks into StoreEvent.
//
// Each dialect has a file of its own (minio_wire.cpp, …). Which one a source speaks is configured: a body in another
// shape is an error and is not guessed at, but for Dialect::automatic, which takes every shape that any of the
// others takes.
//
// Thread safety: pure functions.
// Sources: what MinIO and versitygw were seen to send (tests/data/captures); the S3 event message structure 2.x;
// Ceph's bucket notification documentation; CloudEvents 1.0 (structured mode).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "notifier/events/store_event.hpp"

namespace photogate::notifier::events {

/// automatic: whatever of the others' shapes the body has. test: as automatic, for tests, with short tokens.
enum class Dialect { automatic, minio, s3, rustfs, ceph, versitygw, test };

/// How keys are written; a setting of the source, never guessed. form: `+` is a space, then percent-escapes.
enum class KeyEncoding { form, raw };

/// raw for Ceph and versitygw, form for all others.
KeyEncoding default_key_encoding(Dialect dialect);

struct EventBatch {
    std::vector<StoreEvent> events;
    /// Records that could not be read, each with its reason; the others count all the same.
    std::vector<std::string> unreadable;
    /// What was odd about records that count: an impossible size, a `Key` that disagrees with its record.
    std::vector<std::string> notes;
    /// A test ping or an announcement without records: there is nothing to do.
    bool test_event = false;
};

inline constexpr std::size_t kMostEventBytes = 1U << 20;
inline constexpr std::size_t kMostEventRecords = 1'000;

/// Bounded in size (1 MiB), depth (16), records and time; throws nothing. Errors: bad_request, with why the
/// body as a whole is not one of this dialect; a body with more records than the limit is refused as a whole.
Result<EventBatch> parse(Dialect dialect, KeyEncoding keys, std::string_view body);

}  // namespace photogate::notifier::events
