#include "imaging/parts/jpeg_entropy.hpp"

#include <algorithm>

namespace photogate::imaging {

bool HuffmanTable::define(BytesView counts, BytesView symbols) {
    defined_ = false;
    if (counts.size() != 16) return false;
    fast_.fill(0);
    last_code_.fill(-1);
    std::int32_t code = 0;
    std::size_t used = 0;
    for (unsigned length = 1; length <= 16; ++length, code <<= 1) {
        const std::int32_t count = counts[length - 1];
        if (code + count > std::int32_t{1} << length ||
            used + static_cast<std::size_t>(count) > std::min<std::size_t>(symbols.size(), symbols_.size()))
            return false;
        first_symbol_[length] = static_cast<std::int32_t>(used) - code;
        for (std::int32_t i = 0; i < count; ++i, ++code, ++used) {
            symbols_[used] = symbols[used];
            if (length > kFast) continue;
            const std::size_t start = static_cast<std::size_t>(code) << (kFast - length);
            const std::uint16_t entry = static_cast<std::uint16_t>(length << 8 | symbols[used]);
            std::fill_n(fast_.begin() + static_cast<std::ptrdiff_t>(start),
                        std::size_t{1} << (kFast - length), entry);
        }
        if (count > 0) last_code_[length] = code - 1;
    }
    defined_ = used > 0;
    return defined_;
}

void EntropyReader::fill(unsigned wanted) {
    while (available_ <= 48) {
        std::size_t last = next_;  // of the byte's own: fill bytes and a stuffed zero may belong to it
        while (last < file_.size() && file_[last] == 0xFF)
            ++last;
        if (last >= file_.size() || (last > next_ && file_[last] != 0)) break;
        window_ = window_ << 8 | file_[next_];
        available_ += 8;
        next_ = last + 1;
    }
    if (available_ >= wanted) return;
    ok_ = false;
    window_ <<= 16;
    available_ += 16;
}

int EntropyReader::symbol(const HuffmanTable& table) {
    if (available_ < 16 && ok_) {
        fill(0);
        // The last codes of a scan are shorter than the longest that there could be.
        if (available_ < 16) {
            std::int32_t code = 0;
            for (unsigned length = 1; length <= 16; ++length) {
                code = code << 1 | static_cast<std::int32_t>(bits(1));
                if (!ok_) return -1;
                if (code <= table.last_code_[length])
                    return table.symbols_[static_cast<std::size_t>(table.first_symbol_[length] + code)];
            }
            return -1;
        }
    }
    if (!ok_) return -1;
    const auto ahead = static_cast<std::uint32_t>(window_ >> (available_ - 16)) & 0xFFFFU;
    const std::uint16_t entry = table.fast_[ahead >> (16 - HuffmanTable::kFast)];
    if (entry != 0) {
        available_ -= entry >> 8;
        return entry & 0xFF;
    }
    for (unsigned length = HuffmanTable::kFast + 1; length <= 16; ++length) {
        const auto code = static_cast<std::int32_t>(ahead >> (16 - length));
        if (code > table.last_code_[length]) continue;
        available_ -= length;
        return table.symbols_[static_cast<std::size_t>(table.first_symbol_[length] + code)];
    }
    return -1;
}

std::size_t EntropyReader::end() const {
    std::size_t at = next_;
    for (unsigned unused = available_ / 8; unused > 0; --unused) {
        --at;
        if (file_[at] != 0) continue;
        while (at > 0 && file_[at - 1] == 0xFF)
            --at;
    }
    return at;
}

void EntropyReader::restart(std::size_t position) {
    next_ = position;
    window_ = 0;
    available_ = 0;
}

}  // namespace photogate::imaging
