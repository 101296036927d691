// A cursor over untrusted bytes: reading past the end gives zeros and is remembered.
//
// Callers read a whole structure and ask `ok()` once; no value read before that is trusted. Nothing is
// copied: the views given out live as long as the bytes underneath.
//
// Thread safety: a value of one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/encoding.hpp"

namespace photogate::imaging {

enum class Endian { big, little };

/// Where something lies in the file.
struct ByteRange {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    bool operator==(const ByteRange&) const = default;
};

/// True where the range lies within `size` bytes; safe against overflow.
constexpr bool fits(ByteRange range, std::uint64_t size) {
    return range.offset <= size && range.size <= size - range.offset;
}

/// The bytes of a range; empty where it does not fit.
inline BytesView slice(BytesView bytes, ByteRange range) {
    if (!fits(range, bytes.size())) return {};
    return bytes.subspan(static_cast<std::size_t>(range.offset), static_cast<std::size_t>(range.size));
}

/// The first `n` bytes as text, fewer where there are fewer.
inline std::string_view head_text(BytesView bytes, std::size_t n) {
    return as_text(bytes.first(n < bytes.size() ? n : bytes.size()));
}

inline bool starts_with(BytesView bytes, std::string_view prefix) {
    return head_text(bytes, prefix.size()) == prefix;
}

class ByteReader {
  public:
    explicit ByteReader(BytesView bytes, Endian endian = Endian::big) : bytes_(bytes), endian_(endian) {}

    bool ok() const { return ok_; }
    std::size_t position() const { return position_; }
    std::size_t left() const { return bytes_.size() - position_; }
    bool at_end() const { return left() == 0; }

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u24() { return static_cast<std::uint32_t>(number(3)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    /// An unsigned number of 0 to 8 bytes; 0 bytes is 0.
    std::uint64_t number(std::size_t width) {
        BytesView raw = take(width);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            const std::size_t at = endian_ == Endian::big ? i : raw.size() - 1 - i;
            value = value << 8 | raw[at];
        }
        return value;
    }
    std::string_view text(std::size_t n) { return as_text(take(n)); }

    BytesView take(std::uint64_t n) {
        if (n > left()) {
            ok_ = false;
            return {};
        }
        BytesView out = bytes_.subspan(position_, static_cast<std::size_t>(n));
        position_ += static_cast<std::size_t>(n);
        return out;
    }
    void skip(std::uint64_t n) { (void)take(n); }
    void seek(std::uint64_t position) {
        if (position > bytes_.size()) {
            ok_ = false;
            return;
        }
        position_ = static_cast<std::size_t>(position);
    }
    BytesView rest() const { return bytes_.subspan(position_); }

  private:
    BytesView bytes_;
    Endian endian_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

}  // namespace photogate::imaging
