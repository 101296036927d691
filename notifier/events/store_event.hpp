// A store's event in one shape, whatever dialect it came in.
//
// Events are hints: they may come early, late, twice or never, and may be wrong. Nothing here is proof of anything.
//
// Thread safety: a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
    std::optional<ByteSize> size;     ///< absent where the store did not say, or said an impossible one
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

}  // namespace photogate::notifier::events
