#include "storage/builtin/buckets.hpp"

#include "storage/builtin/state.hpp"

namespace photogate::storage::builtin {

Result<BucketMade> Buckets::create(const Bucket& bucket) {
    auto made = BucketMade::created;
    const auto outcome = state_.commit([&](Transaction& transaction) -> Result<> {
        Query there = transaction.index.query("bucket");
        if (there.text(bucket.str()).step()) {
            made = BucketMade::existed;
            return {};
        }
        transaction.index.query("add_bucket").text(bucket.str()).number(micros_of(state_.clock.now())).run();
        made = BucketMade::created;
        return {};
    });
    if (!outcome.result) return fail(outcome.result.error());
    return made;
}

Result<> Buckets::remove(const Bucket& bucket) {
    const auto outcome = state_.commit([&](Transaction& transaction) -> Result<> {
        const auto id = state_.bucket_id(transaction.index, bucket);
        Query used = transaction.index.query("bucket_used");
        if (used.number(id).step() && used.number_at(0) != 0)
            return fail(ErrorCode::store_bucket_not_empty, "the bucket is not empty");
        transaction.index.query("waste_parts_of_bucket").number(id).run();
        transaction.index.query("remove_parts_of_bucket").number(id).run();
        transaction.index.query("remove_uploads_of_bucket").number(id).run();
        transaction.index.query("remove_completions_of_bucket").number(id).run();
        transaction.index.query("remove_documents_of_bucket").number(id).run();
        transaction.made_garbage = true;
        transaction.index.query("remove_bucket").number(id).run();
        return {};
    });
    if (!outcome.result) return outcome.result;
    const std::lock_guard guard{state_.rules_mutex};
    state_.rules.erase(bucket);
    return {};
}

Result<std::vector<BucketInfo>> Buckets::list() {
    return guarded([&]() -> Result<std::vector<BucketInfo>> {
        auto index = state_.readers.take();
        std::vector<BucketInfo> found;
        Query query = index->query("buckets");
        while (query.step())
            found.push_back({Bucket::trusted(query.text_at(0)), timestamp_of(query.number_at(1))});
        return found;
    });
}

Result<> Buckets::check(const Bucket& bucket) {
    return guarded([&]() -> Result<> {
        auto index = state_.readers.take();
        state_.bucket_id(*index, bucket);
        return {};
    });
}

Result<> Buckets::set_notifications(const Bucket& bucket, const std::vector<NotificationRule>& rules) {
    const auto outcome = state_.commit([&](Transaction& transaction) -> Result<> {
        const auto id = state_.bucket_id(transaction.index, bucket);
        transaction.index.query("set_rules").number(id).blob(pack_rules(rules)).run();
        return {};
    });
    if (!outcome.result) return outcome.result;
    const std::lock_guard guard{state_.rules_mutex};
    if (rules.empty())
        state_.rules.erase(bucket);
    else
        state_.rules.insert_or_assign(bucket, rules);
    return {};
}

Result<std::vector<NotificationRule>> Buckets::notifications(const Bucket& bucket) {
    return guarded([&]() -> Result<std::vector<NotificationRule>> {
        auto index = state_.readers.take();
        const auto id = state_.bucket_id(*index, bucket);
        Query query = index->query("rules");
        if (!query.number(id).step()) return std::vector<NotificationRule>{};
        return unpack_rules(query.blob_at(0));
    });
}

Result<std::optional<std::string>> Buckets::document(const Bucket& bucket, std::string_view name) {
    return guarded([&]() -> Result<std::optional<std::string>> {
        auto index = state_.readers.take();
        const auto id = state_.bucket_id(*index, bucket);
        Query query = index->query("document");
        if (!query.number(id).text(name).step()) return std::nullopt;
        return query.optional_blob_at(0);
    });
}

Result<> Buckets::set_document(const Bucket& bucket, std::string_view name,
                               const std::optional<std::string>& document) {
    return state_
        .commit([&](Transaction& transaction) -> Result<> {
            const auto id = state_.bucket_id(transaction.index, bucket);
            if (document)
                transaction.index.query("set_document").number(id).text(name).blob(*document).run();
            else
                transaction.index.query("remove_document").number(id).text(name).run();
            return {};
        })
        .result;
}

Result<std::map<Bucket, std::string>> Buckets::documents(std::string_view name) {
    return guarded([&]() -> Result<std::map<Bucket, std::string>> {
        auto index = state_.readers.take();
        std::map<Bucket, std::string> found;
        Query query = index->query("documents");
        query.text(name);
        while (query.step())
            found.emplace(Bucket::trusted(query.text_at(0)), query.blob_at(1));
        return found;
    });
}

}  // namespace photogate::storage::builtin
