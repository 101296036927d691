#include "imaging/containers/jpeg_restarts.hpp"

#include <algorithm>

#include "imaging/containers/byte_reader.hpp"

namespace photogate::imaging {

namespace {

constexpr std::uint64_t kMost = 0xFFFF'FFFF;

std::uint64_t parts(std::uint64_t whole, std::uint64_t size) {
    return (whole + size - 1) / size;
}

}  // namespace

void JpegRestarts::frame(BytesView header) {
    ByteReader reader(header);
    reader.skip(1);
    height_ = reader.u16();
    width_ = reader.u16();
    count_ = std::min<std::size_t>(reader.u8(), components_.size());
    for (std::size_t i = 0; i < count_; ++i) {
        const std::uint8_t id = reader.u8();
        const std::uint8_t sampling = reader.u8();
        reader.skip(1);
        components_[i] = {id, std::max<std::uint32_t>(1, sampling >> 4), std::max<std::uint32_t>(1, sampling & 15U)};
    }
}

void JpegRestarts::interval(BytesView body) {
    interval_ = ByteReader(body).u16();
}

/// MCUs of a scan: blocks where it has one component, else what all its components' blocks make together.
std::uint64_t JpegRestarts::units(BytesView scan_header) const {
    std::uint64_t horizontal = 1;
    std::uint64_t vertical = 1;
    for (std::size_t i = 0; i < count_; ++i) {
        horizontal = std::max<std::uint64_t>(horizontal, components_[i].horizontal);
        vertical = std::max<std::uint64_t>(vertical, components_[i].vertical);
    }
    if (scan_header.size() < 2 || scan_header[0] != 1)
        return parts(width_, 8 * horizontal) * parts(height_, 8 * vertical);
    const auto end = components_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto only =
        std::find_if(components_.begin(), end, [&](const Component& c) { return c.id == scan_header[1]; });
    if (only == end) return 0;
    return parts(parts(width_ * std::uint64_t{only->horizontal}, horizontal), 8) *
           parts(parts(height_ * std::uint64_t{only->vertical}, vertical), 8);
}

void JpegRestarts::scan(BytesView header, std::size_t position) {
    const std::uint64_t all = interval_ == 0 ? 0 : units(header);
    wanted_ = all == 0 ? 0 : (all - 1) / interval_;
    passed_ = 0;
    last_marker_ = position;
    if (all != 0) intervals_ = static_cast<std::uint32_t>(std::min(intervals_ + wanted_ + 1, kMost));
}

void JpegRestarts::marker(std::uint8_t code, std::size_t position) {
    if (interval_ == 0) return;  // decoders say what they make of it
    last_marker_ = position;
    // Up to three ahead of its turn: those between are missing. Anything else is a wrong number.
    const std::uint64_t ahead = (code - 0xD0U - passed_) & 7U;
    if (ahead == 0) {
        ++passed_;
    } else if (ahead <= 3 && passed_ + ahead < wanted_) {
        fault(ahead);
        passed_ += ahead + 1;
    } else {
        if (passed_ < wanted_) fault(1);
        ++passed_;
    }
}

void JpegRestarts::end_scan(std::size_t position) {
    if (passed_ < wanted_) fault(wanted_ - passed_);
    // Some encoders write one more marker behind the last interval.
    const bool only_closes = passed_ == wanted_ + 1 && position <= last_marker_ + 2;
    if (passed_ > wanted_ && !only_closes) fault(passed_ - wanted_);
    wanted_ = passed_ = 0;
}

void JpegRestarts::fault(std::uint64_t count) {
    faults_ = static_cast<std::uint32_t>(std::min(faults_ + count, kMost));
}

}  // namespace photogate::imaging
