#include "storage/chunks/chunk_store.hpp"

#include <utility>

#include <pqxx/pqxx>

#include "storage/chunks/embedded_sql.hpp"
#include "storage/database/columns.hpp"
#include "storage/database/transaction.hpp"
#include "storage/records/database_state.hpp"

namespace photogate::storage::chunks {
namespace {

using database::Columns;
using database::Earlier;
using database::params;
using database::SqlArray;
using database::Transaction;

ResumableState state_of(const std::string& word) {
    if (word == "received") return ResumableState::received;
    return word == "open" ? ResumableState::open : ResumableState::over;
}

std::optional<ByteSize> length_of(const Columns& columns, const pqxx::row& row) {
    const auto length = columns.maybe_number(row, "length");
    return length ? std::optional{static_cast<ByteSize>(*length)} : std::nullopt;
}

Taken to_taken(const pqxx::result& rows) {
    const Columns columns{rows};
    Taken taken;
    taken.beginning = static_cast<std::uint32_t>(columns.number(rows[0], "beginning"));
    taken.epoch = static_cast<std::uint64_t>(columns.number(rows[0], "epoch"));
    taken.received = static_cast<ByteSize>(columns.number(rows[0], "received"));
    taken.length = length_of(columns, rows[0]);
    taken.state = state_of(columns.text(rows[0], "state"));
    taken.metadata = columns.text(rows[0], "metadata");
    taken.whole_sha256 = columns.maybe_text(rows[0], "whole_sha256");
    return taken;
}

ByteSize bytes_of(const std::vector<Chunk>& chunks) {
    ByteSize bytes = 0;
    for (const auto& chunk : chunks)
        bytes += chunk.size;
    return bytes;
}

/// One statement; whether it touched a row.
template <class Values>
Result<bool> change(records::DatabaseState& state, const std::string& name, const Values& values) {
    return transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<bool> {
        return !transaction.run(statements(), name, values).empty();
    });
}

}  // namespace

PostgresChunkStore::PostgresChunkStore(records::Database& database) : state_(database.state()) {}

Result<Taken> PostgresChunkStore::take(const Take& take) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<Taken> {
        const auto rows = transaction.run(
            statements(), "take_resumable",
            params(take.id.str(), take.length, take.metadata, take.look_at,
                   take.from == Take::From::anew ? "true" : "false", kMostTakes, take.whole_sha256,
                   take.holder, kMostTakesOfMany, kManyChunks, kBytesOfChunk));
        if (rows.empty())
            return fail(Error{ErrorCode::rate_limited,
                              "too many connections for one upload: wait before the next",
                              {},
                              std::chrono::seconds{10}});
        auto taken = to_taken(rows);
        if (taken.received == 0 && taken.beginning > 0)
            transaction.run(statements(), "forget_older_chunks", params(take.id.str(), taken.beginning));
        return taken;
    });
}

Result<std::string> PostgresChunkStore::holder(const UploadId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::string> {
        const auto rows = transaction.run(statements(), "holder_of_resumable", params(id.str()));
        return rows.empty() ? std::string{} : std::string{rows[0][0].c_str()};
    });
}

Result<bool> PostgresChunkStore::append(const Append& append) {
    SqlArray firsts, sizes, etags, digests;
    for (const auto& chunk : append.chunks) {
        firsts.add(static_cast<std::int64_t>(chunk.first));
        sizes.add(static_cast<std::int64_t>(chunk.size));
        etags.add(chunk.etag.str());
        digests.add(chunk.sha256);
    }
    const auto bytes = bytes_of(append.chunks);
    return transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<bool> {
        if (earlier == Earlier::in_doubt &&
            !transaction
                 .run(statements(), "was_appended",
                      params(append.id.str(), append.beginning, append.epoch, append.offset + bytes,
                             append.whole ? "true" : "false"))
                 .empty())
            return true;
        return !transaction
                    .run(statements(), "append_chunks",
                         params(append.id.str(), append.beginning, append.epoch, append.offset, bytes,
                                append.whole, firsts, sizes, etags, digests))
                    .empty();
    });
}

Result<std::optional<Received>> PostgresChunkStore::received(const UploadId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::optional<Received>> {
        const auto rows = transaction.run(statements(), "received_resumable", params(id.str()));
        if (rows.empty()) return std::optional<Received>{};
        const Columns columns{rows};
        Received received;
        received.beginning = static_cast<std::uint32_t>(columns.number(rows[0], "beginning"));
        received.length = length_of(columns, rows[0]).value_or(0);
        received.whole_sha256 = columns.maybe_text(rows[0], "whole_sha256");
        const auto chunk_rows =
            transaction.run(statements(), "chunks_of", params(id.str(), received.beginning));
        const Columns of_chunks{chunk_rows};
        received.chunks.reserve(chunk_rows.size());
        for (const auto& row : chunk_rows) {
            received.chunks.push_back({static_cast<std::uint64_t>(of_chunks.number(row, "first")),
                                       static_cast<ByteSize>(of_chunks.number(row, "size")),
                                       static_cast<std::uint64_t>(of_chunks.number(row, "epoch")),
                                       ETag::trusted(of_chunks.text(row, "etag")),
                                       of_chunks.text(row, "sha256")});
        }
        return std::optional{std::move(received)};
    });
}

Result<> PostgresChunkStore::declare(const UploadId& id, const std::string& sha256) {
    return change(state_, "declare_sha256", params(id.str(), sha256)).map([](bool) {});
}

Result<bool> PostgresChunkStore::reserve(const UploadId& id, std::chrono::seconds lease, When when) {
    return change(state_, "reserve_assembly",
                  params(id.str(), lease.count(), when == When::now ? "true" : "false"));
}

Result<std::optional<Ended>> PostgresChunkStore::end(const UploadId& id, std::chrono::seconds look_again) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<std::optional<Ended>> {
        const auto rows =
            transaction.run(statements(), "end_resumable", params(id.str(), look_again.count()));
        if (rows.empty()) return std::optional<Ended>{};
        const Columns columns{rows};
        const Ended ended{static_cast<std::uint32_t>(columns.number(rows[0], "beginning")),
                          length_of(columns, rows[0])};
        transaction.run(statements(), "forget_chunks", params(id.str(), ended.beginning));
        return std::optional{ended};
    });
}

Result<std::vector<DueResumable>> PostgresChunkStore::due(std::size_t limit) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<DueResumable>> {
        std::vector<DueResumable> due;
        for (const auto& row : transaction.run(statements(), "due_resumables", params(limit)))
            due.push_back({UploadId::trusted(row[0].c_str()), state_of(row[1].c_str())});
        return due;
    });
}

Result<> PostgresChunkStore::look_again(const UploadId& id, std::chrono::seconds later) {
    return change(state_, "look_at_resumable_again", params(id.str(), later.count())).map([](bool) {});
}

Result<> PostgresChunkStore::forget(const UploadId& id) {
    return change(state_, "forget_resumable", params(id.str())).map([](bool) {});
}

}  // namespace photogate::storage::chunks
