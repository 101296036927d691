// An object store in memory, for tests that make its faults: what was put is there, byte for byte.
//
// `before` is called at the beginning of each call and may answer for it, or change objects as somebody else
// would in between. Listing by delimiter and notifications are left out: they answer `internal`.
//
// Thread safety: every call from any thread; `before` runs outside the lock.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "storage/http/body_source.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::test {

class FakeStore final : public storage::objects::ObjectStore {
  public:
    struct Call {
        std::string_view name;  ///< head, get, put, remove, copy, list
        std::string bucket;
        std::string key;
    };
    std::function<std::optional<Error>(const Call&)> before;
    /// What the next get() announces in place of the object's size.
    std::optional<ByteSize> announced_size;

    /// A new object, or a new content under the same key: another ETag.
    ETag write(const Bucket& bucket, const ObjectKey& key, std::string bytes) {
        const std::lock_guard lock{mutex_};
        auto& object = objects_[{bucket.str(), key.str()}];
        object.bytes = std::move(bytes);
        object.info.etag = ETag::trusted("etag-" + std::to_string(++last_etag_));
        object.info.size = object.bytes.size();
        return object.info.etag;
    }
    std::optional<std::string> bytes_of(const Bucket& bucket, const ObjectKey& key) const {
        const std::lock_guard lock{mutex_};
        const auto found = objects_.find({bucket.str(), key.str()});
        return found == objects_.end() ? std::nullopt : std::make_optional(found->second.bytes);
    }
    bool has(const Bucket& bucket, const ObjectKey& key) const { return bytes_of(bucket, key).has_value(); }
    std::size_t calls(std::string_view name) const {
        const std::lock_guard lock{mutex_};
        const auto found = calls_.find(name);
        return found == calls_.end() ? 0 : found->second;
    }
    std::size_t size(const Bucket& bucket) const {
        const std::lock_guard lock{mutex_};
        std::size_t count = 0;
        for (const auto& [place, object] : objects_)
            count += place.first == bucket.str() ? 1 : 0;
        return count;
    }

    Result<storage::objects::ObjectInfo> head(const Bucket& bucket, const ObjectKey& key,
                                              const storage::objects::GetOptions& options) override {
        if (auto error = begin("head", bucket, key)) return fail(*error);
        const std::lock_guard lock{mutex_};
        return look(bucket, key, options);
    }
    /// Counted as `get`.
    Result<std::unique_ptr<storage::objects::ObjectReader>> open(
        const Bucket& bucket, const ObjectKey& key, const storage::objects::GetOptions& options) override {
        if (auto error = begin("get", bucket, key)) return fail(*error);
        std::string bytes;
        Result<storage::objects::ObjectInfo> info;
        {
            const std::lock_guard lock{mutex_};
            info = look(bucket, key, options);
            if (!info) return fail(info.error());
            bytes = objects_.at({bucket.str(), key.str()}).bytes;
        }
        const auto announced = std::exchange(announced_size, std::nullopt).value_or(bytes.size());
        if (options.expected_size && *options.expected_size != announced)
            return fail(ErrorCode::size_mismatch, "the object has another size");
        if (options.range) {
            if (options.range->first >= bytes.size())
                return fail(ErrorCode::range_not_satisfiable, "beyond the end");
            bytes = bytes.substr(options.range->first, options.range->last - options.range->first + 1);
        }
        return std::make_unique<Reader>(std::move(*info), std::move(bytes));
    }
    Result<storage::objects::ObjectInfo> put(const Bucket& bucket, const ObjectKey& key,
                                             const storage::http::BodySource& body,
                                             const storage::objects::PutOptions& options) override {
        if (auto error = begin("put", bucket, key)) return fail(*error);
        std::string bytes(body.size(), '\0');
        for (std::size_t at = 0; at < bytes.size();) {
            const auto got =
                body.read(at, {reinterpret_cast<std::uint8_t*>(bytes.data()) + at, bytes.size() - at});
            if (!got || *got == 0) return fail(ErrorCode::http_broken, "the body ended early");
            at += *got;
        }
        write(bucket, key, std::move(bytes));
        const std::lock_guard lock{mutex_};
        auto& info = objects_.at({bucket.str(), key.str()}).info;
        info.content_type = options.content_type;
        info.metadata = options.metadata;
        return info;
    }
    Result<> remove(const Bucket& bucket, const ObjectKey& key, const std::optional<VersionId>&) override {
        if (auto error = begin("remove", bucket, key)) return fail(*error);
        const std::lock_guard lock{mutex_};
        objects_.erase({bucket.str(), key.str()});
        return {};
    }
    Result<ETag> copy(const Bucket& from, const ObjectKey& from_key, const Bucket& to,
                      const ObjectKey& to_key, const storage::objects::CopyOptions& options) override {
        if (auto error = begin("copy", from, from_key)) return fail(*error);
        const auto bytes = bytes_of(from, from_key);
        if (!bytes) return fail(ErrorCode::store_no_such_key, "no such object");
        {
            const std::lock_guard lock{mutex_};
            if (options.if_source_matches &&
                objects_.at({from.str(), from_key.str()}).info.etag != *options.if_source_matches)
                return fail(ErrorCode::store_precondition_failed, "another object");
        }
        return write(to, to_key, *bytes);
    }
    Result<storage::objects::ListPage> list(const Bucket& bucket,
                                            const storage::objects::ListOptions& options) override {
        if (auto error = begin("list", bucket, ObjectKey{})) return fail(*error);
        const std::lock_guard lock{mutex_};
        storage::objects::ListPage page;
        for (const auto& [place, object] : objects_) {
            if (place.first == bucket.str() && place.second.starts_with(options.prefix))
                page.objects.push_back({ObjectKey::trusted(place.second), object.info.etag, object.info.size,
                                        object.info.last_modified});
        }
        return page;
    }

    Result<std::vector<storage::objects::FailedKey>> remove_many(
        const Bucket& bucket, const std::vector<ObjectKey>& keys) override {
        for (const auto& key : keys)
            if (auto removed = remove(bucket, key, std::nullopt); !removed) return fail(removed.error());
        return std::vector<storage::objects::FailedKey>{};
    }
    Result<std::string> create_multipart(const Bucket& bucket, const ObjectKey& key,
                                         const storage::objects::PutOptions& options) override {
        if (auto error = begin("create_multipart", bucket, key)) return fail(*error);
        const std::lock_guard lock{mutex_};
        auto id = "mp-" + std::to_string(++last_etag_);
        multiparts_[id] = {bucket.str(), key, options.content_type, {}, multipart_started};
        return id;
    }
    Result<storage::objects::UploadedPart> put_part(const Bucket& bucket, const ObjectKey& key,
                                                    const std::string& upload, std::uint32_t number,
                                                    const storage::http::BodySource& body) override {
        if (auto error = begin("put_part", bucket, key)) return fail(*error);
        std::string bytes(body.size(), '\0');
        for (std::size_t at = 0; at < bytes.size();) {
            const auto got =
                body.read(at, {reinterpret_cast<std::uint8_t*>(bytes.data()) + at, bytes.size() - at});
            if (!got || *got == 0) return fail(ErrorCode::http_broken, "the body ended early");
            at += *got;
        }
        return send_part(upload, number, std::move(bytes));
    }
    /// As a client does.
    Result<storage::objects::UploadedPart> send_part(const std::string& upload, std::uint32_t number,
                                                     std::string bytes) {
        const std::lock_guard lock{mutex_};
        const auto found = multiparts_.find(upload);
        if (found == multiparts_.end()) return no_such_upload();
        const storage::objects::UploadedPart part{
            number, ETag::trusted("part-" + std::to_string(++last_etag_)), bytes.size()};
        found->second.parts[number] = {part, std::move(bytes)};
        return part;
    }
    Result<std::vector<storage::objects::UploadedPart>> list_parts(const Bucket& bucket, const ObjectKey& key,
                                                                   const std::string& upload) override {
        if (auto error = begin("list_parts", bucket, key)) return fail(*error);
        const std::lock_guard lock{mutex_};
        const auto found = multiparts_.find(upload);
        if (found == multiparts_.end()) return no_such_upload();
        std::vector<storage::objects::UploadedPart> parts;
        for (const auto& [number, part] : found->second.parts)
            parts.push_back(part.first);
        return parts;
    }
    using ObjectStore::complete_multipart;
    Result<ETag> complete_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload,
                                    const std::vector<storage::objects::UploadedPart>& parts,
                                    const storage::objects::CompleteOptions& options) override {
        if (auto error = begin("complete_multipart", bucket, key)) return fail(*error);
        std::string bytes, type;
        {
            const std::lock_guard lock{mutex_};
            const auto found = multiparts_.find(upload);
            if (found == multiparts_.end()) return no_such_upload();
            if (options.only_if_absent && objects_.contains({bucket.str(), key.str()}))
                return fail(ErrorCode::store_precondition_failed, "an object is there");
            for (const auto& part : parts) {
                const auto there = found->second.parts.find(part.number);
                if (there == found->second.parts.end() || there->second.first.etag != part.etag)
                    return fail(ErrorCode::store_invalid_part, "another part");
                bytes += there->second.second;
            }
            type = found->second.content_type;
            multiparts_.erase(found);
        }
        const auto etag = write(bucket, key, std::move(bytes));
        const std::lock_guard lock{mutex_};
        objects_.at({bucket.str(), key.str()}).info.content_type = type;
        return etag;
    }
    Result<> abort_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload) override {
        if (auto error = begin("abort_multipart", bucket, key)) return fail(*error);
        const std::lock_guard lock{mutex_};
        multiparts_.erase(upload);
        return {};
    }
    Result<storage::objects::MultipartPage> list_multipart(
        const Bucket& bucket, const std::string& prefix,
        const std::optional<storage::objects::MultipartPage::Marker>&) override {
        if (auto error = begin("list_multipart", bucket, ObjectKey{})) return fail(*error);
        const std::lock_guard lock{mutex_};
        storage::objects::MultipartPage page;
        for (const auto& [id, upload] : multiparts_) {
            if (upload.bucket == bucket.str() && upload.key.str().starts_with(prefix))
                page.uploads.push_back({upload.key, id, upload.started});
        }
        return page;
    }
    std::size_t multiparts() const {
        const std::lock_guard lock{mutex_};
        return multiparts_.size();
    }
    /// When those that are created next are said to have been begun.
    std::optional<Timestamp> multipart_started;

    Result<> set_notifications(const Bucket&,
                               const std::vector<storage::objects::NotificationRule>&) override {
        return left_out();
    }
    Result<> check_bucket(const Bucket&) override { return {}; }

  private:
    /// In pieces of a thousand bytes at most.
    class Reader final : public storage::objects::ObjectReader {
      public:
        Reader(storage::objects::ObjectInfo info, std::string bytes)
            : info_(std::move(info)), bytes_(std::move(bytes)) {}
        const storage::objects::ObjectInfo& info() const override { return info_; }
        std::uint64_t length() const override { return bytes_.size(); }
        Result<std::size_t> read(std::span<std::uint8_t> out) override {
            const std::size_t most = std::min({out.size(), bytes_.size() - at_, std::size_t{1'000}});
            std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), most, out.begin());
            at_ += most;
            return most;
        }

      private:
        storage::objects::ObjectInfo info_;
        std::string bytes_;
        std::size_t at_ = 0;
    };

    struct Object {
        std::string bytes;
        storage::objects::ObjectInfo info;
    };

    struct Multipart {
        std::string bucket;
        ObjectKey key;
        std::string content_type;
        std::map<std::uint32_t, std::pair<storage::objects::UploadedPart, std::string>> parts;
        std::optional<Timestamp> started;
    };

    static tl::unexpected<Error> no_such_upload() {
        return fail(ErrorCode::store_no_such_upload, "no such upload");
    }
    static tl::unexpected<Error> left_out() { return fail(ErrorCode::internal, "FakeStore leaves this out"); }
    std::optional<Error> begin(std::string_view name, const Bucket& bucket, const ObjectKey& key) {
        {
            const std::lock_guard lock{mutex_};
            ++calls_[std::string{name}];
        }
        return before ? before({name, bucket.str(), key.str()}) : std::nullopt;
    }
    Result<storage::objects::ObjectInfo> look(const Bucket& bucket, const ObjectKey& key,
                                              const storage::objects::GetOptions& options) const {
        const auto found = objects_.find({bucket.str(), key.str()});
        if (found == objects_.end()) return fail(ErrorCode::store_no_such_key, "no such object");
        if (options.if_match && *options.if_match != found->second.info.etag)
            return fail(ErrorCode::store_precondition_failed, "another object");
        return found->second.info;
    }

    mutable std::mutex mutex_;
    std::map<std::pair<std::string, std::string>, Object> objects_;
    std::map<std::string, Multipart> multiparts_;
    std::map<std::string, std::size_t, std::less<>> calls_;
    std::uint64_t last_etag_ = 0;
};

}  // namespace photogate::test
