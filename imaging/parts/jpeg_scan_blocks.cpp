#include "imaging/parts/jpeg_scan_blocks.hpp"

#include <algorithm>
#include <bit>

namespace photogate::imaging {

namespace {

constexpr unsigned kMaxBits = 11;  ///< of a difference or a coefficient of an 8-bit picture (T.81, F.1.2)

}  // namespace

bool JpegBlocks::read(const HuffmanTable& dc, const HuffmanTable& ac, std::uint64_t* history) {
    if (!progressive_) return sequential(dc, ac) && reader_.ok();
    bool sound = true;
    if (scan_.first == 0) {
        if (scan_.high == 0)
            sound = dc_first(dc);
        else
            reader_.bits(1);
    } else {
        sound = scan_.high == 0 ? ac_first(ac, *history) : ac_refine(ac, *history);
    }
    return sound && reader_.ok();
}

bool JpegBlocks::dc_first(const HuffmanTable& dc) {
    const int bits = reader_.symbol(dc);
    if (bits < 0 || bits > static_cast<int>(kMaxBits)) return false;
    reader_.bits(static_cast<unsigned>(bits));
    return true;
}

bool JpegBlocks::sequential(const HuffmanTable& dc, const HuffmanTable& ac) {
    if (!dc_first(dc)) return false;
    for (unsigned at = 1; at < 64;) {
        const int symbol = reader_.symbol(ac);
        if (symbol < 0) return false;
        const unsigned zeros = static_cast<unsigned>(symbol) >> 4;
        const unsigned bits = static_cast<unsigned>(symbol) & 15U;
        if (bits == 0 && zeros < 15) return true;  // the end of the block
        at += zeros;
        if (at > 63 || bits >= kMaxBits) return false;
        reader_.bits(bits);
        ++at;
    }
    return true;
}

bool JpegBlocks::ac_first(const HuffmanTable& ac, std::uint64_t& history) {
    if (run_ > 0) {
        --run_;
        return true;
    }
    for (unsigned at = scan_.first; at <= scan_.last;) {
        const int symbol = reader_.symbol(ac);
        if (symbol < 0) return false;
        const unsigned zeros = static_cast<unsigned>(symbol) >> 4;
        const unsigned bits = static_cast<unsigned>(symbol) & 15U;
        if (bits == 0 && zeros < 15) {
            run_ = (1U << zeros) + reader_.bits(zeros) - 1;
            return true;
        }
        at += zeros;
        if (at > scan_.last || bits >= kMaxBits) return false;
        if (bits != 0) history |= std::uint64_t{1} << at;
        reader_.bits(bits);
        ++at;
    }
    return true;
}

void JpegBlocks::skip_bits(unsigned count) {
    for (; count > 16; count -= 16)
        reader_.bits(16);
    reader_.bits(count);
}

/// Up to the coefficient behind that many zeros; those that were not zero before have a bit each.
bool JpegBlocks::skip_coefficients(std::uint64_t history, unsigned& at, unsigned zeros) {
    for (; at <= scan_.last; ++at) {
        if ((history >> at & 1U) != 0)
            reader_.bits(1);
        else if (zeros-- == 0)
            return true;
    }
    return false;
}

bool JpegBlocks::ac_refine(const HuffmanTable& ac, std::uint64_t& history) {
    const std::uint64_t before = history;
    unsigned at = scan_.first;
    while (run_ == 0 && at <= scan_.last) {
        const int symbol = reader_.symbol(ac);
        if (symbol < 0) return false;
        const unsigned zeros = static_cast<unsigned>(symbol) >> 4;
        const unsigned bits = static_cast<unsigned>(symbol) & 15U;
        if (bits == 0 && zeros < 15) {
            run_ = (1U << zeros) + reader_.bits(zeros);
            break;
        }
        if (bits > 1) return false;
        reader_.bits(bits);  // the sign
        if (!skip_coefficients(before, at, zeros)) return false;
        if (bits == 1) history |= std::uint64_t{1} << at;
        ++at;
    }
    if (run_ == 0) return true;
    --run_;
    const std::uint64_t upper =
        scan_.last == 63 ? ~std::uint64_t{0} : (std::uint64_t{1} << (scan_.last + 1)) - 1;
    const std::uint64_t rest = at > 63 ? 0 : before & upper & ~((std::uint64_t{1} << at) - 1);
    skip_bits(static_cast<unsigned>(std::popcount(rest)));
    return true;
}

}  // namespace photogate::imaging
