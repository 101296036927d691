// The variants of uploads that are answered: those of their profiles now, as far as they are made.
//
// Thread safety: any thread; waits for the database where a profile has variants.
#pragma once

#include <vector>

#include "gateway/routes/api.hpp"
#include "model/upload.hpp"

namespace photogate::gateway::routes {

/// Whether anything has to be looked up.
bool has_variants(const Api& api, const model::Upload& upload);
/// Fills Upload::variants of all of them, with one query. Errors: the database_* codes.
Result<> look_up_variants(const Api& api, std::vector<model::Upload>& uploads);
/// An error stays one.
Result<model::Upload> with_variants(const Api& api, Result<model::Upload> upload);

}  // namespace photogate::gateway::routes
