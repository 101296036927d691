#include "storage/builtin/objects.hpp"

#include "storage/builtin/stream_state.hpp"

namespace photogate::storage::builtin {

namespace {

/// Bounds the retries for an object that is replaced at each attempt, which does not happen in practice.
constexpr int kMostTries = 20;

/// Why the object is not the one to be removed; nullopt if it is.
std::optional<Error> mismatch(Connection& index, std::int64_t bucket, const Removal& removal) {
    const auto row = StoreState::row_in(index, bucket, removal.key);
    if (!row) return no_such_key();
    const StoredObject& object = row->object;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(object.last_modified);
    if ((removal.etag && *removal.etag != object.etag) || (removal.size && *removal.size != object.size) ||
        (removal.modified && *removal.modified != seconds))
        return Error{ErrorCode::store_precondition_failed, "the object is not the expected one"};
    return std::nullopt;
}

}  // namespace

Result<StoredObject> Objects::stat(const Bucket& bucket, const ObjectKey& key) {
    return guarded([&]() -> Result<StoredObject> {
        if (const auto open = state_.open_objects.find(bucket, key)) return open->row.object;
        auto row = state_.find_row(bucket, key);
        if (!row) return fail(row.error());
        return std::move(row->object);
    });
}

Result<FolderReader> Objects::read(const Bucket& bucket, const ObjectKey& key) {
    return guarded([&]() -> Result<FolderReader> {
        if (auto open = read_if_open(bucket, key)) return std::move(*open);
        for (int tries = 0; tries < kMostTries; ++tries) {
            const auto moment = state_.open_objects.moment();
            auto row = state_.find_row(bucket, key);
            if (!row) return fail(row.error());
            auto reader = FolderReader::State::of(state_, std::move(*row));
            if (!reader) return fail(reader.error());
            if (!*reader) continue;
            if ((*reader)->open->file) state_.open_objects.keep(bucket, key, (*reader)->open, moment);
            return FolderReader{std::move(*reader)};
        }
        return fail(ErrorCode::file_error, "an object's bytes are missing in the store's folder");
    });
}

std::optional<FolderReader> Objects::read_if_open(const Bucket& bucket, const ObjectKey& key) {
    auto open = state_.open_objects.find(bucket, key);
    if (!open) return std::nullopt;
    return FolderReader{std::make_unique<FolderReader::State>(state_, std::move(open))};
}

Result<> Objects::verify(const Bucket& bucket, const ObjectKey& key) {
    auto reader = read(bucket, key);
    if (!reader) return fail(reader.error());
    const StoredObject& object = reader->object();
    std::optional<ChecksumStream> whole;
    if (object.checksum && object.checksum->type == ChecksumType::full_object)
        whole.emplace(object.checksum->algorithm);
    Bytes piece(1U << 20);
    std::uint64_t offset = 0;
    // A multipart object's MD5s are its parts'.
    for (const Segment& segment : reader->state_->open->segments) {
        signer::Md5Stream md5;
        while (offset < segment.start + segment.size) {
            const auto wanted = std::min<std::uint64_t>(piece.size(), segment.start + segment.size - offset);
            const auto got = reader->read(offset, std::span{piece}.first(wanted));
            if (!got) return fail(got.error());
            const BytesView bytes{piece.data(), *got};
            md5.update(bytes);
            if (whole) whole->update(bytes);
            offset += *got;
        }
        if (hex_lower(md5.finish()) != segment.md5)
            return fail(ErrorCode::store_checksum_mismatch, "the object's bytes on the disk have changed");
    }
    if (whole && whole->finish() != object.checksum->value)
        return fail(ErrorCode::store_checksum_mismatch, "the object's bytes on the disk have changed");
    return {};
}

Result<FolderWriter> Objects::write(const Bucket& bucket, const ObjectKey& key, WriteOptions options) {
    return guarded([&]() -> Result<FolderWriter> {
        if (auto good = check_key(key); !good) return fail(good.error());
        {
            auto index = state_.readers.take();
            state_.bucket_id(*index, bucket);
        }
        if (auto fits = state_.check_size(bucket, options.announced.value_or(0)); !fits)
            return fail(fits.error());
        auto writer = std::make_unique<FolderWriter::State>(state_, bucket, key, std::move(options));
        if (auto begun = writer->begin(); !begun) return fail(begun.error());
        return FolderWriter{std::move(writer)};
    });
}

Result<> Objects::set_tags(const Bucket& bucket, const ObjectKey& key, const Tags& tags) {
    return state_
        .commit([&](Transaction& transaction) -> Result<> {
            const auto in = state_.bucket_id(transaction.index, bucket);
            auto row = state_.row_in(transaction.index, in, key);
            if (!row) return fail(no_such_key());
            state_.open_objects.withdraw(row->content);
            row->object.headers.tags = tags;
            transaction.index.query("set_headers")
                .number(in)
                .blob(key.str())
                .blob(pack_headers(row->object.headers))
                .run();
            return {};
        })
        .result;
}

Result<> Objects::remove(const Bucket& bucket, const std::vector<ObjectKey>& keys) {
    return state_
        .commit_removal([&](Transaction& transaction) -> Result<> {
            const auto in = state_.bucket_id(transaction.index, bucket);
            for (const ObjectKey& key : keys) {
                // Without a condition it can't fail a precondition.
                if (auto held = state_.discard_current(transaction, in, key, {}); !held) return held;
                transaction.index.query("remove_object").number(in).blob(key.str()).run();
            }
            return {};
        })
        .result;
}

Result<std::vector<std::optional<Error>>> Objects::remove_matching(const Bucket& bucket,
                                                                   const std::vector<Removal>& removals) {
    std::vector<std::optional<Error>> refusals;
    const auto outcome = state_.commit_removal([&](Transaction& transaction) -> Result<> {
        refusals.assign(removals.size(), std::nullopt);
        const auto in = state_.bucket_id(transaction.index, bucket);
        for (std::size_t i = 0; i < removals.size(); ++i) {
            if (removals[i].is_conditional()) refusals[i] = mismatch(transaction.index, in, removals[i]);
            if (refusals[i]) continue;
            // Without a condition it can't fail a precondition.
            if (auto held = state_.discard_current(transaction, in, removals[i].key, {}); !held) return held;
            transaction.index.query("remove_object").number(in).blob(removals[i].key.str()).run();
        }
        return {};
    });
    if (!outcome.result) return fail(outcome.result.error());
    return refusals;
}

Result<> Objects::remove_if(const Bucket& bucket, const ObjectKey& key, const ETag& etag) {
    return state_
        .commit_removal([&](Transaction& transaction) -> Result<> {
            const auto in = state_.bucket_id(transaction.index, bucket);
            if (auto held = state_.discard_current(transaction, in, key, {.if_match = etag}); !held)
                return held;
            transaction.index.query("remove_object").number(in).blob(key.str()).run();
            return {};
        })
        .result;
}

}  // namespace photogate::storage::builtin
