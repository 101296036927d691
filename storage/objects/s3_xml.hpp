// S3's XML, parsed and written; the only user of pugixml. Private to storage/objects.
//
// A store's documents are untrusted: at most 1 MB (4 MB for a list: 1,000 keys of 1,024 bytes, each three
// times as long once encoded), no `<!` (no DOCTYPE, no entity declarations), parsed without recursion. Keys
// in lists come percent-encoded (encoding-type=url) and are decoded here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::storage::objects {

inline constexpr std::size_t kMostListDocument = 4U << 20;

struct ErrorDocument {
    std::string code;
    std::string message;
};

/// nullopt if the document is not an `<Error>` with a code.
std::optional<ErrorDocument> parse_error(std::string_view xml);

/// One `<Error>` of a DeleteResult; the key as it was sent.
struct DeleteFailure {
    std::string key;
    ErrorDocument error;
};

struct PartsPage {
    std::vector<UploadedPart> parts;
    std::optional<std::uint32_t> next_marker;
};

/// All: store_protocol where the document is not what it should be.
Result<ListPage> parse_list(std::string_view xml);
Result<std::vector<DeleteFailure>> parse_delete_result(std::string_view xml);
Result<PartsPage> parse_parts(std::string_view xml);
Result<MultipartPage> parse_multiparts(std::string_view xml);
Result<std::string> parse_upload_id_of_multipart(std::string_view xml);
/// Of a CopyObjectResult or CompleteMultipartUploadResult.
Result<ETag> parse_result_etag(std::string_view xml, std::string_view root);

std::string delete_document(const std::vector<ObjectKey>& keys, std::size_t first, std::size_t count);
std::string complete_document(const std::vector<UploadedPart>& parts);
std::string notification_document(const std::vector<NotificationRule>& rules);

}  // namespace photogate::storage::objects
