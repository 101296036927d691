// Internal: the names of Exif 2.32 tags that are reported.
#pragma once

#include <cstdint>
#include <string_view>

namespace photogate::imaging {

enum class ExifDirectory { image, exif, gps, interop };

/// Empty where the tag has no name here.
std::string_view exif_tag_name(ExifDirectory directory, std::uint16_t tag);

}  // namespace photogate::imaging
