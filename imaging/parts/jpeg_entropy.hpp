// Internal: the entropy-coded data of a Huffman-coded JPEG, code by code (ITU T.81, annexes C and F).
//
// Thread safety: values of one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/encoding.hpp"

namespace photogate::imaging {

/// One table of a DHT segment, as a decoder needs it.
class HuffmanTable {
  public:
    /// `counts`: the number of codes of 1 to 16 bits; `symbols`: their values, shorter codes first. False where
    /// there are more codes than bits allow or fewer symbols than counts.
    bool define(BytesView counts, BytesView symbols);
    bool is_defined() const { return defined_; }

  private:
    friend class EntropyReader;
    static constexpr unsigned kFast = 9;

    std::array<std::uint16_t, 1U << kFast> fast_{};  ///< length × 256 + symbol; 0 where the code is longer
    std::array<std::int32_t, 17> last_code_{};       ///< of each length; -1 where there is none
    std::array<std::int32_t, 17> first_symbol_{};    ///< its index less the length's first code
    std::array<std::uint8_t, 256> symbols_{};
    bool defined_ = false;
};

/// A cursor over the bits of one scan. Stuffed zeros and fill bytes are left out; the first marker, or the end of the file, is
/// where the bits end. Reading beyond gives zeros and is remembered.
class EntropyReader {
  public:
    EntropyReader(BytesView file, std::size_t position) : file_(file), next_(position) {}

    /// False once more bits were asked for than there are.
    bool ok() const { return ok_; }

    /// 0 to 16 bits.
    std::uint32_t bits(unsigned count) {
        if (available_ < count) fill(count);
        available_ -= count;
        return static_cast<std::uint32_t>(window_ >> available_) & ((1U << count) - 1U);
    }
    /// The symbol of the next code; -1 where the table has no such code.
    int symbol(const HuffmanTable& table);

    /// Behind the byte that the last bit came from, its stuffed zero included. What is left of that byte is
    /// padding.
    std::size_t end() const;
    /// Goes on at a byte of its own, as behind a restart marker.
    void restart(std::size_t position);

  private:
    void fill(unsigned wanted);

    BytesView file_;
    std::size_t next_;  ///< the next byte to be read
    std::uint64_t window_ = 0;
    unsigned available_ = 0;  ///< bits of the window that are not used yet
    bool ok_ = true;
};

}  // namespace photogate::imaging
