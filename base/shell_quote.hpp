// Texts as words of a POSIX shell (Shell Command Language, 2.2.2 "Single-Quotes").
#pragma once

#include <string>
#include <string_view>

namespace photogate {

/// In single quotes, with each inner one as '\''.
std::string shell_quote(std::string_view text);
/// Quoted only where a shell would not take it as it is.
std::string shell_word(std::string_view text);

}  // namespace photogate
