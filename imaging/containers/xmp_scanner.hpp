// Inside the room: a few properties out of an XMP packet, by searching for them.
//
// Not an XML parser: no DTD, no entity but the five predefined, no namespaces but their customary prefixes,
// nothing recursive. A packet that tries more simply says less.
#pragma once

#include "base/encoding.hpp"
#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {

/// Looks at the first 256 KiB.
void scan_xmp(BytesView packet, Metadata& into);

}  // namespace photogate::imaging
