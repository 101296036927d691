// What the S3-like dialects share: a body with a list of `Records`, each with `eventName` and `s3`.
//
// For this module's *_wire.cpp alone. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "notifier/events/dialect.hpp"

namespace photogate::notifier::events {

/// Where a dialect puts `x-amz-meta-*`.
enum class MetadataForm {
    none,
    object,  ///< `userMetadata`: an object (MinIO)
    list,    ///< `metadata`: a list of {key, val} (Ceph)
    any,
};

/// What a size of 0 means for a multipart upload or a copy.
enum class ZeroSize { exact, unknown_if_assembled };

struct RecordRules {
    KeyEncoding keys = KeyEncoding::form;
    MetadataForm metadata = MetadataForm::none;
    ZeroSize zero_size = ZeroSize::exact;
};

/// A body that is one JSON object within the limits.
struct Document {
    nlohmann::json body;
    std::set<std::size_t> ambiguous_records;  ///< indices in `Records` of those with a member twice
};

/// Errors: bad_request, why it is not.
Result<Document> read_document(std::string_view text);

/// `{"Event":"s3:TestEvent",…}`: what S3 and versitygw send when a notification is set up.
bool is_test_event(const nlohmann::json& body);
/// `Records` is there and null: an announcement of nothing, as MinIO makes it.
bool has_null_records(const nlohmann::json& body);
EventBatch test_event();

/// The records of `body`. Errors: bad_request where it has no list of them, an empty or too long one.
Result<EventBatch> read_records(const nlohmann::json& body, const std::set<std::size_t>& ambiguous,
                                const RecordRules& rules);

/// Adds a note where `Key` and `EventName`, which MinIO repeats beside its only record, disagree with it. The
/// record is what counts.
void compare_with_envelope(const nlohmann::json& body, EventBatch& batch);

/// The message within a CloudEvents envelope in structured mode (`specversion`, `data`); otherwise the body
/// itself.
const nlohmann::json& without_cloud_event(const nlohmann::json& body);

}  // namespace photogate::notifier::events
