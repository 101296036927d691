// `GET /v1/uploads?similar_to={id | 16 hex digits}&distance=`: what is asked for, its cursor, and how near an answer is.
//
// Thread safety: any number of threads; find_hash() blocks.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "gateway/http/message.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::gateway::routes {

/// As the URL says it; nullopt where it does not ask. Errors: invalid_query.
struct SimilarQuery {
    std::optional<UploadId> upload;  ///< whose hash; else `hash`
    std::uint64_t hash = 0;
    int distance = 0;
};
Result<std::optional<SimilarQuery>> read_similar_query(const http::RequestHead& request);

/// With the hash of the upload that it names. Errors: upload_not_found; state_conflict: it has none, since it is not
/// published.
Result<storage::records::SimilarTo> find_hash(storage::records::UploadStore& uploads,
                                              const std::optional<AppName>& app, const SimilarQuery& asked);

/// What a cursor of such a list holds: where its last upload stands. `into` goes on behind it; false: it is no such cursor.
std::string cursor_behind(const storage::records::SimilarTo& similar, const model::Upload& last);
bool go_on_behind(std::string_view cursor, storage::records::ListQuery& into);

/// Bits that differ; of an upload in the answer.
int distance_of(const storage::records::SimilarTo& similar, const model::Upload& upload);

}  // namespace photogate::gateway::routes
