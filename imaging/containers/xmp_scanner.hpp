// Internal: a few properties out of an XMP packet, in one pass over its tags.
//
// Not an XML parser: no DTD, no entity but the five predefined, namespaces as if all were declared at the top,
// nothing recursive. A packet that tries more simply says less. The time is linear in the packet.
#pragma once

#include "base/encoding.hpp"
#include "imaging/containers/metadata.hpp"
#include "imaging/containers/xmp_facts.hpp"

namespace photogate::imaging {

/// What is reported as it stands goes to `into`, what the facts are made of to `facts`. Looks at the first 256 KiB.
/// Nothing is read where the budget does not allow it.
void scan_xmp(BytesView packet, Metadata& into, XmpFacts& facts, WorkBudget& budget);

}  // namespace photogate::imaging
