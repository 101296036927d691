// The callback that tells a package's app how it ended: ready, or failed.
//
// Thread safety: within a transaction, so one thread.
#pragma once

#include "model/package.hpp"
#include "storage/database/transaction.hpp"
#include "storage/records/database_state.hpp"

namespace photogate::storage::packages {

/// Writes it in the transaction of the change, or of the job that a deletion has left: once for each package, and nothing for one that
/// is neither ready nor failed. Throws what libpqxx throws.
void tell_outcome(records::DatabaseState& state, database::Transaction& transaction, const PackageId& id);

}  // namespace photogate::storage::packages
