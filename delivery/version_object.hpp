// The object of a version: named after its bytes, put beside the published image.
//
// One that was put twice harms nobody, and one that no row refers to is collected as an orphan. Thread safety: any
// number of threads; blocking.
#pragma once

#include "base/result.hpp"
#include "base/words.hpp"
#include "imaging/picture.hpp"
#include "model/job.hpp"
#include "pipeline/stores.hpp"

namespace photogate::delivery {

/// Errors: the store_* and http_* codes.
Result<model::VersionAhead> put_version(const pipeline::Store& store, const PublicId& public_id,
                                        const std::string& spec_key, const imaging::Published& picture);

}  // namespace photogate::delivery
