// Internal: the blocks of one scan, and what is known of their coefficients.
//
// Thread safety: values of one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "imaging/parts/jpeg_entropy.hpp"

namespace photogate::imaging {

struct JpegComponent {
    std::uint8_t id = 0;
    unsigned horizontal = 1;  ///< sampling factors, 1 to 4
    unsigned vertical = 1;
    std::size_t columns = 0;  ///< blocks that the picture needs
    std::size_t rows = 0;
    std::size_t stride = 0;  ///< blocks of a row in an interleaved scan
    bool scanned = false;
    /// Of each coefficient: bits that are still to come; -1 where none was coded yet.
    std::array<int, 64> missing_bits{};
    /// Progressive: for each block, which coefficients are not zero so far.
    std::vector<std::uint64_t> history;
};

/// What a scan's header says, and the tables that it uses.
struct JpegScanHeader {
    unsigned first = 0;  ///< coefficients, in zigzag order
    unsigned last = 63;
    unsigned high = 0;  ///< the bit above the lowest that was coded before; 0 in the first scan
    unsigned low = 0;   ///< the lowest bit that is coded now
};

/// Reads blocks. Each call: false where the codes are not those of such a block.
class JpegBlocks {
  public:
    JpegBlocks(EntropyReader& reader, const JpegScanHeader& scan, bool progressive)
        : reader_(reader), scan_(scan), progressive_(progressive) {}

    bool read(const HuffmanTable& dc, const HuffmanTable& ac, std::uint64_t* history);
    /// Blocks that a run says have nothing more to code. 0 at the end of a sound interval.
    std::uint32_t run() const { return run_; }

  private:
    bool sequential(const HuffmanTable& dc, const HuffmanTable& ac);
    bool dc_first(const HuffmanTable& dc);
    bool ac_first(const HuffmanTable& ac, std::uint64_t& history);
    bool ac_refine(const HuffmanTable& ac, std::uint64_t& history);
    bool skip_coefficients(std::uint64_t history, unsigned& at, unsigned zeros);
    void skip_bits(unsigned count);

    EntropyReader& reader_;
    const JpegScanHeader& scan_;
    bool progressive_;
    std::uint32_t run_ = 0;
};

}  // namespace photogate::imaging
