// The answers of the REST interface as JSON text. The upload itself is the notifier's: answers and callbacks
// say the same.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "notifier/callbacks/upload_wire.hpp"
#include "pipeline/grant.hpp"
#include "pipeline/uploads/upload_service.hpp"
#include "storage/records/outbox.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::gateway::routes {

/// The upload with its `upload` member: the grant, which only its maker gets.
std::string granted_json(const model::Upload& upload, const pipeline::Grant& grant,
                         const std::string& image_base, notifier::callbacks::Audience audience);

/// `{"part_size":…,"count":…,"size":…,"received":bytes,"data":[{"number","size","etag"}],"missing":[numbers]}`: of what
/// is missing at most 1,000, as many as can be signed in one call.
std::string listed_parts_json(const pipeline::uploads::ListedParts& parts);
/// `{"data":[{"number","size","method","url","headers"}],"expires_at":…}`
std::string signed_parts_json(const pipeline::uploads::SignedParts& parts);
/// The upload that was published of the same bytes: `deduplicated` is true, and `upload` null, for there is nothing to
/// send.
std::string duplicate_json(const model::Upload& upload, const std::string& image_base,
                           notifier::callbacks::Audience audience);
/// `{"data":[…],"created":n,"refused":n}`: an item that was refused is a problem (RFC 9457) with its `index`, the others
/// are uploads; `items` are JSON already.
std::string batch_json(const std::vector<std::string>& items, std::size_t created, std::size_t refused);

/// `{"data":[…],"next":"…"|null}`; `items` are JSON already.
std::string page_json(const std::vector<std::string>& items, const std::optional<std::string>& next);

std::string timeline_json(const std::vector<storage::records::TimelineEntry>& entries);
/// What was sent, without where to: `body` is the JSON of it, or null once it was erased.
std::string sent_callback_json(const model::Callback& callback);
std::string callback_details_json(const storage::records::CallbackDetails& details);
std::string intake_json(std::size_t received, std::size_t passed_over, std::size_t quarantined);
/// `{"replayed":n,"next":"…"|null}`; `next` where there may be more.
std::string replayed_json(std::size_t count, const std::optional<std::string>& next = {});
std::string endpoint_json(const model::CallbackEndpoint& endpoint);
/// `{"resumed":n}`
std::string resumed_json(std::size_t count);
/// `{"data":[…],"next":"…","more":true|false}`: each as it was, or would have been, sent; `data` of one whose
/// upload was deleted is null.
std::string feed_json(const storage::records::FeedPage& page, const std::string& next);

}  // namespace photogate::gateway::routes
