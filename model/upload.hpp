// One upload: what was granted, what arrived, what became of it.
//
// Only storage/records moves an upload from one state to another. Thread safety: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "base/words.hpp"
#include "model/image.hpp"

namespace photogate::model {

enum class UploadState {
    created,
    uploaded,
    processing,
    published,
    rejected,
    failed,
    expired,
    cancelled,
    deleted
};
std::string_view to_string(UploadState state);
/// Published, rejected, failed, expired, cancelled and deleted: nothing more happens without a request.
bool is_final(UploadState state);

enum class GrantMethod { put, post, multipart };
std::string_view to_string(GrantMethod method);

using TextMap = std::map<std::string, std::string>;

/// What was found out about the original. The texts in `*_json` are JSON objects that the records do not look
/// into.
struct OriginalFacts {
    std::string content_type;  ///< found, not declared
    ByteSize size = 0;
    std::string sha256;  ///< lower-case hex
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::string exif_json;
    std::string privacy_json;
    std::string placeholder;
    std::string perceptual_hash;  ///< 16 hex digits
    std::string dominant_color;   ///< `#rrggbb`
    bool operator==(const OriginalFacts&) const = default;
};

struct RejectionFacts {
    std::string code;
    std::string detail;
    bool operator==(const RejectionFacts&) const = default;
};

/// What the store was seen to hold, pinned at the first sight; everything after is held to it.
struct PinnedObject {
    ETag etag;
    std::optional<ByteSize> size;  ///< an event may not know it
    std::optional<VersionId> version;
    bool operator==(const PinnedObject&) const = default;
};

struct Upload {
    UploadId id;
    PublicId public_id;
    AppName app;
    ProfileName profile;
    UploadState state = UploadState::created;
    GrantMethod method = GrantMethod::put;
    std::string region;  ///< the configured store region that holds it
    Bucket bucket;
    ObjectKey key;

    // As asked for.
    std::optional<std::string> filename;
    std::optional<std::string> declared_type;
    std::optional<ByteSize> declared_size;
    std::optional<std::string> declared_sha256;  ///< base64
    std::optional<ByteSize>
        part_size;  ///< of a multipart upload; without declared_size its client divides it
    TextMap metadata;
    std::vector<std::string> client_fields;
    std::optional<std::string> callback_url;
    std::string request_id;
    std::optional<std::string> client_token;  ///< the id of the token that it was made with
    std::optional<std::string> traceparent;   ///< what its later stages are children of; nullopt: no trace
    std::optional<std::string> tracestate;
    Timestamp created_at;
    Timestamp expires_at;  ///< of the grant; a fresh URL moves it

    // As found.
    std::optional<Timestamp> received_at;
    std::optional<PinnedObject> pinned;
    TextMap client_metadata;
    std::uint32_t generation = 0;  ///< grows with every (re)pin

    // As it ended.
    std::optional<OriginalFacts> facts;
    std::optional<PublishedImage> image;
    std::vector<Variant> variants;            ///< those that there are, where they were looked up
    std::optional<RejectionFacts> rejection;  ///< of a rejected or failed upload
    std::optional<Timestamp> finished_at;

    std::int64_t sequence = 0;  ///< of the newest callback about it
    Timestamp updated_at;
};

}  // namespace photogate::model
