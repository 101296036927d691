// Inside the room: a TIFF structure's directories (Exif 2.32) into Metadata.
#pragma once

#include "base/encoding.hpp"
#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {

/// `tiff` starts at its byte order mark. Directories: IFD0, Exif, GPS; thumbnails (IFD1) and maker notes are
/// not read.
void read_exif(BytesView tiff, Metadata& into);

/// Adds to `raw` unless it is full or the value says nothing.
void add_raw(Metadata& into, RawEntry entry);

}  // namespace photogate::imaging
