// Records on a database of the test's own, and a store of MinIO whose buckets are empty when a test begins.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/intake.hpp"
#include "pipeline/stores.hpp"
#include "records_database.hpp"
#include "storage/http/body_source.hpp"
#include "storage/objects/s3_client.hpp"
#include "tests/support/real_parts.hpp"

namespace photogate::pipeline::test {

/// Counts what is asked of a store, and may be told to be away.
class WatchedStore final : public storage::objects::ObjectStore {
  public:
    explicit WatchedStore(storage::objects::ObjectStore& behind) : behind_(behind) {}

    std::atomic<int> heads{0}, lists{0}, removals{0};
    std::atomic<bool> away{false};
    std::function<void()> before_head, before_remove;

    Result<storage::objects::ObjectInfo> head(const Bucket& bucket, const ObjectKey& key,
                                              const storage::objects::GetOptions& options) override {
        ++heads;
        if (away) return nobody();
        if (before_head) before_head();
        return behind_.head(bucket, key, options);
    }
    Result<std::unique_ptr<storage::objects::ObjectReader>> open(
        const Bucket& bucket, const ObjectKey& key, const storage::objects::GetOptions& options) override {
        return behind_.open(bucket, key, options);
    }
    Result<storage::objects::ObjectInfo> put(const Bucket& bucket, const ObjectKey& key,
                                             const storage::http::BodySource& body,
                                             const storage::objects::PutOptions& options) override {
        return behind_.put(bucket, key, body, options);
    }
    Result<> remove(const Bucket& bucket, const ObjectKey& key,
                    const std::optional<VersionId>& version) override {
        ++removals;
        if (before_remove) before_remove();
        return behind_.remove(bucket, key, version);
    }
    Result<std::vector<storage::objects::FailedKey>> remove_many(
        const Bucket& bucket, const std::vector<ObjectKey>& keys) override {
        return behind_.remove_many(bucket, keys);
    }
    Result<ETag> copy(const Bucket& from, const ObjectKey& from_key, const Bucket& to,
                      const ObjectKey& to_key, const storage::objects::CopyOptions& options) override {
        return behind_.copy(from, from_key, to, to_key, options);
    }
    Result<storage::objects::ListPage> list(const Bucket& bucket,
                                            const storage::objects::ListOptions& options) override {
        ++lists;
        if (away) return nobody();
        return behind_.list(bucket, options);
    }
    Result<std::string> create_multipart(const Bucket& bucket, const ObjectKey& key,
                                         const storage::objects::PutOptions& options) override {
        return behind_.create_multipart(bucket, key, options);
    }
    Result<storage::objects::UploadedPart> put_part(const Bucket& bucket, const ObjectKey& key,
                                                    const std::string& upload, std::uint32_t number,
                                                    const storage::http::BodySource& body) override {
        return behind_.put_part(bucket, key, upload, number, body);
    }
    Result<std::vector<storage::objects::UploadedPart>> list_parts(const Bucket& bucket, const ObjectKey& key,
                                                                   const std::string& upload) override {
        return behind_.list_parts(bucket, key, upload);
    }
    Result<ETag> complete_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload,
                                    const std::vector<storage::objects::UploadedPart>& parts,
                                    const storage::objects::CompleteOptions& options) override {
        return behind_.complete_multipart(bucket, key, upload, parts, options);
    }
    Result<storage::objects::MultipartPage> list_multipart(
        const Bucket& bucket, const std::string& prefix,
        const std::optional<storage::objects::MultipartPage::Marker>& after) override {
        return behind_.list_multipart(bucket, prefix, after);
    }
    Result<> abort_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload) override {
        return behind_.abort_multipart(bucket, key, upload);
    }
    Result<> set_notifications(const Bucket& bucket,
                               const std::vector<storage::objects::NotificationRule>& rules) override {
        return behind_.set_notifications(bucket, rules);
    }
    Result<> check_bucket(const Bucket& bucket) override { return behind_.check_bucket(bucket); }

  private:
    static tl::unexpected<Error> nobody() {
        return fail(ErrorCode::store_unavailable, "the store is away for this test");
    }
    storage::objects::ObjectStore& behind_;
};

class OnRealStores : public storage::records::test::RecordsTest {
  protected:
    OnRealStores() {
        for (const auto& bucket : {incoming, published, originals}) {
            for (const auto& key : keys(bucket))
                EXPECT_TRUE(s3.remove(bucket, ObjectKey::trusted(key), std::nullopt));
        }
    }

    model::Upload create_here() {
        auto item = new_upload();
        item.upload.bucket = incoming;
        return try_create(std::move(item)).value().upload;
    }
    /// Straight into the store; no event comes of it here.
    std::string put(const Bucket& bucket, const ObjectKey& key, const std::string& bytes) {
        const storage::http::MemorySource body{bytes};
        const auto info = s3.put(bucket, key, body, {});
        if (!info) throw std::runtime_error{"put: " + info.error().detail};
        return info->etag.str();
    }
    void put(const model::Upload& upload, const std::string& bytes = "a picture") {
        put(upload.bucket, upload.key, bytes);
    }
    std::vector<std::string> keys(const Bucket& bucket) {
        std::vector<std::string> all;
        storage::objects::ListOptions listing;
        do {
            const auto page = s3.list(bucket, listing);
            if (!page) throw std::runtime_error{"list: " + page.error().detail};
            for (const auto& object : page->objects)
                all.push_back(object.key.str());
            listing.continuation = page->next;
        } while (listing.continuation);
        return all;
    }
    bool is_there(const Bucket& bucket, const ObjectKey& key) { return s3.head(bucket, key, {}).has_value(); }

    Stores make_stores() {
        model::StoreRegion region;
        region.name = "local";
        region.incoming = incoming;
        region.published = published;
        region.originals = Bucket::trusted(parts.originals);
        auto store = std::make_unique<WatchedStore>(s3);
        watched = store.get();
        std::map<std::string, Store> all;
        region.signer = {parts.signer.access, Secret{parts.signer.secret}, std::nullopt};
        signer::Signer signer(region.signer, region.signing_region);
        all.emplace("local", Store{region, std::move(signer), std::move(store)});
        return Stores{std::move(all)};
    }

    const photogate::test::RealParts parts = photogate::test::real_parts();
    const Bucket incoming = Bucket::trusted(parts.incoming);
    const Bucket published = Bucket::trusted(parts.published);
    const Bucket originals = Bucket::trusted(parts.originals);
    storage::http::HttpClient http{{}};
    storage::objects::SystemPacer pacer;
    storage::objects::S3Client s3{
        [this] {
            storage::objects::S3Options options;
            options.endpoint = *parse_endpoint(parts.s3_endpoint);
            options.credentials = {parts.worker.access, Secret{parts.worker.secret}, std::nullopt};
            options.region = Region::trusted(parts.s3_region);
            return options;
        }(),
        {http, system_clock, random, pacer}};
    WatchedStore* watched = nullptr;
    const Stores stores = make_stores();
    Intake intake{records->uploads, records->arrivals, stores, clock};
};

}  // namespace photogate::pipeline::test
