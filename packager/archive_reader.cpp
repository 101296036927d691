#include "packager/archive_reader.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/format.h>

namespace photogate::packager {

namespace so = storage::objects;

namespace {

std::uint64_t data_offset(const PlacedEntry& placed) {
    return placed.offset + local_header_size(placed.entry);
}

std::uint64_t end_of(const PlacedEntry& placed) {
    return data_offset(placed) + placed.entry.size;
}

std::uint64_t directory_end_of(const PlacedEntry& placed) {
    return placed.directory_offset + central_record_size(placed.entry, placed.offset);
}

Error named(Error error, const PlacedEntry& placed) {
    error.detail = fmt::format("entry {}, {}: {}", placed.position, placed.entry.name, error.detail);
    return error;
}

tl::unexpected<Error> no_layout(std::uint64_t at) {
    return fail(ErrorCode::internal,
                fmt::format("the rows of the archive give no entry for its byte {}", at));
}

}  // namespace

Result<std::unique_ptr<so::ObjectReader>> StoreOpener::open(const PlacedEntry& entry,
                                                            const so::ByteRange& range) {
    so::GetOptions options{.if_match = entry.object.etag, .expected_size = entry.entry.size};
    if (range.first != 0 || range.last + 1 != entry.entry.size) options.range = range;
    return store_.open(entry.object.bucket, entry.object.key, options);
}

/// An object that is opened by whoever comes first: a thread of the pool, or the reader whose turn it is.
class ArchiveReader::Opening : public std::enable_shared_from_this<Opening> {
  public:
    Opening(std::shared_ptr<EntryOpener> opener, PlacedEntry placed, so::ByteRange range)
        : opener_(std::move(opener)), placed_(std::move(placed)), range_(range) {}

    const PlacedEntry& placed() const { return placed_; }

    void run() {
        {
            const std::lock_guard lock{mutex_};
            if (std::exchange(begun_, true)) return;
        }
        auto opened = opener_->open(placed_, range_);
        {
            const std::lock_guard lock{mutex_};
            result_.emplace(std::move(opened));
            // Nobody will take it: its connection goes back now.
            if (dropped_) result_.reset();
        }
        done_.notify_all();
    }

    /// Opens it on this thread if no other has begun to. Once.
    Result<std::unique_ptr<so::ObjectReader>> take() {
        run();
        std::unique_lock lock{mutex_};
        done_.wait(lock, [this] { return result_.has_value(); });
        return std::move(*result_);
    }

    void drop() {
        const std::lock_guard lock{mutex_};
        begun_ = true;
        dropped_ = true;
        result_.reset();
    }

  private:
    const std::shared_ptr<EntryOpener> opener_;
    const PlacedEntry placed_;
    const so::ByteRange range_;
    std::mutex mutex_;
    std::condition_variable done_;
    bool begun_ = false;
    bool dropped_ = false;
    std::optional<Result<std::unique_ptr<so::ObjectReader>>> result_;
};

ArchiveReader::ArchiveReader(const Extent& extent, Span span, std::shared_ptr<EntrySource> source,
                             std::shared_ptr<EntryOpener> opener, ArchiveReaderOptions options)
    : extent_(extent),
      span_{std::min(span.from, extent.size),
            std::clamp(span.to, std::min(span.from, extent.size), extent.size)},
      source_(std::move(source)),
      opener_(std::move(opener)),
      options_(std::move(options)),
      at_(span_.from) {
    info_.etag = options_.etag;
    info_.size = extent_.size;
    info_.last_modified = options_.modified;
    info_.content_type = "application/zip";
}

ArchiveReader::~ArchiveReader() {
    for (const auto& opening : openings_)
        opening->drop();
}

Result<std::size_t> ArchiveReader::read(std::span<std::uint8_t> out) {
    if (broken_) return fail(*broken_);
    if (at_ == span_.to || out.empty()) return std::size_t{0};
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), span_.to - at_));
    auto got = read_some(out.first(most));
    if (!got) {
        object_.reset();
        broken_ = std::move(got.error());
        return fail(*broken_);
    }
    at_ += *got;
    return *got;
}

Result<std::size_t> ArchiveReader::read_some(std::span<std::uint8_t> out) {
    if (at_ < extent_.central_offset) return read_entry(out);
    const std::uint64_t end_at = extent_.central_offset + extent_.central_size;
    if (at_ < end_at) return read_directory(out);
    return copy(end_of_archive(extent_.entries, extent_.central_offset, extent_.central_size), end_at, out);
}

Result<std::size_t> ArchiveReader::read_entry(std::span<std::uint8_t> out) {
    const auto found = find({PageStart::By::offset, at_});
    if (!found) return fail(found.error());
    const PlacedEntry& placed = **found;
    const std::uint64_t data = data_offset(placed);
    if (at_ >= data) return read_object(placed, out);
    if (text_at_ != placed.offset) {
        text_ = local_header(placed.entry);
        text_at_ = placed.offset;
    }
    open_ahead();
    return copy(text_, placed.offset, out);
}

Result<std::size_t> ArchiveReader::read_directory(std::span<std::uint8_t> out) {
    const auto found = find({PageStart::By::directory_offset, at_ - extent_.central_offset});
    if (!found) return fail(found.error());
    const PlacedEntry& placed = **found;
    const std::uint64_t begin = extent_.central_offset + placed.directory_offset;
    if (text_at_ != begin) {
        text_ = central_record(placed.entry, placed.offset);
        text_at_ = begin;
    }
    return copy(text_, begin, out);
}

/// The bytes of a text that begins at `begin` of the archive, from at_ on.
Result<std::size_t> ArchiveReader::copy(const std::string& text, std::uint64_t begin,
                                        std::span<std::uint8_t> out) {
    const auto skipped = static_cast<std::size_t>(at_ - begin);
    if (skipped >= text.size()) return no_layout(at_);
    const std::size_t most = std::min(out.size(), text.size() - skipped);
    std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(skipped), most, out.begin());
    return most;
}

Result<const PlacedEntry*> ArchiveReader::find(PageStart start) {
    const bool of_directory = start.by == PageStart::By::directory_offset;
    const auto begin = [&](const PlacedEntry& placed) {
        return of_directory ? placed.directory_offset : placed.offset;
    };
    const auto end = [&](const PlacedEntry& placed) {
        return of_directory ? directory_end_of(placed) : end_of(placed);
    };
    if (std::exchange(page_is_of_directory_, of_directory) != of_directory) {
        page_.clear();
        object_.reset();
    }
    if (!page_.empty() && start.value >= end(page_[current_])) {
        // The next one begins where this one ends; what lies between would be a gap in the archive.
        if (start.value != end(page_[current_])) return no_layout(at_);
        object_.reset();
        const std::uint64_t next = page_[current_].position + 1;
        if (++current_ == page_.size()) {
            page_.clear();
            start = {PageStart::By::position, next};
        } else if (page_[current_].position != next || begin(page_[current_]) != start.value) {
            return no_layout(at_);
        }
    }
    if (page_.empty()) {
        const std::uint64_t byte = of_directory ? at_ - extent_.central_offset : at_;
        auto page = source_->page(start);
        if (!page) return fail(page.error());
        if (page->empty() || begin(page->front()) > byte || end(page->front()) <= byte) return no_layout(at_);
        if (start.by == PageStart::By::position &&
            (page->front().position != start.value || begin(page->front()) != byte))
            return no_layout(at_);
        page_ = std::move(*page);
        current_ = 0;
    }
    return &page_[current_];
}

const PlacedEntry* ArchiveReader::peek(std::size_t distance) const {
    return current_ + distance < page_.size() ? &page_[current_ + distance] : nullptr;
}

so::ByteRange ArchiveReader::wanted(const PlacedEntry& placed, std::uint64_t begin) const {
    const std::uint64_t data = data_offset(placed);
    return {begin - data, std::min(end_of(placed), span_.to) - data - 1};
}

void ArchiveReader::open_ahead() {
    if (!options_.post) return;
    // The current one is opened while its header is on its way; empty ones need no object.
    std::size_t open = 0;
    for (std::size_t distance = 0; open <= options_.ahead; ++distance) {
        const PlacedEntry* placed = peek(distance);
        if (placed == nullptr || data_offset(*placed) >= span_.to) return;
        if (placed->entry.size == 0) {
            if (distance > 4 * (options_.ahead + 1)) return;
            continue;
        }
        ++open;
        if (distance == 0 && (object_ || at_ > data_offset(*placed))) continue;
        const bool begun = std::any_of(openings_.begin(), openings_.end(), [&](const auto& opening) {
            return opening->placed().position == placed->position;
        });
        if (begun) continue;
        auto opening = std::make_shared<Opening>(opener_, *placed, wanted(*placed, data_offset(*placed)));
        if (!options_.post([opening] { opening->run(); })) return;
        openings_.push_back(std::move(opening));
    }
}

Result<> ArchiveReader::open(const PlacedEntry& placed) {
    const auto range = wanted(placed, at_);
    Result<std::unique_ptr<so::ObjectReader>> opened;
    const bool ahead = !openings_.empty() && openings_.front()->placed().position == placed.position;
    if (ahead && at_ == data_offset(placed) && resumed_ == 0) {
        opened = openings_.front()->take();
        openings_.pop_front();
    } else {
        if (ahead) {
            openings_.front()->drop();
            openings_.pop_front();
        }
        opened = opener_->open(placed, range);
    }
    if (!opened) return fail(opened.error());
    if ((*opened)->info().etag != placed.object.etag)
        return fail(ErrorCode::store_precondition_failed, "another object is there now");
    if ((*opened)->info().size != placed.entry.size || (*opened)->length() != range.last - range.first + 1)
        return fail(ErrorCode::size_mismatch, fmt::format("the object has {} bytes, not {}",
                                                          (*opened)->info().size, placed.entry.size));
    object_ = std::move(*opened);
    return {};
}

Result<std::size_t> ArchiveReader::read_object(const PlacedEntry& placed, std::span<std::uint8_t> out) {
    const std::uint64_t data = data_offset(placed);
    if (at_ == data && !object_) {
        resumed_ = 0;
        whole_ = true;
        crc32_ = 0;
        read_of_entry_ = 0;
    } else if (at_ == span_.from) {
        resumed_ = 0;
        whole_ = false;
        crc32_ = 0;
        read_of_entry_ = 0;
    }
    const auto left = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), end_of(placed) - at_));
    const auto got = read_piece(placed, out.first(left));
    if (!got) {
        broken_entry_ = placed.position;
        return fail(named(got.error(), placed));
    }
    open_ahead();
    crc32_ = crc32(crc32_, out.first(*got));
    read_of_entry_ += *got;
    const bool ends = at_ + *got == end_of(placed);
    if (!ends && at_ + *got != span_.to) return *got;
    if (!whole_ || !ends) {
        fragments_.push_back({placed.position, read_of_entry_, crc32_, ends, placed.entry.crc32});
        return *got;
    }
    if (crc32_ != placed.entry.crc32) {
        broken_entry_ = placed.position;
        return fail(named({ErrorCode::store_checksum_mismatch,
                           fmt::format("the object's CRC-32 is {:08x}, not {:08x} as it was laid out", crc32_,
                                       placed.entry.crc32),
                           {},
                           std::nullopt},
                          placed));
    }
    return *got;
}

Result<std::size_t> ArchiveReader::read_piece(const PlacedEntry& placed, std::span<std::uint8_t> out) {
    while (true) {
        Error error;
        if (object_) {
            auto got = object_->read(out);
            if (got && *got > 0) return *got;
            error =
                got ? Error{ErrorCode::http_broken, "the object ended early", {}, std::nullopt} : got.error();
            object_.reset();
        } else {
            const auto opened = open(placed);
            if (opened) continue;
            error = opened.error();
        }
        // What the store says of the bytes themselves stays so.
        if (!is_retryable(error.code) || error.code == ErrorCode::store_checksum_mismatch ||
            resumed_++ == options_.resumptions)
            return fail(std::move(error));
    }
}

}  // namespace photogate::packager
