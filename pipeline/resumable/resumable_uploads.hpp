// Resumable uploads: what has arrived of a file is kept, whichever gateway it came to, and nothing of it is asked for again.
//
// A connection takes the upload, puts chunks into the store and commits them. An offset is acknowledged only when the chunk
// and its row are durable. Taking an upload ends what older connections may do: the newest one counts, for the old ones are
// mostly dead and do not know it yet. The commit of the last byte marks the upload as received; its object is made by the
// Assembler.
//
// Errors: those of the records and the store_* codes, and what stands at a function. Thread safety: any number of threads;
// a Hold belongs to one connection. Calls wait for the database and the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/client_token.hpp"
#include "model/upload.hpp"
#include "pipeline/catalog.hpp"
#include "storage/chunks/chunk_store.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::pipeline::resumable {

/// Who comes for an upload, and until when they may.
struct Visitor {
    UploadId upload;
    /// nullopt: the grant's own URL names the upload.
    std::optional<model::ClientToken> token;
    Timestamp until;
};

/// What a connection says of the upload as it takes it.
struct Wishes {
    std::optional<ByteSize> length;
    std::optional<std::string> metadata;     ///< Upload-Metadata of tus
    std::optional<std::uint32_t> beginning;  ///< the one that it means; nullopt: the present one
    bool anew = false;                       ///< the whole file is sent from its first byte
    ByteSize content = 0;  ///< bytes that are announced from there on; 0: it is not known how many
    std::optional<std::string> whole_sha256 =
        {};                   ///< lower-case hex; the file is refused at its end if it has another
    std::string holder = {};  ///< the gateway that receives its bytes; empty: none does
};

/// Where an upload stands.
struct Progress {
    ByteSize offset = 0;
    std::optional<ByteSize> length;
    bool complete = false;  ///< all bytes are here, or the upload has its object
    Timestamp expires_at;
    std::string metadata;
    std::uint32_t beginning = 0;
    ByteSize most = 0;  ///< bytes that it may have
};

/// One connection's claim on an upload.
struct Hold {
    model::Upload upload;
    const Store* store = nullptr;
    std::uint64_t epoch = 0;
    Progress progress;
};

class ResumableUploads {
  public:
    struct Dependencies {
        storage::records::UploadStore& uploads;
        storage::chunks::ChunkStore& chunks;
        const Catalog& catalog;
        const Clock& clock;
    };
    /// All dependencies outlive this.
    explicit ResumableUploads(Dependencies dependencies) : dependencies_(dependencies) {}

    /// The upload that this visitor may come for, in whatever state. Errors: upload_not_found.
    Result<model::Upload> find(const Visitor& visitor) const;
    /// The gateway that receives its bytes, as far as is known; empty: none.
    Result<std::string> holder(const UploadId& upload) const { return dependencies_.chunks.holder(upload); }
    /// Errors: upload_not_found (also of one that is over, or of another beginning), rate_limited, size_over_limit,
    /// invalid_size (of a whole file whose length is not the declared one), invalid_checksum (another than was said before),
    /// state_conflict (of one that is sent in parts).
    Result<Hold> take(const Visitor& visitor, const Wishes& wishes) const;
    /// Bytes that are to lie at `first`. They count once they are committed.
    Result<storage::chunks::Chunk> put(const Hold& hold, std::uint64_t first, std::string_view bytes) const;
    /// Removes chunks that will never be committed.
    Result<> discard(const Hold& hold, const std::vector<storage::chunks::Chunk>& chunks) const;
    enum class End { no, yes };
    /// Acknowledges chunks that lie at the offset, one behind the other. `yes`: they are the last. False: the connection is
    /// not the newest any more, or the upload is over; nothing is acknowledged.
    Result<bool> commit(Hold& hold, std::vector<storage::chunks::Chunk> chunks, End end) const;
    /// Ends the upload before it is whole; the collector removes what has arrived. Errors: state_conflict, upload_not_found.
    Result<> cancel(const Visitor& visitor) const;

  private:
    Result<model::Upload> revived(const model::Upload& upload, Timestamp until) const;

    Dependencies dependencies_;
};

}  // namespace photogate::pipeline::resumable
