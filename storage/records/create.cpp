// t1: uploads come into being, many in one transaction.
#include <array>
#include <map>
#include <set>
#include <vector>

#include "base/failpoint.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/postgres.hpp"
#include "storage/records/records_wire.hpp"
#include "storage/records/replays.hpp"
#include "storage/records/token_ledger.hpp"

namespace photogate::storage::records {
namespace {

using database::CopyRows;

using CommittedUploads = Result<std::vector<Result<Created>>>;

constexpr std::array<const char*, 23> kColumns = {
    "id",         "public_id",     "app",          "profile",       "method",        "region",
    "bucket",     "key",           "filename",     "declared_type", "declared_size", "declared_sha256",
    "metadata",   "client_fields", "callback_url", "request_id",    "created_at",    "expires_at",
    "updated_at", "client_token",  "part_size",    "traceparent",   "tracestate"};

/// As kColumns has them.
void add_row(CopyRows<kColumns.size()>& rows, const model::Upload& upload) {
    SqlArray fields;
    for (const auto& field : upload.client_fields)
        fields.add(field);
    const auto created_at = database::sql_timestamp(upload.created_at);
    rows.add(upload.id.str(), upload.public_id.str(), upload.app.str(), upload.profile.str(),
             to_string(upload.method), upload.region, upload.bucket.str(), upload.key.str(), upload.filename,
             upload.declared_type, upload.declared_size, upload.declared_sha256,
             to_json_text(upload.metadata), fields, upload.callback_url, upload.request_id, created_at,
             upload.expires_at, created_at, upload.client_token, upload.part_size, upload.traceparent,
             upload.tracestate);
}

using KeyOfApp = std::pair<std::string, std::string>;

KeyOfApp key_of(const NewUpload& item) {
    return {item.upload.app.str(), item.idempotency->key};
}

model::Upload as_stored(model::Upload upload) {
    upload.state = model::UploadState::created;
    upload.updated_at = upload.created_at;
    return upload;
}

struct FirstUse {
    std::string request_sha256;
    model::Upload upload;
};

/// Ids of those whose idempotency key is theirs now: it was free, or its retention is over.
std::set<std::string> claim_keys(Transaction& transaction, const std::vector<const NewUpload*>& items,
                                 Timestamp now) {
    SqlArray apps, keys, requests, ids;
    for (const auto* item : items) {
        apps.add(item->upload.app.str());
        keys.add(item->idempotency->key);
        requests.add(item->idempotency->request_sha256);
        ids.add(item->upload.id.str());
    }
    std::set<std::string> claimed;
    for (const auto& row : transaction.run("claim_idempotency_keys", params(apps, keys, requests, ids, now)))
        claimed.insert(row[0].as<std::string>());
    return claimed;
}

std::map<KeyOfApp, FirstUse> first_uses(Transaction& transaction, const std::set<KeyOfApp>& keys,
                                        Timestamp now) {
    SqlArray apps, names;
    for (const auto& [app, name] : keys) {
        apps.add(app);
        names.add(name);
    }
    const auto rows = transaction.run("idempotent_uploads", params(apps, names, now));
    const Columns columns{rows};
    std::map<KeyOfApp, FirstUse> uses;
    for (const auto& row : rows) {
        FirstUse use{columns.text(row, "request_sha256"), to_upload(columns, row)};
        uses.emplace(KeyOfApp{use.upload.app.str(), columns.text(row, "idempotency_key")}, std::move(use));
    }
    return uses;
}

/// A group whose COMMIT was in doubt, or whose row is there already: what is stored under these very ids is
/// ours.
std::set<std::string> ids_there(Transaction& transaction, std::span<const NewUpload> items) {
    SqlArray ids;
    std::map<UploadId, PublicId> ours;
    for (const auto& item : items) {
        ids.add(item.upload.id.str());
        ours.emplace(item.upload.id, item.upload.public_id);
    }
    std::set<std::string> there;
    for (const auto& upload : to_uploads(transaction.run("existing_uploads", params(ids)))) {
        if (ours.at(upload.id) == upload.public_id) there.insert(upload.id.str());
    }
    return there;
}

/// Of those that a replay is looked for first: its answer depends on no token and on nothing published since.
std::set<KeyOfApp> keys_to_look_up(const TokenLedger& ledger, std::span<const NewUpload> items) {
    std::set<KeyOfApp> keys;
    for (const auto& item : items) {
        if (item.idempotency && (ledger.holds(item) || item.unless_published)) keys.insert(key_of(item));
    }
    return keys;
}

/// By the ids of the uploads that ask: what their app has published already of the same bytes.
using Duplicates = std::map<std::string, model::Upload>;

Duplicates find_duplicates(Transaction& transaction, const std::vector<const NewUpload*>& items) {
    SqlArray apps, profiles, digests, ids;
    bool any = false;
    for (const auto* item : items) {
        if (!item->unless_published) continue;
        any = true;
        apps.add(item->upload.app.str());
        profiles.add(item->upload.profile.str());
        digests.add(*item->unless_published);
        ids.add(item->upload.id.str());
    }
    Duplicates found;
    if (!any) return found;
    const auto rows = transaction.run("published_with_bytes", params(apps, profiles, digests, ids));
    const Columns columns{rows};
    for (const auto& row : rows)
        found.emplace(columns.text(row, "asked_by"), to_upload(columns, row));
    return found;
}

tl::unexpected<Error> token_exhausted() {
    return fail(ErrorCode::token_exhausted, "this client token permits no more; ask your app for another");
}

template <class Map>
const typename Map::mapped_type* find(const Map& map, const typename Map::key_type& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
}

/// Multipart uploads have a row beside, before the store knows of them.
void await_parts(Transaction& transaction, const std::vector<const NewUpload*>& items) {
    SqlArray ids, times;
    bool any = false;
    for (const auto* item : items) {
        if (item->upload.method != model::GrantMethod::multipart) continue;
        any = true;
        ids.add(item->upload.id.str());
        times.add(database::sql_timestamp(item->upload.expires_at));
    }
    if (any) transaction.run("await_parts", params(ids, times));
}

/// Whether each of the items was written now.
std::vector<bool> write_rows(Transaction& transaction, std::span<const NewUpload> items,
                             const std::vector<const NewUpload*>& new_ones) {
    std::vector<bool> written(items.size(), false);
    CopyRows<kColumns.size()> rows;
    for (const auto* item : new_ones) {
        add_row(rows, item->upload);
        written[static_cast<std::size_t>(item - items.data())] = true;
    }
    transaction.copy("uploads", kColumns, rows);
    await_parts(transaction, new_ones);
    return written;
}

/// The outcomes of those that were created lack the upload: the items may be needed for another attempt.
CommittedUploads write_group(Transaction& transaction, Earlier earlier, std::span<const NewUpload> items,
                             Timestamp now) {
    std::set<std::string> stored;
    if (earlier == Earlier::in_doubt) stored = ids_there(transaction, items);

    TokenLedger ledger{transaction, items, stored};
    std::map<KeyOfApp, FirstUse> uses;
    if (const auto asked = keys_to_look_up(ledger, items); !asked.empty())
        uses = first_uses(transaction, asked, now);
    const auto is_replay = [&](const NewUpload& item) {
        return item.idempotency && uses.contains(key_of(item));
    };
    std::vector<const NewUpload*> not_stored;
    not_stored.reserve(items.size());
    for (const auto& item : items) {
        if (!stored.contains(item.upload.id.str()) && !is_replay(item)) not_stored.push_back(&item);
    }
    const auto duplicates = find_duplicates(transaction, not_stored);

    std::vector<const NewUpload*> new_ones, with_key;
    std::set<KeyOfApp> keys;
    std::map<KeyOfApp, const NewUpload*> first_here;
    for (const auto* item : not_stored) {
        if (duplicates.contains(item->upload.id.str())) continue;
        // The same key twice in one group: the first is written, the second finds it.
        if (item->idempotency && !first_here.emplace(key_of(*item), item).second) continue;
        if (!ledger.admit(*item)) continue;
        (item->idempotency ? with_key : new_ones).push_back(item);
    }
    if (!with_key.empty()) {
        const auto claimed = claim_keys(transaction, with_key, now);
        std::erase_if(with_key, [&](const auto* item) { return !claimed.contains(item->upload.id.str()); });
        new_ones.insert(new_ones.end(), with_key.begin(), with_key.end());
    }
    const auto written = write_rows(transaction, items, new_ones);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto& item = items[i];
        if (written[i]) {
            ledger.count(item);
        } else if (stored.contains(item.upload.id.str()) || duplicates.contains(item.upload.id.str())) {
            continue;
        } else if (item.idempotency && !uses.contains(key_of(item))) {
            keys.insert(key_of(item));
        }
    }
    ledger.settle(transaction);
    if (!keys.empty()) uses.merge(first_uses(transaction, keys, now));
    std::vector<Replay> replays;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto* use = !written[i] && items[i].idempotency ? find(uses, key_of(items[i])) : nullptr;
        if (use && repeats(*items[i].idempotency, use->request_sha256))
            replays.push_back({items[i], use->upload});
    }
    const auto renewed = renew_ended(transaction, replays, now);

    std::vector<Result<Created>> outcomes;
    outcomes.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto& item = items[i];
        if (written[i] || stored.contains(item.upload.id.str())) {
            outcomes.emplace_back(Created{Created::How::created, {}});
        } else if (const auto* duplicate = find(duplicates, item.upload.id.str())) {
            outcomes.emplace_back(Created{Created::How::deduplicated, *duplicate});
        } else if (const auto* use = item.idempotency ? find(uses, key_of(item)) : nullptr) {
            outcomes.push_back(repeats(*item.idempotency, use->request_sha256)
                                   ? Result<Created>{as_replay(use->upload, renewed)}
                                   : Result<Created>{key_reused()});
        } else if (ledger.refused(item)) {
            outcomes.emplace_back(token_exhausted());
        } else {
            // Its retention ended between the two statements: as good as never used.
            outcomes.emplace_back(
                fail(ErrorCode::database_conflict, "the idempotency key expired just now; try again"));
        }
    }
    return outcomes;
}

/// Nothing but its row is written, and nothing is asked before.
bool is_row_alone(const NewUpload& item) {
    return !item.idempotency && !item.token && !item.unless_published &&
           item.upload.method != model::GrantMethod::multipart;
}

/// While one group's rows are flushed, another's are written.
constexpr std::size_t kLanes = 2;

CommittedUploads commit_creates(DatabaseState& state, std::span<NewUpload> items) {
    const auto write = [&](Transaction& transaction, Earlier earlier) {
        return write_group(transaction, earlier, items, state.clock.now());
    };
    auto outcomes = std::all_of(items.begin(), items.end(), is_row_alone) ? write_by_copy(state.pool, write)
                                                                          : transact(state.pool, write);
    const bool alone_and_refused =
        !outcomes && items.size() == 1 && outcomes.error().code == ErrorCode::database_constraint;
    if (outcomes) {
        failpoint::pass(failpoint::Point::after_create_commit);
        for (std::size_t i = 0; i < items.size(); ++i) {
            auto& outcome = (*outcomes)[i];
            if (outcome && outcome->how == Created::How::created)
                outcome->upload = as_stored(std::move(items[i].upload));
        }
    }
    if (!alone_and_refused) return outcomes;
    // An earlier COMMIT, given up as lost, may have come through late.
    const auto there = read(state.pool, [&](Transaction& transaction) -> Result<std::set<std::string>> {
        return ids_there(transaction, items);
    });
    if (!there || there->empty()) return outcomes;
    return std::vector<Result<Created>>{Created{Created::How::created, as_stored(items[0].upload)}};
}

/// What the batch's key was first used for: ids by place, empty where an item was refused.
struct FirstBatch {
    std::string request_sha256;
    std::vector<std::string> ids;
};

std::optional<FirstBatch> first_batch(Transaction& transaction, const NewBatch& batch, Timestamp now) {
    const auto rows = transaction.run("batch_of_key", params(batch.app.str(), batch.idempotency->key, now));
    if (rows.empty()) return std::nullopt;
    const Columns columns{rows};
    FirstBatch first{columns.text(rows[0], "request_sha256"), {}};
    if (const auto ids = columns.maybe_text(rows[0], "batch")) first.ids = database::parse_text_array(*ids);
    return first;
}

Result<std::vector<Result<Created>>> replay_batch(Transaction& transaction, const NewBatch& batch,
                                                  const FirstBatch& first, Timestamp now) {
    if (!repeats(*batch.idempotency, first.request_sha256)) return key_reused();
    SqlArray ids;
    std::vector<const NewUpload*> refused_first;
    for (std::size_t i = 0; i < batch.uploads.size(); ++i) {
        const bool made = batch.places[i] < first.ids.size() && !first.ids[batch.places[i]].empty();
        if (!made) {
            refused_first.push_back(&batch.uploads[i]);
        } else {
            ids.add(first.ids[batch.places[i]]);
        }
    }
    std::map<std::string, model::Upload> there;
    for (auto& upload : to_uploads(transaction.run("existing_uploads", params(ids))))
        there.emplace(upload.id.str(), std::move(upload));
    const auto duplicates = find_duplicates(transaction, refused_first);
    const auto made_first = [&](std::size_t i) {
        return batch.places[i] < first.ids.size() ? find(there, first.ids[batch.places[i]]) : nullptr;
    };
    std::vector<Replay> replays;
    for (std::size_t i = 0; i < batch.uploads.size(); ++i)
        if (const auto* made = made_first(i)) replays.push_back({batch.uploads[i], *made});
    const auto renewed = renew_ended(transaction, replays, now);
    std::vector<Result<Created>> outcomes;
    outcomes.reserve(batch.uploads.size());
    for (std::size_t i = 0; i < batch.uploads.size(); ++i) {
        if (const auto* made = made_first(i)) {
            outcomes.emplace_back(as_replay(*made, renewed));
        } else if (const auto* duplicate = find(duplicates, batch.uploads[i].upload.id.str())) {
            outcomes.emplace_back(Created{Created::How::deduplicated, *duplicate});
        } else if (batch.uploads[i].token) {
            outcomes.emplace_back(token_exhausted());
        } else {
            outcomes.emplace_back(fail(ErrorCode::idempotency_key_reused,
                                       "this item was refused when the batch's idempotency key was first "
                                       "used; send it with another key"));
        }
    }
    return outcomes;
}

/// False: another call has the key since.
bool claim_batch(Transaction& transaction, const NewBatch& batch, const std::vector<const NewUpload*>& made,
                 Timestamp now) {
    std::set<const NewUpload*> is_made{made.begin(), made.end()};
    SqlArray ids;
    std::size_t place = 0;
    for (std::size_t i = 0; i < batch.uploads.size(); ++i, ++place) {
        for (; place < batch.places[i]; ++place)
            ids.add("");
        ids.add(is_made.contains(&batch.uploads[i]) ? batch.uploads[i].upload.id.str() : std::string{});
    }
    return !transaction
                .run("claim_batch_key",
                     params(batch.app.str(), batch.idempotency->key, batch.idempotency->request_sha256, ids,
                            now, made.front()->upload.id.str()))
                .empty();
}

Result<std::vector<Result<Created>>> write_batch(Transaction& transaction, Earlier earlier,
                                                 const NewBatch& batch, Timestamp now) {
    std::set<std::string> stored;
    if (earlier == Earlier::in_doubt) stored = ids_there(transaction, batch.uploads);
    if (stored.empty() && batch.idempotency) {
        if (const auto first = first_batch(transaction, batch, now))
            return replay_batch(transaction, batch, *first, now);
    }
    std::vector<const NewUpload*> not_stored;
    for (const auto& item : batch.uploads) {
        if (!stored.contains(item.upload.id.str())) not_stored.push_back(&item);
    }
    const auto duplicates = find_duplicates(transaction, not_stored);
    std::vector<bool> written(batch.uploads.size(), false);
    // It was committed whole: what is not there was refused.
    if (stored.empty()) {
        TokenLedger ledger{transaction, batch.uploads, stored};
        std::vector<const NewUpload*> new_ones;
        for (const auto* item : not_stored) {
            if (!duplicates.contains(item->upload.id.str()) && ledger.admit(*item)) new_ones.push_back(item);
        }
        if (batch.idempotency && !new_ones.empty() && !claim_batch(transaction, batch, new_ones, now)) {
            // Read committed: what the other call committed is seen from here on.
            if (const auto first = first_batch(transaction, batch, now))
                return replay_batch(transaction, batch, *first, now);
            return fail(ErrorCode::database_conflict, "the idempotency key expired just now; try again");
        }
        written = write_rows(transaction, batch.uploads, new_ones);
        for (const auto* item : new_ones)
            ledger.count(*item);
        ledger.settle(transaction);
    }
    std::vector<Result<Created>> outcomes;
    outcomes.reserve(batch.uploads.size());
    for (std::size_t i = 0; i < batch.uploads.size(); ++i) {
        const auto& item = batch.uploads[i];
        if (written[i] || stored.contains(item.upload.id.str())) {
            outcomes.emplace_back(Created{Created::How::created, as_stored(item.upload)});
        } else if (const auto* duplicate = find(duplicates, item.upload.id.str())) {
            outcomes.emplace_back(Created{Created::How::deduplicated, *duplicate});
        } else {
            outcomes.emplace_back(token_exhausted());
        }
    }
    return outcomes;
}

}  // namespace

struct PostgresUploadStore::Creates {
    explicit Creates(DatabaseState& state)
        : committer(state.group_options(kLanes),
                    [&state](std::span<NewUpload> items) { return commit_creates(state, items); }) {}
    GroupCommitter<NewUpload, Created> committer;
};

PostgresUploadStore::PostgresUploadStore(Database& database)
    : state_(database.state()), creates_(std::make_unique<Creates>(state_)) {}

PostgresUploadStore::~PostgresUploadStore() = default;

void PostgresUploadStore::create(NewUpload upload, std::function<void(Result<Created>)> done) {
    creates_->committer.submit(std::move(upload), std::move(done));
}

Result<std::vector<Result<Created>>> PostgresUploadStore::create_batch(const NewBatch& batch) {
    auto outcomes = transact(state_.pool, [&](Transaction& transaction, Earlier earlier) {
        return write_batch(transaction, earlier, batch, state_.clock.now());
    });
    if (outcomes) failpoint::pass(failpoint::Point::after_create_commit);
    return outcomes;
}

Result<model::Upload> PostgresUploadStore::extend_grant(const AppName& app, const UploadId& id,
                                                        Timestamp expires_at) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<model::Upload> {
        auto moved = to_uploads(
            transaction.run("extend_grant", params(id.str(), app.str(), expires_at, state_.clock.now())));
        if (!moved.empty()) return std::move(moved.front());
        if (transaction.run("find_upload", params(id.str(), app.str())).empty())
            return fail(ErrorCode::upload_not_found, "no upload has this id");
        return fail(ErrorCode::state_conflict,
                    "the upload has its object, or is over: there is nothing to sign");
    });
}

}  // namespace photogate::storage::records
