// JSON as the rows hold it. Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "model/upload.hpp"

namespace photogate::storage::records {

/// One flat object of strings. Ill-formed UTF-8 becomes U+FFFD.
std::string to_json_text(const model::TextMap& map);
/// What to_json_text() wrote; anything that is not a string member is left out.
model::TextMap parse_text_map(std::string_view json);

}  // namespace photogate::storage::records
