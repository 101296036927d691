// The state of writers and readers. Private to storage/builtin.
#pragma once

#include <mutex>
#include <vector>

#include "signer/digest.hpp"
#include "storage/builtin/state.hpp"

namespace photogate::storage::builtin {

struct FolderWriter::State {
    StoreState& store;
    Bucket bucket;
    ObjectKey key;
    std::optional<PartAddress> part;  ///< else an object
    WriteOptions options;

    std::uint64_t body = 0;
    Descriptor file;
    ByteSize written = 0;
    ByteSize started_writeback = 0;
    std::optional<Error> broken;
    signer::Md5Stream md5;
    std::vector<ChecksumStream> streams;
    /// Set once appending has ended.
    std::optional<signer::Md5> md5_value;
    std::vector<Checksum> values;
    /// A row refers to its file, or may do so.
    bool kept = false;

    State(StoreState& in_store, Bucket in_bucket, ObjectKey in_key, WriteOptions with)
        : store(in_store), bucket(std::move(in_bucket)), key(std::move(in_key)), options(std::move(with)) {}
    ~State();
    Result<> begin();
    void end_appending();
    const std::string* value_of(ChecksumAlgorithm algorithm) const;
    Result<> check(const FinishOptions& options) const;
    Result<StoredObject> commit(const FinishOptions& options);
    Result<> commit_part();
    std::optional<Checksum> kept_checksum() const;
    std::filesystem::path path() const { return store.bodies->path_of(body); }
};

struct FolderReader::State {
    StoreState& store;
    std::shared_ptr<const OpenObject> open;
    bool pinned = false;       ///< a multipart object's segments
    mutable std::mutex mutex;  ///< over `files` of a multipart object, opened as they are reached
    mutable std::vector<Descriptor> files;

    State(StoreState& in_store, std::shared_ptr<const OpenObject> found)
        : store(in_store), open(std::move(found)) {}
    ~State();
    /// Opens the bytes of `row`. Null: the object was replaced meanwhile.
    static Result<std::unique_ptr<State>> of(StoreState& store, ObjectRow row);
    const StoredObject& object() const { return open->row.object; }
    const Segment* segment_at(std::uint64_t offset, std::size_t& index) const;
    Result<int> file_of(std::size_t index) const;
};

}  // namespace photogate::storage::builtin
