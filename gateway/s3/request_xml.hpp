// The XML of requests as a tree; internal to this module.
//
// Thread safety: pure; a document belongs to one thread.
#pragma once

#include <string_view>

#include <pugixml.hpp>

namespace photogate::gateway::s3::xml {

/// The root element if it has this name, else an empty node: also for a document that is not well formed, is
/// longer than kMostRequestDocument, or contains `<!` (a DOCTYPE or entity declaration).
pugi::xml_node root_of(pugi::xml_document& document, std::string_view text, std::string_view name);

/// A name without its namespace's prefix: some clients write `<s3:Delete>`.
std::string_view local(const char* name);
pugi::xml_node child(pugi::xml_node parent, std::string_view name);
std::string_view text_of(pugi::xml_node parent, std::string_view name);

}  // namespace photogate::gateway::s3::xml
