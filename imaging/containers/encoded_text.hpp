// Internal: text whose coding the file names wrongly or not at all, such as Exif's UserComment and Windows' XP
// tags.
//
// Exif 2.32 gives UserComment eight bytes for the coding; Exif 3.0 also has UTF-8. Writers leave them out, spell
// them otherwise, and store UTF-16 in either byte order, whatever the block's own is. So each possible coding is
// tried, and the reading that makes the most plausible text is taken. What makes none is left out: a text that
// nobody wrote is worse than no text.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "base/encoding.hpp"
#include "imaging/byte_reader.hpp"

namespace photogate::imaging {

/// UserComment, GPSProcessingMethod and GPSAreaInformation, with or without the eight bytes. `order` is tried
/// first. Empty where there is no text; as clean as clean_text() makes it.
std::string coded_text(BytesView raw, Endian order);

/// The same for what should be UTF-16, without a name of its coding.
std::string unicode_text(BytesView raw, Endian order);

}  // namespace photogate::imaging
