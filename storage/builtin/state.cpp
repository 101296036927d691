#include "storage/builtin/state.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.hpp"

namespace photogate::storage::builtin {

namespace {

constexpr std::size_t kKeptConnections = 8;

bool matches(const NotificationRule& rule, const ObjectKey& key, std::string_view event) {
    return key.str().starts_with(rule.prefix) &&
           std::any_of(rule.events.begin(), rule.events.end(), [&](std::string_view wanted) {
               if (wanted.ends_with('*')) return event.starts_with(wanted.substr(0, wanted.size() - 1));
               return event == wanted;
           });
}

}  // namespace

ReadPool::Lease ReadPool::take() {
    {
        const std::lock_guard lock{mutex_};
        if (!idle_.empty()) {
            auto connection = std::move(idle_.back());
            idle_.pop_back();
            return {*this, std::move(connection)};
        }
    }
    return {*this, std::make_unique<Connection>(file_, Connection::Use::read)};
}

void ReadPool::give(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock{mutex_};
    if (idle_.size() < kKeptConnections) idle_.push_back(std::move(connection));
}

Snapshot::~Snapshot() {
    try {
        if (index_.in_transaction()) index_.run("rollback");
    } catch (const StoreFailure& failure) {
        log::error("store.rollback_failed", {{"error", failure.error.detail}});
    }
}

Result<> check_key(const ObjectKey& key) {
    if (key.empty() || key.str().size() > 1024)
        return fail(ErrorCode::invalid_field,
                    fmt::format("an object key has 1 to 1024 bytes, this one {}", key.str().size()));
    return {};
}

Error no_such_key() {
    return {ErrorCode::store_no_such_key, "there is no object of this key"};
}

Error no_such_upload() {
    return {ErrorCode::store_no_such_upload, "there is no multipart upload of this id and key"};
}

std::int64_t StoreState::bucket_id(Connection& connection, const Bucket& bucket) {
    Query query = connection.query("bucket");
    if (!query.text(bucket.str()).step())
        throw StoreFailure{
            {ErrorCode::store_no_such_bucket, fmt::format("there is no bucket {}", bucket.str())}};
    return query.number_at(0);
}

Result<ObjectRow> StoreState::find_row(const Bucket& bucket, const ObjectKey& key) {
    auto reader = readers.take();
    {
        Query row = reader->query("object_by_name");
        if (row.text(bucket.str()).blob(key.str()).step()) return object_row(row);
    }
    bucket_id(*reader, bucket);
    return fail(no_such_key());
}

std::optional<ObjectRow> StoreState::row_in(Connection& index, std::int64_t bucket, const ObjectKey& key) {
    Query query = index.query("object");
    if (!query.number(bucket).blob(key.str()).step()) return std::nullopt;
    return object_row(query);
}

Result<> StoreState::check_size(const Bucket& bucket, ByteSize size) const {
    const auto limit = options.largest.find(bucket);
    if (limit == options.largest.end() || size <= limit->second) return {};
    return fail(
        ErrorCode::body_too_large,
        fmt::format("your proposed upload exceeds the maximum allowed object size: the bucket {} takes "
                    "objects of at most {} bytes",
                    bucket.str(), limit->second));
}

namespace {

/// A missing bucket refuses this change without failing the group.
std::function<Result<>(Transaction&)> refusing(std::function<Result<>(Transaction&)> apply) {
    return [apply = std::move(apply)](Transaction& transaction) -> Result<> {
        try {
            return apply(transaction);
        } catch (const StoreFailure& failure) {
            if (failure.error.code == ErrorCode::store_no_such_bucket) return fail(failure.error);
            throw;
        }
    };
}

}  // namespace

FolderCommitter::Outcome StoreState::commit(std::function<Result<>(Transaction&)> apply,
                                            std::set<std::filesystem::path> folders) {
    auto outcome = committer->commit({refusing(std::move(apply)), std::move(folders)});
    if (outcome.landed == FolderCommitter::Landed::unknown) in_doubt = true;
    return outcome;
}

FolderCommitter::Outcome StoreState::commit_removal(std::function<Result<>(Transaction&)> apply) {
    auto outcome = committer->commit({refusing(std::move(apply)), {}, FolderCommitter::Change::Space::frees});
    if (outcome.landed == FolderCommitter::Landed::unknown) in_doubt = true;
    return outcome;
}

Result<> StoreState::discard_current(Transaction& transaction, std::int64_t bucket, const ObjectKey& key,
                                     const WriteCondition& condition) {
    Query current = transaction.index.query("state");
    const bool there = current.number(bucket).blob(key.str()).step();
    if (there && condition.only_if_absent)
        return fail(ErrorCode::store_precondition_failed, "there is an object of this key already");
    if (condition.if_match) {
        if (!there) return fail(no_such_key());
        if (current.text_at(0) != condition.if_match->str())
            return fail(ErrorCode::store_precondition_failed, "the object is not the expected one");
    }
    if (there) {
        open_objects.withdraw(current.count_at(1));
        waste_content(transaction, current.count_at(1), static_cast<std::uint32_t>(current.number_at(2)));
    }
    return {};
}

void StoreState::waste_content(Transaction& transaction, std::uint64_t content, std::uint32_t part_count) {
    if (part_count == 0) return transaction.waste(content, content);
    transaction.index.query("waste_segments").number(content).run();
    transaction.index.query("remove_segments").number(content).run();
    transaction.made_garbage = true;
}

void StoreState::discard(std::uint64_t body) {
    if (auto removed = files.remove(bodies->path_of(body)); !removed)
        log::warn("store.discard_failed", {{"error", removed.error().detail}});
    const std::lock_guard guard{discarded_mutex};
    discarded_folders.insert(bodies->folder_of(body));
}

void StoreState::sync_discarded() {
    std::set<std::filesystem::path> folders;
    {
        const std::lock_guard guard{discarded_mutex};
        folders.swap(discarded_folders);
    }
    for (const auto& folder : folders) {
        if (std::error_code gone; !std::filesystem::exists(folder, gone)) continue;
        if (auto synced = files.sync_folder(folder); !synced) throw StoreFailure{synced.error()};
    }
}

void StoreState::put_row(Transaction& transaction, std::int64_t bucket, const ObjectKey& key,
                         const ObjectRow& row) {
    const StoredObject& object = row.object;
    transaction.index.query("put_object")
        .number(bucket)
        .blob(key.str())
        .text(object.etag.str())
        .number(object.size)
        .number(micros_of(object.last_modified))
        .number(object.sequence)
        .number(row.content)
        .number(std::int64_t{object.part_count})
        .optional_blob(pack_checksum(object.checksum))
        .blob(pack_headers(object.headers))
        .run();
}

void StoreState::announce(const Bucket& bucket, const ObjectKey& key, const StoredObject& object,
                          Creation creation) {
    if (!options.on_created) return;
    const auto event = event_name(creation);
    {
        const std::lock_guard guard{rules_mutex};
        const auto found = rules.find(bucket);
        if (found != rules.end() &&
            std::none_of(found->second.begin(), found->second.end(),
                         [&](const NotificationRule& rule) { return matches(rule, key, event); }))
            return;
    }
    try {
        options.on_created({bucket, key, object.etag, object.size, object.last_modified, std::string{event},
                            fmt::format("{:016x}", object.sequence), object.headers.metadata});
    } catch (const std::exception& error) {
        log::error("store.listener_threw", {{"error", error.what()}});
    }
}

Result<> StoreState::load_rules() {
    const std::lock_guard guard{rules_mutex};
    rules.clear();
    Query query = index->query("all_rules");
    while (query.step()) {
        auto found = unpack_rules(query.blob_at(1));
        if (!found.empty()) rules.emplace(Bucket::trusted(query.text_at(0)), std::move(found));
    }
    return {};
}

}  // namespace photogate::storage::builtin
