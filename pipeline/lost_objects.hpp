// Objects that were found by looking, into the records: what an event would have done.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/arrivals.hpp"

namespace photogate::pipeline {

/// Of a page of the incoming bucket, those whose upload still waits are received. Answers how many. Waits
/// for the records.
Result<std::size_t> take_in_lost(storage::records::Arrivals& arrivals, const Store& store,
                                 const std::vector<storage::objects::ListedObject>& page, const Clock& clock);

/// Tells the records of each of these, as the reconciler. Answers how many were received by it.
Result<std::size_t> observe_listed(storage::records::Arrivals& arrivals, const Store& store,
                                   const std::vector<storage::objects::ListedObject>& objects,
                                   const Clock& clock);

}  // namespace photogate::pipeline
