// Internal: raw files of cameras that are TIFF structures (ARW, CR2, DNG, NEF, PEF, SRW, 3FR, …), told apart from
// pictures that are TIFFs.
//
// Their first directory often describes a preview that any TIFF decoder shows: it must not pass for the photo.
// Thread safety: pure functions.
#pragma once

#include "base/encoding.hpp"

namespace photogate::imaging {

/// True where one of the first directories, or of those below them, holds what a sensor saw: a colour filter
/// array or linear raw by its photometric interpretation (TIFF/EP, DNG), a coding that raw files alone use, or
/// DNG's version; or where the first directory calls itself a reduced version of a picture that lies elsewhere.
/// False for what is no TIFF. Looks at 64 directories at most.
bool is_camera_raw(BytesView tiff);

}  // namespace photogate::imaging
