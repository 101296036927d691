// Repeated requests: what an idempotency key was first used for is their answer.
//
// Where the first answer is of no use any more, because its URL has ended though the upload waits for its file, the grant is
// extended in the transaction that finds the repetition.
//
// Thread safety: one transaction, one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/database/transaction.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::storage::records {

/// A repeated request beside the upload that its key was first used for.
struct Replay {
    const NewUpload& asked;
    const model::Upload& first;
};

/// Whether the key comes with the request that it was first used for.
bool repeats(const IdempotencyKey& key, const std::string& first_request_sha256);
tl::unexpected<Error> key_reused();

/// Extends the grants of those that have ended while the upload waits for its file, to where one of now would end; these uploads, by
/// id.
std::map<std::string, model::Upload> renew_ended(database::Transaction& transaction,
                                                 const std::vector<Replay>& replays, Timestamp now);

Created as_replay(const model::Upload& first, const std::map<std::string, model::Upload>& renewed);

}  // namespace photogate::storage::records
