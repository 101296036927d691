// Where resumable uploads stand, in which objects their bytes are kept, and which connection may append to them.
//
// A connection that wants an upload takes it: it gets the next epoch, and from then on nothing that an older connection says
// is done. An append names its epoch and the offset at which it begins, in one statement.
//
// Errors: those of storage/records/database.hpp, and what stands at a function. Thread safety: every call from any number of
// threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "storage/records/database.hpp"

namespace photogate::storage::chunks {

enum class ResumableState {
    open,
    received,  ///< all bytes are there, the upload's object is not known to be
    over,      ///< nothing is kept any more
};

/// How many connections may take an upload in a minute.
inline constexpr int kMostTakes = 60;
/// And one that has come in many small pieces: more than so many, and one for each so many bytes. Each is an object and a row, and
/// each connection can leave one, however small.
inline constexpr int kMostTakesOfMany = 2;
inline constexpr std::int64_t kManyChunks = 2'000;
inline constexpr std::int64_t kBytesOfChunk = 65'536;

struct Take {
    UploadId id;
    std::optional<ByteSize> length;       ///< of the whole, where it is known
    std::optional<std::string> metadata;  ///< Upload-Metadata; nullopt: as it was
    Timestamp look_at;                    ///< when its bytes may be abandoned
    /// `anew`: what was received of one that is open is forgotten.
    enum class From { where_it_stands, anew } from = From::where_it_stands;
    /// Of the whole, lower-case hex; kept from the first connection that says it, until the file is begun anew.
    std::optional<std::string> whole_sha256 = {};
    /// The gateway that receives its bytes from now on, as handover_channel.hpp knows it; empty: none does.
    std::string holder = {};
};

/// An upload as the newest connection has it.
struct Taken {
    std::uint32_t beginning = 0;
    std::uint64_t epoch = 0;
    ByteSize received = 0;
    std::optional<ByteSize> length;
    ResumableState state = ResumableState::open;
    std::string metadata;
    std::optional<std::string> whole_sha256 = {};
};

struct Chunk {
    std::uint64_t first = 0;
    ByteSize size = 0;
    std::uint64_t epoch = 0;
    ETag etag;
    std::string sha256;  ///< lower-case hex
};

struct Append {
    UploadId id;
    std::uint32_t beginning = 0;
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;       ///< where it begins
    std::vector<Chunk> chunks;      ///< one behind the other
    std::optional<ByteSize> whole;  ///< it is the end: the upload has so many bytes
};

/// One that it is time to look at.
struct DueResumable {
    UploadId id;
    ResumableState state = ResumableState::open;
};

struct Received {
    std::uint32_t beginning = 0;
    ByteSize length = 0;
    std::vector<Chunk> chunks;  ///< in their order; together `length` bytes
    std::optional<std::string> whole_sha256 = {};
};

struct Ended {
    std::uint32_t beginning = 0;     ///< the last one; what is of a later one is kept
    std::optional<ByteSize> length;  ///< of the whole, where it is known
};

class ChunkStore {
  public:
    virtual ~ChunkStore() = default;
    /// One whose bytes are no longer kept begins anew. Errors: rate_limited.
    virtual Result<Taken> take(const Take& take) = 0;
    /// The gateway that took the upload last to receive its bytes; empty: none, or nobody knows.
    virtual Result<std::string> holder(const UploadId& id) = 0;
    /// False: a newer connection has the upload, or it waits for no object any more.
    virtual Result<bool> append(const Append& append) = 0;
    /// Of one that is received; nullopt otherwise.
    virtual Result<std::optional<Received>> received(const UploadId& id) = 0;
    /// The upload is to have this SHA-256 (base64), unless another was declared: whoever processes it holds it to that.
    virtual Result<> declare(const UploadId& id, const std::string& sha256) = 0;
    /// For a while nobody else assembles it. False: somebody does, there is nothing to assemble, or its upload waits for no object
    /// any more.
    enum class When { due, now };
    virtual Result<bool> reserve(const UploadId& id, std::chrono::seconds lease, When when) = 0;
    /// Its chunks are not needed any more; it is looked at once more, after `look_again`. nullopt: they are, because its upload
    /// waits for them (again), or nobody ever sent any.
    virtual Result<std::optional<Ended>> end(const UploadId& id, std::chrono::seconds look_again) = 0;
    virtual Result<std::vector<DueResumable>> due(std::size_t limit) = 0;
    virtual Result<> look_again(const UploadId& id, std::chrono::seconds later) = 0;
    /// Nothing is left of one that is over.
    virtual Result<> forget(const UploadId& id) = 0;
};

class PostgresChunkStore final : public ChunkStore {
  public:
    explicit PostgresChunkStore(records::Database& database);
    Result<Taken> take(const Take& take) override;
    Result<std::string> holder(const UploadId& id) override;
    Result<bool> append(const Append& append) override;
    Result<std::optional<Received>> received(const UploadId& id) override;
    Result<> declare(const UploadId& id, const std::string& sha256) override;
    Result<bool> reserve(const UploadId& id, std::chrono::seconds lease, When when) override;
    Result<std::optional<Ended>> end(const UploadId& id, std::chrono::seconds look_again) override;
    Result<std::vector<DueResumable>> due(std::size_t limit) override;
    Result<> look_again(const UploadId& id, std::chrono::seconds later) override;
    Result<> forget(const UploadId& id) override;

  private:
    records::DatabaseState& state_;
};

}  // namespace photogate::storage::chunks
