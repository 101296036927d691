// Internal: a TIFF structure's directories (Exif 2.32) into Metadata.
#pragma once

#include "base/encoding.hpp"
#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {

/// `tiff` starts at its byte order mark. Directories: IFD0, Exif, GPS; thumbnails (IFD1) and maker notes are
/// not read. Ends where the budget does.
void read_exif(BytesView tiff, Metadata& into, WorkBudget& budget);

/// Adds to `raw` unless it is full or the value says nothing.
void add_raw(Metadata& into, RawEntry entry);

}  // namespace photogate::imaging
