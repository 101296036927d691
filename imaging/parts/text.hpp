// Internal: foreign bytes as text that is safe to report.
#pragma once

#include <cstddef>
#include <string>

#include "base/encoding.hpp"
#include "imaging/byte_reader.hpp"

namespace photogate::imaging {

inline constexpr std::size_t kMaxText = 1'024;  ///< bytes of one reported text

/// Up to the first NUL; UTF-8 as it is, else read as Latin-1; control characters become spaces; trimmed; cut
/// at kMaxText between characters.
std::string clean_text(BytesView raw);

/// UTF-16 as Windows' XP tags and UNICODE comments have it; then as clean_text().
std::string clean_utf16(BytesView raw, Endian endian);

}  // namespace photogate::imaging
