// The built-in store behind the ObjectStore interface.
#include <algorithm>

#include "storage/builtin/state.hpp"

namespace photogate::storage::builtin {

namespace {

constexpr std::size_t kPiece = 256U << 10;

Result<> check_pinned(const StoredObject& object, const GetOptions& options) {
    if (options.version && options.version->str() != "null")
        return fail(ErrorCode::store_no_such_key, "the built-in store keeps no versions");
    if (options.if_match && *options.if_match != object.etag)
        return fail(ErrorCode::store_precondition_failed, "the object is not the expected one");
    if (options.expected_size && *options.expected_size != object.size)
        return fail(ErrorCode::size_mismatch, "the object's size differs from the pinned one");
    return {};
}

/// A FolderReader behind the ObjectReader interface.
class FolderObjectReader final : public ObjectReader {
  public:
    FolderObjectReader(FolderReader reader, std::uint64_t first, std::uint64_t end)
        : reader_(std::move(reader)), info_(info_of(reader_.object())), next_(first), end_(end) {}
    const ObjectInfo& info() const override { return info_; }
    std::uint64_t length() const override { return length_; }
    Result<std::size_t> read(std::span<std::uint8_t> out) override {
        const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), end_ - next_));
        auto got = reader_.read(next_, out.first(most));
        if (got) next_ += *got;
        return got;
    }
    bool is_local() const override { return true; }
    Result<FilePiece> piece_at(std::uint64_t offset) const override { return reader_.piece_at(offset); }

  private:
    FolderReader reader_;
    ObjectInfo info_;
    std::uint64_t next_;
    const std::uint64_t end_;
    const std::uint64_t length_ = end_ - next_;
};

/// Appends all of `body` to `writer`, then finishes it with `finish`.
Result<StoredObject> fill(FolderWriter& writer, const http::BodySource& body, FinishOptions finish) {
    Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, body.size() + 1)));
    for (std::uint64_t offset = 0;;) {
        const auto got = body.read(offset, piece);
        if (!got) return fail(ErrorCode::file_error, "the request body could not be read");
        if (*got == 0) break;
        if (auto appended = writer.append({piece.data(), *got}); !appended) return fail(appended.error());
        offset += *got;
    }
    finish.expected_size = body.size();
    return writer.finish(finish);
}

}  // namespace

Result<ObjectInfo> FolderStore::head(const Bucket& bucket, const ObjectKey& key, const GetOptions& options) {
    auto object = objects_.stat(bucket, key);
    if (!object) return fail(object.error());
    if (auto good = check_pinned(*object, options); !good) return fail(good.error());
    return info_of(*object);
}

Result<std::unique_ptr<ObjectReader>> FolderStore::open(const Bucket& bucket, const ObjectKey& key,
                                                        const GetOptions& options) {
    auto reader = objects_.read(bucket, key);
    if (!reader) return fail(reader.error());
    const StoredObject& object = reader->object();
    if (auto good = check_pinned(object, options); !good) return fail(good.error());
    std::uint64_t first = 0;
    std::uint64_t end = object.size;
    if (options.range) {
        if (options.range->first >= object.size || options.range->last < options.range->first)
            return fail(ErrorCode::range_not_satisfiable, "the range is outside the object");
        first = options.range->first;
        end = std::min(object.size - 1, options.range->last) + 1;
    }
    return std::make_unique<FolderObjectReader>(std::move(*reader), first, end);
}

Result<ObjectInfo> FolderStore::put(const Bucket& bucket, const ObjectKey& key, const http::BodySource& body,
                                    const PutOptions& options) {
    WriteOptions with{.headers = headers_of_put(options)};
    FinishOptions finish;
    finish.condition.only_if_absent = options.only_if_absent;
    if (options.sha256) {
        const auto wanted = from_hex(*options.sha256);
        if (!wanted || wanted->size() != 32)
            return fail(ErrorCode::invalid_checksum, "a SHA-256 must be 64 hexadecimal digits");
        with.keep = ChecksumAlgorithm::sha256;
        finish.expected.push_back({ChecksumAlgorithm::sha256, base64(*wanted)});
    }
    auto writer = objects_.write(bucket, key, std::move(with));
    if (!writer) return fail(writer.error());
    auto object = fill(*writer, body, std::move(finish));
    if (!object) return fail(object.error());
    return info_of(*object);
}

Result<> FolderStore::remove(const Bucket& bucket, const ObjectKey& key,
                             const std::optional<VersionId>& version) {
    if (version && version->str() != "null") return {};
    return objects_.remove(bucket, {key});
}

Result<std::vector<FailedKey>> FolderStore::remove_many(const Bucket& bucket,
                                                        const std::vector<ObjectKey>& keys) {
    if (auto removed = objects_.remove(bucket, keys); !removed) return fail(removed.error());
    return std::vector<FailedKey>{};
}

Result<ListPage> FolderStore::list(const Bucket& bucket, const ListOptions& options) {
    auto page = objects_.list(bucket, options);
    if (!page) return fail(page.error());
    return ListPage{std::move(*page)};
}

Result<> FolderStore::set_notifications(const Bucket& bucket, const std::vector<NotificationRule>& rules) {
    return buckets_.set_notifications(bucket, rules);
}

Result<> FolderStore::check_bucket(const Bucket& bucket) {
    return buckets_.check(bucket);
}

Result<ETag> FolderStore::copy(const Bucket& from, const ObjectKey& from_key, const Bucket& to,
                               const ObjectKey& to_key, const CopyOptions& options) {
    auto copied =
        objects_.copy({from, from_key}, {to, to_key}, {.if_source_matches = options.if_source_matches});
    if (!copied) return fail(copied.error());
    return copied->etag;
}

Result<std::string> FolderStore::create_multipart(const Bucket& bucket, const ObjectKey& key,
                                                  const PutOptions& options) {
    return uploads_.start(bucket, key, {.headers = headers_of_put(options)});
}

Result<UploadedPart> FolderStore::put_part(const Bucket& bucket, const ObjectKey& key,
                                           const std::string& upload, std::uint32_t number,
                                           const http::BodySource& body) {
    auto writer = uploads_.write_part({bucket, key}, {upload, number}, {});
    if (!writer) return fail(writer.error());
    auto part = fill(*writer, body, {});
    if (!part) return fail(part.error());
    return UploadedPart{number, part->etag, part->size};
}

Result<std::vector<UploadedPart>> FolderStore::list_parts(const Bucket& bucket, const ObjectKey& key,
                                                          const std::string& upload) {
    std::vector<UploadedPart> all;
    for (PartListOptions from;;) {
        auto page = uploads_.parts({bucket, key}, upload, from);
        if (!page) return fail(page.error());
        for (const StoredPart& part : page->parts)
            all.push_back({part.number, part.etag, part.size});
        if (!page->truncated) return all;
        from.after = all.back().number;
    }
}

Result<ETag> FolderStore::complete_multipart(const Bucket& bucket, const ObjectKey& key,
                                             const std::string& upload,
                                             const std::vector<UploadedPart>& chosen,
                                             const objects::CompleteOptions& options) {
    std::vector<ChosenPart> named;
    named.reserve(chosen.size());
    for (const UploadedPart& part : chosen)
        named.push_back({part.number, part.etag, std::nullopt});
    CompleteOptions with;
    with.condition.only_if_absent = options.only_if_absent;
    auto object = uploads_.complete({bucket, key}, upload, named, with);
    if (!object) return fail(object.error());
    return object->etag;
}

Result<> FolderStore::abort_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload) {
    auto done = uploads_.abort({bucket, key}, upload);
    if (!done && done.error().code != ErrorCode::store_no_such_upload) return done;
    return {};
}

Result<MultipartPage> FolderStore::list_multipart(const Bucket& bucket, const std::string& prefix,
                                                  const std::optional<MultipartPage::Marker>& after) {
    UploadListOptions options;
    options.prefix = prefix;
    if (after) {
        options.key_marker = after->key;
        options.id_marker = after->upload;
    }
    auto page = uploads_.list(bucket, options);
    if (!page) return fail(page.error());
    MultipartPage found;
    for (OpenUpload& upload : page->uploads)
        found.uploads.push_back({std::move(upload.key), std::move(upload.id), upload.started});
    if (page->truncated) found.next = {std::move(page->next_key), std::move(page->next_id)};
    return found;
}

}  // namespace photogate::storage::builtin
