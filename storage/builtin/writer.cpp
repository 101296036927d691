#include <fcntl.h>

#include "storage/builtin/stream_state.hpp"

namespace photogate::storage::builtin {

namespace {

/// A long body is written back while it arrives, so that the final sync is short and little memory is dirty.
constexpr ByteSize kWritebackStep = 1U << 20;

/// The same bytes with the same headers.
bool is_repeat(const StoredObject& made, const StoredObject& there) {
    return made.etag == there.etag && made.size == there.size && made.headers == there.headers;
}

}  // namespace

std::string_view to_string(StorageClass storage_class) {
    switch (storage_class) {
        case StorageClass::standard:
            return "STANDARD";
        case StorageClass::reduced_redundancy:
            return "REDUCED_REDUNDANCY";
    }
    return "";
}

std::string_view event_name(Creation creation) {
    switch (creation) {
        case Creation::put:
            return "s3:ObjectCreated:Put";
        case Creation::post:
            return "s3:ObjectCreated:Post";
        case Creation::copy:
            return "s3:ObjectCreated:Copy";
        case Creation::complete_multipart:
            return "s3:ObjectCreated:CompleteMultipartUpload";
    }
    return "";
}

FolderWriter::State::~State() {
    if (kept || !file) return;
    file.reset();
    store.discard(body);
}

Result<> FolderWriter::State::begin() {
    for (const auto algorithm : options.digests)
        if (!options.keep || *options.keep != algorithm) streams.emplace_back(algorithm);
    if (options.keep) streams.emplace_back(*options.keep);
    auto number = store.bodies->next();
    if (!number) return fail(number.error());
    body = *number;
    auto created = store.files.create(path());
    if (!created) return fail(created.error());
    file = std::move(*created);
    return {};
}

void FolderWriter::State::end_appending() {
    if (md5_value) return;
    md5_value = md5.finish();
    for (auto& stream : streams)
        values.push_back({stream.algorithm(), stream.finish(), ChecksumType::full_object});
}

const std::string* FolderWriter::State::value_of(ChecksumAlgorithm algorithm) const {
    for (const auto& value : values)
        if (value.algorithm == algorithm) return &value.value;
    return nullptr;
}

std::optional<Checksum> FolderWriter::State::kept_checksum() const {
    if (!options.keep) return std::nullopt;
    const std::string* value = value_of(*options.keep);
    return value != nullptr ? std::optional{Checksum{*options.keep, *value}} : std::nullopt;
}

Result<> FolderWriter::State::check(const FinishOptions& finish) const {
    if (finish.expected_size && *finish.expected_size != written)
        return fail(ErrorCode::size_mismatch, "the body does not have the announced length");
    if (finish.expected_md5 && *finish.expected_md5 != base64(*md5_value))
        return fail(ErrorCode::store_checksum_mismatch, "the body's MD5 differs from the announced one");
    for (const Checksum& wanted : finish.expected) {
        const std::string* value = value_of(wanted.algorithm);
        if (value == nullptr)
            return fail(ErrorCode::invalid_checksum, "a checksum was not requested when the write began");
        if (*value != wanted.value)
            return fail(
                ErrorCode::store_checksum_mismatch,
                "the body has another " + std::string{to_string(wanted.algorithm)} + " than was announced");
    }
    return {};
}

Result<StoredObject> FolderWriter::State::commit(const FinishOptions& finish) {
    ObjectRow row;
    row.content = body;
    row.object.etag = ETag::trusted(hex_lower(*md5_value));
    row.object.size = written;
    row.object.headers = std::move(options.headers);
    row.object.checksum = kept_checksum();
    std::optional<StoredObject> first;
    const auto outcome = store.commit(
        [&](Transaction& transaction) -> Result<> {
            const auto in = store.bucket_id(transaction.index, bucket);
            first.reset();
            if (finish.condition.only_if_absent && finish.condition.may_repeat) {
                auto there = store.row_in(transaction.index, in, key);
                if (there && is_repeat(row.object, there->object)) first = std::move(there->object);
                if (first) return {};
            }
            if (auto held = store.discard_current(transaction, in, key, finish.condition); !held) return held;
            row.object.last_modified = store.clock.now();
            row.object.sequence = transaction.next_sequence();
            store.put_row(transaction, in, key, row);
            return {};
        },
        {store.bodies->folder_of(body)});
    kept = outcome.result.has_value() || outcome.landed == FolderCommitter::Landed::unknown;
    if (!outcome.result) return fail(outcome.result.error());
    if (first) {
        kept = false;  // the bytes are there already
        return std::move(*first);
    }
    store.announce(bucket, key, row.object, options.creation);
    return std::move(row.object);
}

Result<> FolderWriter::State::commit_part() {
    const auto outcome = store.commit(
        [&](Transaction& transaction) -> Result<> {
            Connection& index = transaction.index;
            const auto in = store.bucket_id(index, bucket);
            Query upload = index.query("upload");
            if (!upload.number(in).blob(key.str()).text(part->upload).step()) return fail(no_such_upload());
            const auto id = upload.number_at(0);
            Query before = index.query("part");
            if (before.number(id).number(std::int64_t{part->number}).step())
                transaction.waste(before.count_at(0), before.count_at(0));
            index.query("put_part")
                .number(id)
                .number(std::int64_t{part->number})
                .number(body)
                .number(written)
                .text(hex_lower(*md5_value))
                .number(micros_of(store.clock.now()))
                .optional_blob(pack_checksum(kept_checksum()))
                .run();
            return {};
        },
        {store.bodies->folder_of(body)});
    kept = outcome.result.has_value() || outcome.landed == FolderCommitter::Landed::unknown;
    return outcome.result;
}

FolderWriter::FolderWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
FolderWriter::~FolderWriter() = default;
FolderWriter::FolderWriter(FolderWriter&&) noexcept = default;
FolderWriter& FolderWriter::operator=(FolderWriter&&) noexcept = default;

Result<> FolderWriter::append(BytesView bytes) {
    if (state_->broken) return fail(*state_->broken);
    if (state_->md5_value) return fail(ErrorCode::internal, "the body has ended already");
    if (auto fits = state_->store.check_size(state_->bucket, state_->written + bytes.size()); !fits) {
        state_->broken = fits.error();
        return fits;
    }
    if (auto written = state_->store.files.write(state_->file, bytes); !written) {
        state_->broken = written.error();
        return written;
    }
    state_->md5.update(bytes);
    for (auto& stream : state_->streams)
        stream.update(bytes);
    state_->written += bytes.size();
    if (state_->written - state_->started_writeback >= kWritebackStep) {
        // Only a hint: sync() guarantees that the bytes are on the disk.
        (void)::sync_file_range(state_->file.get(), static_cast<off64_t>(state_->started_writeback),
                                static_cast<off64_t>(state_->written - state_->started_writeback),
                                SYNC_FILE_RANGE_WRITE);
        state_->started_writeback = state_->written;
    }
    return {};
}

ByteSize FolderWriter::written() const {
    return state_->written;
}

std::string FolderWriter::md5() {
    state_->end_appending();
    return base64(*state_->md5_value);
}

std::optional<std::string> FolderWriter::digest(ChecksumAlgorithm algorithm) {
    state_->end_appending();
    const std::string* value = state_->value_of(algorithm);
    return value != nullptr ? std::optional{*value} : std::nullopt;
}

Result<StoredObject> FolderWriter::finish(const FinishOptions& options) {
    if (state_->broken) return fail(*state_->broken);
    state_->broken = Error{ErrorCode::internal, "the body was finished already"};
    state_->end_appending();
    if (auto good = state_->check(options); !good) return fail(good.error());
    if (auto synced = state_->store.files.sync(state_->file); !synced) return fail(synced.error());
    if (!state_->part) return state_->commit(options);
    if (auto done = state_->commit_part(); !done) return fail(done.error());
    StoredObject part;
    part.etag = ETag::trusted(hex_lower(*state_->md5_value));
    part.size = state_->written;
    part.last_modified = state_->store.clock.now();
    part.checksum = state_->kept_checksum();
    return part;
}

}  // namespace photogate::storage::builtin
