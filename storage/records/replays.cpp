#include "storage/records/replays.hpp"

#include "storage/records/rows.hpp"

namespace photogate::storage::records {

using database::params;
using database::SqlArray;
using database::Transaction;

bool repeats(const IdempotencyKey& key, const std::string& first_request_sha256) {
    return key.request_sha256 == first_request_sha256;
}

tl::unexpected<Error> key_reused() {
    return fail(ErrorCode::idempotency_key_reused, "this idempotency key was used for another request");
}

std::map<std::string, model::Upload> renew_ended(Transaction& transaction, const std::vector<Replay>& replays,
                                                 Timestamp now) {
    SqlArray ids, ends;
    bool any = false;
    for (const auto& [asked, first] : replays) {
        const bool waits =
            first.state == model::UploadState::created || first.state == model::UploadState::expired;
        if (!waits || first.expires_at > now || asked.upload.expires_at <= now) continue;
        any = true;
        ids.add(first.id.str());
        ends.add(database::sql_timestamp(asked.upload.expires_at));
    }
    std::map<std::string, model::Upload> renewed;
    if (!any) return renewed;
    for (auto& upload : to_uploads(transaction.run("renew_grants", params(ids, ends, now))))
        renewed.emplace(upload.id.str(), std::move(upload));
    return renewed;
}

Created as_replay(const model::Upload& first, const std::map<std::string, model::Upload>& renewed) {
    const auto again = renewed.find(first.id.str());
    return {Created::How::replayed, again == renewed.end() ? first : again->second};
}

}  // namespace photogate::storage::records
