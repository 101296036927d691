// Makes the upload's object of the chunks that were received, once, and hands it to the pipeline.
//
// The object is the same as a presigned PUT would have made, under the same key, and it is put only if there is none: where a
// step was done before and its answer lost, or the client has used its presigned URL too, what is there counts. Each chunk is
// read pinned to its ETag and held to its SHA-256. A store takes no part below 5 MiB, so the bytes are read and put again; a
// file up to `in_memory` in one request, a larger one in parts.
//
// Errors: the store_* and database_* codes. Thread safety: any number of threads; of one upload one at a time assembles.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "model/upload.hpp"
#include "pipeline/stores.hpp"
#include "storage/chunks/chunk_store.hpp"

namespace photogate::pipeline::resumable {

class Assembler {
  public:
    struct Options {
        ByteSize in_memory = 16U << 20;
        ByteSize part = 8U << 20;  ///< at least 5 MiB; memory of a larger file
        std::chrono::seconds lease{60};
        /// A chunk that was put by a connection that was fenced may still arrive.
        std::chrono::seconds look_again{std::chrono::hours{1}};
    };
    /// All of them outlive the assembler.
    struct Dependencies {
        storage::chunks::ChunkStore& chunks;
        const Stores& stores;
        /// Looks for the upload's object, as Intake::look() does.
        std::function<Result<bool>(const model::Upload&)> look;
    };
    Assembler(Options options, Dependencies dependencies)
        : options_(options), dependencies_(std::move(dependencies)) {}

    /// Of an upload that is received. False: somebody else is at it, or it waits for no object any more. Errors: besides,
    /// invalid_checksum of one that is not what its client said (Repr-Digest): its object is made all the same, and refused
    /// when it is processed.
    Result<bool> assemble(const model::Upload& upload, storage::chunks::ChunkStore::When when);
    /// The chunks of an upload that needs them no more, and what an attempt to assemble it may have left. False: it needs them.
    Result<bool> remove_chunks(const model::Upload& upload);
    /// Those of a beginning that another has followed.
    Result<> remove_beginning(const model::Upload& upload, std::uint32_t beginning);

    struct Counters {
        std::uint64_t assembled = 0;
        std::uint64_t bytes = 0;
        std::uint64_t removed = 0;  ///< chunks
    };
    Counters counters() const { return {assembled_, bytes_, removed_}; }

  private:
    Result<> remove_listed(const Store& store, const model::Upload& upload, const std::string& prefix,
                           const std::function<bool(const ObjectKey&)>& goes);
    /// The SHA-256 of the object, lower-case hex; nullopt: the upload waits for none any more.
    Result<std::optional<std::string>> make_object(const Store& store, const model::Upload& upload,
                                                   const storage::chunks::Received& received);

    Options options_;
    Dependencies dependencies_;
    std::atomic<std::uint64_t> assembled_{0}, bytes_{0}, removed_{0};
};

}  // namespace photogate::pipeline::resumable
