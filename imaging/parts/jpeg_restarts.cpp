#include "imaging/parts/jpeg_restarts.hpp"

#include <algorithm>

#include "imaging/byte_reader.hpp"

namespace photogate::imaging {

namespace {

constexpr std::uint64_t kMostCounted = 0xFFFF'FFFF;

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
        components_[i] = {id, std::max<std::uint32_t>(1, sampling >> 4),
                          std::max<std::uint32_t>(1, sampling & 15U)};
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
    seen_.clear();
    last_marker_ = position;
    if (all != 0) intervals_ = static_cast<std::uint32_t>(std::min(intervals_ + wanted_ + 1, kMostCounted));
}

void JpegRestarts::marker(std::uint8_t code, std::size_t position) {
    if (interval_ == 0) return;  // decoders say what they make of it
    last_marker_ = position;
    seen_.push_back(code & 7U);
}

void JpegRestarts::end_scan(std::size_t position) {
    // Some encoders write one more marker behind the last interval.
    if (seen_.size() == wanted_ + 1 && position <= last_marker_ + 2) seen_.pop_back();
    std::uint64_t turn = 0;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
        const std::uint64_t ahead = (seen_[i] - turn) & 7U;
        const bool goes_on = i + 1 == seen_.size() || seen_[i + 1] == ((seen_[i] + 1U) & 7U);
        if (ahead == 0) {
            ++turn;
        } else if (goes_on && seen_.size() < wanted_) {
            fault(ahead);  // those between are missing
            turn += ahead + 1;
        } else {
            fault(1);  // a wrong number, or one too many
            if (seen_.size() - i <= wanted_ - std::min(turn, wanted_)) ++turn;
        }
    }
    if (turn < wanted_) fault(wanted_ - turn);
    if (turn > wanted_) fault(turn - wanted_);
    seen_.clear();
    wanted_ = 0;
}

void JpegRestarts::fault(std::uint64_t count) {
    faults_ = static_cast<std::uint32_t>(std::min(faults_ + count, kMostCounted));
}

}  // namespace photogate::imaging
