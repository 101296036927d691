// Parses the XML that clients of the built-in store send. nullopt (MalformedXML) for documents that violate
// S3's schema, are too long, or contain `<!` (a DOCTYPE or entity declaration).
//
// Thread safety: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/builtin/uploads.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::gateway::s3 {

/// 10,000 parts with their checksums, or 1,000 keys of 1,024 bytes, each byte escaped.
inline constexpr std::size_t kMostRequestDocument = 8U << 20;

enum class Loudness { all, errors };  ///< which results a DeleteObjects response lists

/// An object is deleted only if all that is given holds.
struct DeleteEntry {
    std::string key;                     ///< as sent
    std::optional<std::string> version;  ///< `<VersionId>`
    std::optional<ETag> etag;            ///< `<ETag>`
    std::optional<ByteSize> size;        ///< `<Size>`
    std::optional<Timestamp> modified;   ///< `<LastModifiedTime>`, in whole seconds
};
struct DeleteRequest {
    std::vector<DeleteEntry> entries;  ///< 1 to 1,000
    Loudness answer = Loudness::all;
};
std::optional<DeleteRequest> read_delete_request(std::string_view xml);

/// The parts as named, in the order sent; ETags and checksums are syntactically right.
std::optional<std::vector<storage::builtin::ChosenPart>> read_complete_request(std::string_view xml);

/// QueueConfigurations; an empty document gives none. Topics, functions and other filters are nullopt.
std::optional<std::vector<storage::objects::NotificationRule>> read_notification_request(
    std::string_view xml);

/// Any `<CreateBucketConfiguration>`, its LocationConstraint; empty for none.
std::optional<std::string> read_location_constraint(std::string_view xml);

}  // namespace photogate::gateway::s3
