// The answers of the REST interface as JSON text. The upload itself is the notifier's: answers and callbacks
// say the same.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/grant.hpp"
#include "storage/records/records.hpp"

namespace photogate::gateway::routes {

/// The upload with its `upload` member: the grant, which only its maker gets.
std::string granted_json(const storage::records::Upload& upload, const pipeline::Grant& grant,
                         const std::string& image_base);

/// `{"data":[…],"next":"…"|null}`; `items` are JSON already.
std::string page_json(const std::vector<std::string>& items, const std::optional<std::string>& next);

std::string timeline_json(const std::vector<storage::records::TimelineEntry>& entries);
/// What was sent, without where to: `body` is the JSON of it, or null once it was erased.
std::string sent_callback_json(const storage::records::Callback& callback);
std::string callback_details_json(const storage::records::CallbackDetails& details);
std::string intake_json(std::size_t received, std::size_t passed_over, std::size_t quarantined);
/// `{"replayed":n}`
std::string replayed_json(std::size_t count);

}  // namespace photogate::gateway::routes
