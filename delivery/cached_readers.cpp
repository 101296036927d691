#include "delivery/cached_readers.hpp"

#include <utility>

namespace photogate::delivery {

using storage::objects::ByteRange;

CachedReader::CachedReader(std::unique_ptr<ObjectReader> cached, ByteRange range, FromStore from_store)
    : reader_(std::move(cached)), range_(range), from_store_(std::move(from_store)) {}

Result<std::size_t> CachedReader::read(std::span<std::uint8_t> out) {
    auto got = reader_->read(out);
    if (!got && from_store_) {
        auto stored = std::exchange(from_store_, nullptr)({range_.first + given_, range_.last});
        if (!stored) return fail(std::move(stored.error()));
        reader_ = std::move(*stored);
        got = reader_->read(out);
    }
    if (got) given_ += *got;
    return got;
}

FillingReader::FillingReader(std::unique_ptr<ObjectReader> stored, std::unique_ptr<DiskCache::Writer> writer)
    : stored_(std::move(stored)), writer_(std::move(writer)) {}

Result<std::size_t> FillingReader::read(std::span<std::uint8_t> out) {
    const auto got = stored_->read(out);
    if (!writer_) return got;
    if (!got || !writer_->append(out.first(*got))) {
        writer_.reset();
        return got;
    }
    given_ += *got;
    if (given_ == length()) {
        (void)writer_->finish();
        writer_.reset();
    }
    return got;
}

}  // namespace photogate::delivery
