// Internal: a few properties out of an XMP packet, in one pass over its tags.
//
// Not an XML parser: no DTD, no entity but the five predefined, no namespaces but their customary prefixes,
// nothing recursive. A packet that tries more simply says less. The time is linear in the packet.
#pragma once

#include "base/encoding.hpp"
#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {

/// Looks at the first 256 KiB. Nothing is read where the budget does not allow it.
void scan_xmp(BytesView packet, Metadata& into, WorkBudget& budget);

}  // namespace photogate::imaging
