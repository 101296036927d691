// Internal: the strict readers behind metadata_remaining(). They use nothing of the walkers or the
// rewriters.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging::verifier {

/// What was found, each once; a hostile file can't make it long.
class Names {
  public:
    void add(std::string name) {
        if (names_.size() < kMost) names_.insert(std::move(name));
    }
    std::vector<std::string> sorted() const { return {names_.begin(), names_.end()}; }

  private:
    static constexpr std::size_t kMost = 100;
    std::set<std::string> names_;
};

void jpeg(BytesView file, Names& names, WorkBudget& budget);
void png(BytesView file, Names& names, WorkBudget& budget);
void webp(BytesView file, Names& names, WorkBudget& budget);
void gif(BytesView file, Names& names, WorkBudget& budget);
void bmff(BytesView file, Names& names, WorkBudget& budget);
void tiff(BytesView file, Names& names);

/// What a TIFF structure says beyond an orientation: `exif`, `exif.gps`, `exif.thumbnail`.
void exif_block(BytesView tiff, Names& names);

/// `icc` where a profile holds anything but what colour conversion needs: a tag that is not known, a byte between
/// tags, a text or a header field that is not the fixed one.
void icc_profile(BytesView profile, Names& names);

inline std::uint32_t be(BytesView bytes, std::size_t at, std::size_t width) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < width; ++i)
        value = value << 8 | (at + i < bytes.size() ? bytes[at + i] : 0U);
    return value;
}
inline std::uint32_t le(BytesView bytes, std::size_t at, std::size_t width) {
    std::uint32_t value = 0;
    for (std::size_t i = width; i-- > 0;)
        value = value << 8 | (at + i < bytes.size() ? bytes[at + i] : 0U);
    return value;
}
/// At most `n` bytes from `at`; empty beyond the end.
inline std::string_view text_at(BytesView bytes, std::size_t at, std::size_t n) {
    return at < bytes.size() ? as_text(bytes).substr(at, n) : std::string_view{};
}

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// A chunk's or box's four letters as they may be reported.
inline std::string printable(std::string_view raw) {
    std::string out;
    for (const char c : raw)
        out.push_back(c > ' ' && c < 0x7F ? c : '?');
    return out;
}

}  // namespace photogate::imaging::verifier
