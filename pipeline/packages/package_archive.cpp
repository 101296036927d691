#include "pipeline/packages/package_archive.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "storage/objects/object_store.hpp"

namespace photogate::pipeline::packages {
namespace {

namespace objects = storage::objects;
using namespace std::chrono_literals;
using packager::PageStart;
using packager::PlacedEntry;

/// Rows in memory for each download.
constexpr std::size_t kPage = 128;
/// How long a database that is away, as in a restart, is waited for.
constexpr auto kPatience = 20s;
constexpr auto kPause = 250ms;

/// `ask` until it answers, or its patience is over.
template <class Ask>
auto ask_patiently(Ask ask) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        auto answer = ask();
        if (answer || !is_retryable(answer.error().code) || std::chrono::steady_clock::now() > until)
            return answer;
        std::this_thread::sleep_for(kPause);
    }
}

storage::packages::PageStart to_start(const PageStart& start) {
    switch (start.by) {
        case PageStart::By::position:
            return storage::packages::FromPosition{start.value};
        case PageStart::By::offset:
            return storage::packages::FromArchiveByte{start.value};
        case PageStart::By::directory_offset:
            return storage::packages::FromDirectoryByte{start.value};
    }
    return storage::packages::FromPosition{start.value};
}

PlacedEntry to_entry(model::PackageItem item) {
    PlacedEntry placed;
    placed.position = item.position;
    placed.entry = {std::move(item.name), item.size, item.crc32, item.modified};
    placed.offset = item.archive_offset;
    placed.directory_offset = item.directory_offset;
    placed.object = {std::move(item.bucket), std::move(item.key), std::move(item.etag),
                     std::move(item.region)};
    return placed;
}

class Rows final : public packager::EntrySource {
  public:
    Rows(storage::packages::PackageStore& packages, PackageId id) : packages_(packages), id_(std::move(id)) {}

    Result<std::vector<PlacedEntry>> page(const PageStart& start) override {
        auto items = ask_patiently([&] { return packages_.page(id_, to_start(start), kPage); });
        if (!items) return fail(std::move(items.error()));
        if (items->empty()) return fail(ErrorCode::gone, "the package has ended");
        std::vector<PlacedEntry> entries;
        entries.reserve(items->size());
        for (auto& item : *items)
            entries.push_back(to_entry(std::move(item)));
        return entries;
    }

  private:
    storage::packages::PackageStore& packages_;
    const PackageId id_;
};

/// A part of what the records keep of a package themselves.
class TextReader final : public objects::ObjectReader {
  public:
    TextReader(storage::packages::PackageStore& packages, PackageId id, const PlacedEntry& placed,
               const objects::ByteRange& range)
        : packages_(packages), id_(std::move(id)), next_(range.first), end_(range.last + 1) {
        info_.etag = placed.object.etag;
        info_.size = placed.entry.size;
        length_ = end_ - next_;
    }
    const objects::ObjectInfo& info() const override { return info_; }
    std::uint64_t length() const override { return length_; }
    Result<std::size_t> read(std::span<std::uint8_t> out) override {
        if (next_ == end_ || out.empty()) return std::size_t{0};
        if (piece_.empty()) {
            auto text = ask_patiently([&] { return packages_.text(id_, next_); });
            if (!text) return fail(std::move(text.error()));
            if (text->empty()) return fail(ErrorCode::gone, "the package has ended");
            piece_ = std::move(*text);
        }
        const auto most =
            static_cast<std::size_t>(std::min<std::uint64_t>({out.size(), piece_.size(), end_ - next_}));
        std::copy_n(piece_.begin(), most, out.begin());
        piece_.erase(0, most);
        next_ += most;
        return most;
    }

  private:
    storage::packages::PackageStore& packages_;
    const PackageId id_;
    std::uint64_t next_;
    const std::uint64_t end_;
    std::uint64_t length_ = 0;
    objects::ObjectInfo info_;
    std::string piece_;
};

class Opener final : public packager::EntryOpener {
  public:
    Opener(storage::packages::PackageStore& packages, PackageId id, const Stores& stores)
        : packages_(packages), id_(std::move(id)), stores_(stores) {}

    Result<std::unique_ptr<objects::ObjectReader>> open(const PlacedEntry& placed,
                                                        const objects::ByteRange& range) override {
        if (placed.object.region.empty()) return std::make_unique<TextReader>(packages_, id_, placed, range);
        const auto* store = stores_.of(placed.object.region);
        if (!store) return fail(ErrorCode::unavailable, "the picture's region is not configured");
        const auto& bucket = placed.object.bucket.empty() ? store->region.published : placed.object.bucket;
        objects::GetOptions options;
        options.if_match = placed.object.etag;
        options.expected_size = placed.entry.size;
        options.verify_sha256 = false;  // its CRC-32 is compared
        if (range.first != 0 || range.last + 1 != placed.entry.size) options.range = range;
        return store->objects->open(bucket, placed.object.key, options);
    }

  private:
    storage::packages::PackageStore& packages_;
    const PackageId id_;
    const Stores& stores_;
};

}  // namespace

Result<std::unique_ptr<objects::ObjectReader>> open_stored(const Stores& stores,
                                                           const model::Package& package,
                                                           packager::Span span) {
    const Store* store = package.object ? stores.of(package.object->region) : nullptr;
    if (store == nullptr) return fail(ErrorCode::store_no_such_key, "the package's object is not known");
    objects::GetOptions options;
    options.expected_size = package.size;
    if (span.from != 0 || span.to != package.size) options.range = {span.from, span.to - 1};
    return store->objects->open(package.object->bucket, package.object->key, options);
}

std::unique_ptr<packager::ArchiveReader> open_archive(const ArchiveMeans& means,
                                                      const model::Package& package, packager::Span span) {
    packager::Extent extent;
    extent.entries = package.items;
    extent.central_offset = package.directory_offset;
    extent.size = package.size;
    extent.central_size = package.directory_size;
    packager::ArchiveReaderOptions options;
    options.post = means.post;
    options.etag = ETag::trusted(package.etag);
    options.modified = package.created_at;
    return std::make_unique<packager::ArchiveReader>(
        extent, span, std::make_shared<Rows>(means.packages, package.id),
        std::make_shared<Opener>(means.packages, package.id, means.stores), std::move(options));
}

Result<std::chrono::steady_clock::time_point> check_ready(storage::packages::PackageStore& packages,
                                                          const PackageId& id) {
    std::chrono::steady_clock::time_point asked_at;
    const auto ready = ask_patiently([&] {
        asked_at = std::chrono::steady_clock::now();
        return packages.is_ready(id);
    });
    if (!ready) return fail(ready.error());
    if (!*ready) return fail(ErrorCode::gone, "the package has ended");
    return asked_at;
}

}  // namespace photogate::pipeline::packages
