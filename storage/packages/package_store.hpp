// Packages: what each archive is made of, fixed in one transaction and read page by page.
//
// create() looks up what is asked for and writes the items in bites, so that a package of 50,000 is never in memory as a whole. What
// they are called and where they lie in the archive is worked out by a PackagePlanner, inside the transaction: the records know
// nothing of zip.
//
// The uploads are locked while their items are written. A deletion marks the items of its upload and ends their packages in its
// own transaction (storage/records/queries/owner.sql), so after it no page has the item's object.
//
// Errors besides those of storage/records/database.hpp: package_not_found. Thread safety: every call from any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/package.hpp"
#include "storage/records/database.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::storage::packages {

/// An upload that is to be in a package.
struct AskedItem {
    std::string upload;               ///< as sent: it may be no id at all
    std::optional<std::string> name;  ///< in the archive; nullopt: the planner's choice
};

/// Published uploads of the app, oldest first.
struct PackageSelection {
    std::optional<ProfileName> profile;
    model::TextMap metadata;  ///< each must be so
    std::optional<Timestamp> created_after;
    std::optional<Timestamp> created_before;
};

/// What a later transaction has to know to lay out the archive. Its words are the planner's.
struct PackageRecipe {
    std::string content;
    std::string detail;
    std::string watermark;
    std::optional<std::string> path;
    std::optional<std::string> manifest;
};

struct NewPackage {
    model::Package package;
    std::optional<records::IdempotencyKey> idempotency;
    std::variant<std::vector<AskedItem>, PackageSelection> items;
    /// What of the uploads the planner looks at.
    enum class Need { no, yes };
    Need metadata = Need::no;
    Need originals = Need::no;
    /// Of a package whose versions may have to be made first; nullopt: what is not there is missing.
    std::optional<PackageRecipe> recipe;
    std::uint64_t most_preparing = 0;  ///< packages of an app at once, roughly kept
};

/// An object that holds a picture of an upload.
struct FoundObject {
    std::string region;
    Bucket bucket;  ///< empty: not known
    ObjectKey key;
    ETag etag;
    ByteSize size = 0;
    std::optional<std::uint32_t> crc32;
    std::string format;  ///< `jpeg`, …; of an original the media type that was found
    std::uint32_t width = 0;
    std::uint32_t height = 0;
};

/// An upload as it is when it is packed.
struct FoundUpload {
    UploadId id;
    PublicId public_id;
    ProfileName profile;
    model::UploadState state = model::UploadState::created;
    std::optional<std::string> filename;
    std::optional<std::string> taken_at;  ///< of its Exif facts, as they have it
    Timestamp created_at;
    std::optional<Timestamp> finished_at;
    model::TextMap metadata;  ///< where it is needed
    std::optional<FoundObject> image;
    std::optional<bool> image_alpha;  ///< model::PublishedImage::has_alpha
    std::string watermark;            ///< model::PublishedImage::watermark
    /// As it was sent, where it is kept and needed. `bucket` and `key` are empty: they follow from the region and the upload's id.
    std::optional<FoundObject> original;
    bool original_is_moving = false;     ///< to where it is kept
    std::optional<FoundObject> version;  ///< that the planner asked for, where there is it
};

struct FoundItem {
    AskedItem asked;                    ///< empty under a selection
    std::optional<FoundUpload> upload;  ///< nullopt: the app has none of this id
    std::string absent = {};  ///< why it is not in the archive, where that was decided before; else empty
};

/// Rows of some items.
struct PlannedItems {
    std::vector<model::PackageItem> entries;
    std::vector<model::MissingItem> missing;
    std::string text;  ///< of an entry without an upload, which the records keep
};

/// Where an archive ends up.
struct PackageTotals {
    std::uint64_t items = 0;
    std::uint64_t missing = 0;
    ByteSize size = 0;
    std::uint64_t directory_offset = 0;
    std::uint64_t directory_size = 0;
    std::string etag;
};

/// How it is with an item before the archive is laid out.
struct Standing {
    enum class Is {
        there,   ///< what is packed of it exists
        unmade,  ///< it can be made
        absent   ///< there is nothing to pack; `code` says why
    } is = Is::there;
    std::string code;
};

/// Works out an archive from what was found. Called inside the transaction, on its thread, in the order of the items.
class PackagePlanner {
  public:
    virtual ~PackagePlanner() = default;
    /// From the beginning: the transaction may be repeated.
    virtual void begin() = 0;
    /// The key of the version that is wanted of an upload; nullopt: none. Asked of each upload before add().
    virtual std::optional<std::string> version_of(const FoundUpload&) { return std::nullopt; }
    /// Rows for the next items. An Error ends the transaction, and is the answer.
    virtual Result<PlannedItems> add(std::span<const FoundItem> found) = 0;
    /// Further rows behind the last item.
    virtual Result<PlannedItems> finish() = 0;
    virtual PackageTotals totals() const = 0;

    /// Of the items that were added, those whose version can be made and is not there. Their archive can't be laid out yet.
    virtual std::uint64_t unmade() const { return 0; }
    virtual Standing standing(const FoundItem&) const { return {}; }
};

struct CreatedPackage {
    records::Created::How how = records::Created::How::created;
    model::Package package;  ///< as stored; of a replay as it is now
};

struct PackageListQuery {
    std::optional<AppName> app;  ///< nullopt: across apps, for the operator
    std::optional<PackageId> before;
    std::size_t limit = 50;
};

/// A package that nobody builds any more.
struct EndedPackage {
    PackageId id;
    bool has_jobs = false;  ///< its object is yet to be removed
};

/// Of a package's row as it is: another after every change of it.
struct MarkedPackage {
    PackageId id;
    std::uint64_t mark = 0;
};

struct FoundPackage {
    model::Package package;
    std::uint64_t mark = 0;  ///< of its row
};

/// From which entry on a page is read.
struct FromArchiveByte {
    std::uint64_t offset = 0;  ///< of the archive: the entry that has it, with its header
};
struct FromDirectoryByte {
    std::uint64_t offset = 0;  ///< of the central directory: the entry whose record has it
};
struct FromPosition {
    std::uint64_t position = 0;
};
using PageStart = std::variant<FromArchiveByte, FromDirectoryByte, FromPosition>;

class PackageStore {
  public:
    explicit PackageStore(records::Database& database);

    /// Where the planner says that versions have to be made, what was asked for is fixed, the package is `preparing`, and a job
    /// goes on (package_preparations.hpp). Errors besides: idempotency_key_reused, rate_limited, and the planner's.
    Result<CreatedPackage> create(const NewPackage& wanted, PackagePlanner& planner);
    /// `app` nullopt: the operator, or whoever holds a link.
    Result<model::Package> find(const std::optional<AppName>& app, const PackageId& id);
    /// Those that exist, in any order.
    Result<std::vector<model::Package>> find_all(const std::vector<PackageId>& ids);
    /// Those of them that are ready, failed or deleted.
    Result<std::vector<EndedPackage>> ended_among(const std::vector<PackageId>& ids);
    /// The marks of those of `ids` that exist, in any order; one query.
    Result<std::vector<MarkedPackage>> marks_of(const std::vector<PackageId>& ids);
    Result<FoundPackage> find_marked(const std::optional<AppName>& app, const PackageId& id);
    /// Newest first.
    Result<std::vector<model::Package>> list(const PackageListQuery& query);
    /// From now on its links are void. What was deleted before stays as it is.
    Result<model::Package> remove(const std::optional<AppName>& app, const PackageId& id);
    /// Entries of the archive in its order; none behind its last, nor of a package that is deleted or has ended because an upload
    /// of it was deleted.
    Result<std::vector<model::PackageItem>> page(const PackageId& id, const PageStart& from,
                                                 std::size_t limit);
    /// Whether its bytes may still be given out; its expiry apart.
    Result<bool> is_ready(const PackageId& id);
    /// Some of what an entry without an upload holds, from this byte on; empty behind its end.
    Result<std::string> text(const PackageId& id, std::uint64_t from);
    /// Entries that could not be read while it was built, the first `limit`.
    Result<std::vector<model::FailedItem>> failures(const PackageId& id, std::size_t limit);
    /// The first `limit`.
    Result<std::vector<model::MissingItem>> missing(const PackageId& id, std::size_t limit);

  private:
    records::DatabaseState& state_;
};

}  // namespace photogate::storage::packages
