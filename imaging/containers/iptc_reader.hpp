// Internal: IPTC-IIM 4.2 datasets and the Photoshop resources around them into Metadata.
#pragma once

#include "base/encoding.hpp"
#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {

/// 8BIM resources, behind `Photoshop 3.0\0`; the one numbered 0x0404 holds the datasets.
/// Both end where the budget does.
void read_photoshop(BytesView resources, Metadata& into, WorkBudget& budget);

void read_iptc(BytesView datasets, Metadata& into, WorkBudget& budget);

}  // namespace photogate::imaging
