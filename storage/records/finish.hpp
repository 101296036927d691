// What follows from a lease: shared by the worker's verdicts and the reaper.
#pragma once

#include "storage/records/database_state.hpp"

namespace photogate::storage::records {

/// A job whose lease is ours, locked, and the upload that it is about, locked after it.
struct Held {
    model::Lease lease;
    model::JobKind kind = model::JobKind::process;
    model::Subject subject;
    std::string slot;
    std::uint32_t attempt = 0;
    std::uint32_t crashes = 0;
    std::optional<Timestamp> waiting_since;  ///< postponed, and nothing spent
    model::Upload upload;                    ///< of a job about an upload
};

/// Errors: lease_lost.
Result<Held> hold(Transaction& transaction, const model::Lease& lease);
/// As hold(), for a process job whose upload is in processing at the job's generation.
Result<Held> hold_processing(Transaction& transaction, const model::Lease& lease);

/// A job makes the variants of a published upload that lack.
void queue_variants(Transaction& transaction, const model::Upload& upload);

/// t8, for a lease that ran out at its last attempt. False where it did not run out after all.
Result<bool> fail_lost_lease(DatabaseState& state, const model::Lease& lease);

}  // namespace photogate::storage::records
