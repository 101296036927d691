// XML of stores' administration, read by paths of element names and added to; the only user of pugixml here.
//
// A path is the names from the root down: `Error/Code`. Namespaces do not count. What is no XML, or has a declaration of entities, has
// nothing in it.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace photogate::client::setup {

/// The text of the first element there; empty where there is none.
std::string text_in(std::string_view xml, std::string_view path);
std::vector<std::string> texts_in(std::string_view xml, std::string_view path);
/// The elements there as documents of their own.
std::vector<std::string> elements_in(std::string_view xml, std::string_view path);
bool has_element(std::string_view xml, std::string_view path);

/// A document `<root>` with these elements, which are well-formed.
std::string document_of(std::string_view root, const std::vector<std::string>& elements);

/// A text as it stands between tags.
std::string escaped(std::string_view text);

}  // namespace photogate::client::setup
