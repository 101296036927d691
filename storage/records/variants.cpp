// Variants: looked up for many uploads at once, ordered, announced.
#include "storage/records/finish.hpp"
#include "storage/records/postgres.hpp"

namespace photogate::storage::records {

PostgresVariantStore::PostgresVariantStore(Database& database) : state_(database.state()) {}

Result<std::map<VersionName, model::PublishedImage>> PostgresVariantStore::find_all(
    const std::vector<VersionName>& names) {
    std::map<VersionName, model::PublishedImage> found;
    if (names.empty()) return found;
    SqlArray uploads, keys;
    for (const auto& name : names) {
        uploads.add(name.upload.str());
        keys.add(name.spec_key);
    }
    return read(state_.pool,
                [&](Transaction& transaction) -> Result<std::map<VersionName, model::PublishedImage>> {
                    found.clear();
                    const auto rows = transaction.run("find_versions", params(uploads, keys));
                    const Columns columns{rows};
                    for (const auto& row : rows)
                        found.emplace(VersionName{UploadId::trusted(columns.text(row, "upload_id")),
                                                  columns.text(row, "spec_key")},
                                      to_published_image(columns, row));
                    return found;
                });
}

Result<model::Upload> PostgresVariantStore::order(const std::optional<AppName>& app, const UploadId& id) {
    const auto of = app ? std::make_optional(app->str()) : std::nullopt;
    auto ordered = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<model::Upload> {
        auto uploads = to_uploads(transaction.run("lock_upload_of_app", params(id.str(), of)));
        if (uploads.empty()) return fail(ErrorCode::upload_not_found, "no upload has this id");
        auto& upload = uploads.front();
        if (upload.state != model::UploadState::published)
            return fail(ErrorCode::state_conflict, "only a published image has variants");
        queue_variants(transaction, upload);
        return std::move(upload);
    });
    if (ordered) state_.wakeups.signal(Work::jobs);
    return ordered;
}

Result<> PostgresVariantStore::announce(const model::Lease& lease,
                                        const std::vector<model::Variant>& variants, Made made) {
    auto announced = transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<> {
        auto held = hold(transaction, lease);
        // A job's number is never given again: gone after our own COMMIT means done.
        if (!held && earlier == Earlier::in_doubt) return {};
        if (!held) return fail(held.error());
        transaction.run("delete_job", params(lease.job, lease.token));
        auto& upload = held->upload;
        if (upload.state != model::UploadState::published) return {};
        const auto now = state_.clock.now();
        upload.variants = variants;
        OutboxRows outbox;
        constexpr auto type = model::CallbackType::variant_ready;
        if (const auto callback = compose(state_.composer, type, upload, now)) {
            outbox.add(*callback, type, upload);
            transaction.run("set_sequence", params(upload.id.str(), upload.sequence));
        }
        outbox.insert(transaction, now);
        TimelineRows timeline;
        timeline.add(upload.id, "variants", {{"made", std::to_string(variants.size())}});
        timeline.insert(transaction, now);
        if (!held->slot.empty())
            transaction.run("count_made_of_backfill",
                            params(held->slot, made == Made::all ? 1 : 0, made == Made::all ? 0 : 1));
        return {};
    });
    if (announced) state_.wakeups.signal(Work::callbacks);
    return announced;
}

}  // namespace photogate::storage::records
