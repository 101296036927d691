#include "pipeline/resumable/assembler.hpp"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "model/object_layout.hpp"
#include "signer/digest.hpp"
#include "storage/http/body_source.hpp"

namespace photogate::pipeline::resumable {
namespace {

using storage::chunks::Chunk;
using storage::chunks::ChunkStore;
using storage::chunks::Received;
using storage::objects::UploadedPart;

/// Reads the chunks one behind the other.
class ChunkReader {
  public:
    ChunkReader(const Store& store, const model::Upload& upload, const Received& received)
        : store_(store), upload_(upload), received_(received) {}

    bool at_end() const { return next_ == received_.chunks.size(); }
    /// Appends the next chunk. Errors: the store_* codes, internal where it is not what was put.
    Result<> append_to(std::string& bytes) {
        const Chunk& chunk = received_.chunks[next_];
        const auto before = bytes.size();
        const auto key = model::chunk_key(upload_.id, received_.beginning, chunk.first, chunk.epoch);
        storage::objects::GetOptions options;
        options.if_match = chunk.etag;
        options.expected_size = chunk.size;
        const auto got = store_.objects->get(upload_.bucket, key, options, [&](BytesView some) {
            bytes.append(as_text(some));
            return true;
        });
        if (!got) return fail(got.error());
        const auto read = std::string_view{bytes}.substr(before);
        if (hex_lower(signer::sha256(read)) != chunk.sha256)
            return fail(ErrorCode::store_checksum_mismatch, "a chunk is not what was put: " + key.str());
        whole_.update(as_bytes(read));
        ++next_;
        return {};
    }
    /// Of all chunks, once, at the end: lower-case hex.
    std::string sha256() { return hex_lower(whole_.finish()); }

  private:
    const Store& store_;
    const model::Upload& upload_;
    const Received& received_;
    std::size_t next_ = 0;
    signer::Sha256Stream whole_;
};

/// The SHA-256 of what was put, lower-case hex; nullopt: the upload waits for no object any more.
using Made = std::optional<std::string>;

Result<> check_whole(const Received& received) {
    std::uint64_t end = 0;
    for (const auto& chunk : received.chunks) {
        if (chunk.first != end) return fail(ErrorCode::internal, "the chunks of an upload do not touch");
        end += chunk.size;
    }
    if (end != received.length) return fail(ErrorCode::internal, "the chunks of an upload are not all there");
    return {};
}

storage::objects::PutOptions options_for(const model::Upload& upload) {
    storage::objects::PutOptions options;
    if (upload.declared_type) options.content_type = *upload.declared_type;
    return options;
}

/// Whether the upload still waits for its object; the assembly is its caller's for longer then.
using Still = std::function<Result<bool>()>;

Result<Made> put_at_once(const Store& store, const model::Upload& upload, const Received& received,
                         const Still& still) {
    std::string bytes;
    bytes.reserve(received.length);
    ChunkReader reader{store, upload, received};
    while (!reader.at_end()) {
        if (auto read = reader.append_to(bytes); !read) return fail(std::move(read.error()));
    }
    const auto waits = still();
    if (!waits) return fail(waits.error());
    if (!*waits) return Made{};
    auto options = options_for(upload);
    options.only_if_absent = true;
    options.sha256 = reader.sha256();
    const auto put =
        store.objects->put(upload.bucket, upload.key, storage::http::MemorySource{as_bytes(bytes)}, options);
    if (!put && put.error().code != ErrorCode::store_precondition_failed) return fail(put.error());
    return Made{*options.sha256};
}

/// Parts of an attempt that was killed.
Result<> abort_earlier(const Store& store, const model::Upload& upload) {
    std::optional<storage::objects::MultipartPage::Marker> after;
    do {
        const auto page = store.objects->list_multipart(upload.bucket, upload.key.str(), after);
        if (!page) return fail(page.error());
        for (const auto& open : page->uploads) {
            if (open.key != upload.key) continue;
            if (auto gone = store.objects->abort_multipart(upload.bucket, upload.key, open.upload); !gone)
                return gone;
        }
        after = page->next;
    } while (after);
    return {};
}

/// Whether a chunk is of a beginning after this one.
bool is_of_later(const ObjectKey& key, std::string_view prefix, std::uint32_t beginning) {
    const auto rest = std::string_view{key.str()}.substr(prefix.size());
    std::uint32_t its = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), its);
    return parsed.ec == std::errc{} && its > beginning;
}

class PartWriter {
  public:
    PartWriter(const Store& store, const model::Upload& upload, std::string id)
        : store_(store), upload_(upload), id_(std::move(id)) {}
    Result<> put(std::string_view bytes) {
        const auto number = static_cast<std::uint32_t>(parts_.size() + 1);
        auto part = store_.objects->put_part(upload_.bucket, upload_.key, id_, number,
                                             storage::http::MemorySource{as_bytes(bytes)});
        if (!part) return fail(part.error());
        parts_.push_back(std::move(*part));
        return {};
    }
    Result<> complete() {
        auto& objects = *store_.objects;
        auto made = objects.complete_multipart(upload_.bucket, upload_.key, id_, parts_, {true});
        // A store that has no conditions here refuses them.
        if (!made && made.error().code == ErrorCode::store_refused)
            made = objects.complete_multipart(upload_.bucket, upload_.key, id_, parts_);
        if (made || made.error().code == ErrorCode::store_no_such_upload) return {};
        if (made.error().code != ErrorCode::store_precondition_failed) return fail(made.error());
        abort();
        return {};
    }
    void abort() { (void)store_.objects->abort_multipart(upload_.bucket, upload_.key, id_); }

  private:
    const Store& store_;
    const model::Upload& upload_;
    std::string id_;
    std::vector<UploadedPart> parts_;
};

Result<Made> put_in_parts(const Store& store, const model::Upload& upload, const Received& received,
                          ByteSize part_size, const Still& still) {
    if (auto gone = abort_earlier(store, upload); !gone) return fail(std::move(gone.error()));
    auto id = store.objects->create_multipart(upload.bucket, upload.key, options_for(upload));
    if (!id) return fail(id.error());
    PartWriter writer{store, upload, std::move(*id)};
    const auto broken = [&](Error error) {
        writer.abort();
        return fail(std::move(error));
    };
    std::string bytes;
    ChunkReader reader{store, upload, received};
    while (!reader.at_end()) {
        if (auto read = reader.append_to(bytes); !read) return broken(std::move(read.error()));
        while (bytes.size() >= part_size || (reader.at_end() && !bytes.empty())) {
            const auto size = std::min<std::size_t>(bytes.size(), part_size);
            if (auto put = writer.put(std::string_view{bytes}.substr(0, size)); !put)
                return broken(std::move(put.error()));
            bytes.erase(0, size);
            const auto waits = still();
            if (!waits) return broken(waits.error());
            if (!*waits) {
                writer.abort();
                return Made{};
            }
        }
    }
    if (auto made = writer.complete(); !made) return broken(std::move(made.error()));
    return Made{reader.sha256()};
}

}  // namespace

Result<std::optional<std::string>> Assembler::make_object(const Store& store, const model::Upload& upload,
                                                          const Received& received) {
    if (auto sane = check_whole(received); !sane) return fail(std::move(sane.error()));
    // An object that came by another way may have been processed and moved away meanwhile: the store would take this one.
    const Still still = [&] {
        return dependencies_.chunks.reserve(upload.id, options_.lease, ChunkStore::When::now);
    };
    if (received.length <= options_.in_memory) return put_at_once(store, upload, received, still);
    return put_in_parts(store, upload, received, options_.part, still);
}

Result<bool> Assembler::assemble(const model::Upload& upload, ChunkStore::When when) {
    const Store* store = dependencies_.stores.of(upload.region);
    if (!store) return fail(ErrorCode::unknown_region, "the upload's region is no longer configured");
    const auto mine = dependencies_.chunks.reserve(upload.id, options_.lease, when);
    if (!mine || !*mine) return mine;
    const auto received = dependencies_.chunks.received(upload.id);
    if (!received) return fail(received.error());
    if (!*received) return false;
    const auto& expected = (*received)->whole_sha256;
    // Before there is an object, which a worker may have processed a moment later: it refuses what is not as declared.
    if (expected) {
        const auto digest = from_hex(*expected);
        if (!digest) return fail(ErrorCode::internal, "the recorded SHA-256 is none");
        if (auto declared = dependencies_.chunks.declare(upload.id, base64(*digest)); !declared)
            return fail(std::move(declared.error()));
    }
    const auto made = make_object(*store, upload, **received);
    if (!made) return fail(made.error());
    if (!*made) return false;
    const bool is_another = expected && *expected != **made;
    if (auto reached = failpoint::reach(failpoint::Point::after_assembled); !reached)
        return fail(std::move(reached.error()));
    const auto there = dependencies_.look(upload);
    if (!there) return fail(there.error());
    if (!*there) return fail(ErrorCode::object_not_found, "the object that was made is not there");
    ++assembled_;
    bytes_ += (*received)->length;
    failpoint::pass(failpoint::Point::before_chunks_removed);
    // What is left is found again: the upload has its object.
    if (auto removed = remove_chunks(upload); !removed)
        log::warn("resumable.chunks_left",
                  {{"upload", upload.id.str()}, {"code", to_string(removed.error().code)}});
    if (is_another)
        return fail(ErrorCode::invalid_checksum, "the file does not have the SHA-256 that was said");
    return true;
}

Result<bool> Assembler::remove_chunks(const model::Upload& upload) {
    const Store* store = dependencies_.stores.of(upload.region);
    if (!store) return fail(ErrorCode::unknown_region, "the upload's region is no longer configured");
    // From here on nothing can be appended, unless the file is begun anew.
    const auto ended = dependencies_.chunks.end(upload.id, options_.look_again);
    if (!ended) return fail(ended.error());
    if (!*ended) return false;
    if ((*ended)->length.value_or(0) > options_.in_memory) {
        if (auto gone = abort_earlier(*store, upload); !gone) return fail(std::move(gone.error()));
    }
    const auto prefix = model::chunk_prefix(upload.id);
    const auto removed = remove_listed(*store, upload, prefix, [&](const ObjectKey& key) {
        return !is_of_later(key, prefix, (*ended)->beginning);
    });
    if (!removed) return fail(removed.error());
    return true;
}

Result<> Assembler::remove_beginning(const model::Upload& upload, std::uint32_t beginning) {
    const Store* store = dependencies_.stores.of(upload.region);
    if (!store) return fail(ErrorCode::unknown_region, "the upload's region is no longer configured");
    return remove_listed(*store, upload, model::chunk_prefix(upload.id, beginning),
                         [](const ObjectKey&) { return true; });
}

Result<> Assembler::remove_listed(const Store& store, const model::Upload& upload, const std::string& prefix,
                                  const std::function<bool(const ObjectKey&)>& goes) {
    storage::objects::ListOptions listing;
    listing.prefix = prefix;
    do {
        const auto page = store.objects->list(upload.bucket, listing);
        if (!page) return fail(page.error());
        std::vector<ObjectKey> keys;
        for (const auto& object : page->objects) {
            if (goes(object.key)) keys.push_back(object.key);
        }
        if (!keys.empty()) {
            const auto failed = store.objects->remove_many(upload.bucket, keys);
            if (!failed) return fail(failed.error());
            if (!failed->empty()) return fail(failed->front().error);
            removed_ += keys.size();
        }
        listing.continuation = page->next;
    } while (listing.continuation);
    return {};
}

}  // namespace photogate::pipeline::resumable
