#include "imaging/containers/camera_raw.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "imaging/containers/exif_directory.hpp"

namespace photogate::imaging {

namespace {

constexpr std::size_t kMaxRawDirectories = 64;
constexpr std::uint32_t kMaxBelow = 16;  ///< directories below one
constexpr std::uint64_t kWork = 64ULL << 20;

constexpr std::uint16_t kSubfileType = 254;
constexpr std::uint16_t kWidth = 256;
constexpr std::uint16_t kHeight = 257;
constexpr std::uint16_t kCompression = 259;
constexpr std::uint16_t kPhotometric = 262;
constexpr std::uint16_t kSubDirectories = 330;
constexpr std::uint16_t kDngVersion = 50706;

/// Colour filter array (TIFF/EP) and linear raw (DNG 1.1).
constexpr std::array<std::uint32_t, 2> kRawPhotometric = {32803, 34892};
/// Sony ARW, packed raw (Epson, Nikon), Samsung SRW, Kodak KDC, Nikon NEF, lossy DNG, Kodak DCR, Pentax PEF.
constexpr std::array<std::uint32_t, 8> kRawCompression = {32767, 32769, 32770, 32867,
                                                          34713, 34892, 65000, 65535};

template <std::size_t N>
bool one_of(const std::array<std::uint32_t, N>& numbers, std::uint32_t number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

class RawDetector {
  public:
    RawDetector(BytesView tiff, exif::TiffHeader header) : tiff_(tiff), header_(header) {}

    bool run() {
        std::uint32_t offset = header_.first;
        bool first = true;
        while (offset != 0 && !raw_) {
            const auto directory = visit(offset);
            if (!directory) break;
            if (first)
                take_first(*directory);
            else if (pixels(*directory) > first_pixels_)
                elsewhere_ = true;
            visit_below(*directory, first ? Parent::first : Parent::later);
            first = false;
            offset = directory->next;
        }
        return raw_ || (reduced_ && elsewhere_);
    }

  private:
    std::optional<exif::Directory> visit(std::uint32_t offset) {
        if (seen_.size() >= kMaxRawDirectories ||
            std::find(seen_.begin(), seen_.end(), offset) != seen_.end())
            return std::nullopt;
        seen_.push_back(offset);
        auto directory = exif::directory_at(tiff_, header_.endian, offset, budget_);
        if (!directory) return std::nullopt;
        for (const exif::Field& field : directory->fields) {
            if (field.tag == kDngVersion) raw_ = true;
            if (field.tag == kPhotometric) raw_ = raw_ || one_of(kRawPhotometric, number(field));
            if (field.tag == kCompression) raw_ = raw_ || one_of(kRawCompression, number(field));
        }
        return directory;
    }

    void take_first(const exif::Directory& directory) {
        first_pixels_ = pixels(directory);
        for (const exif::Field& field : directory.fields)
            if (field.tag == kSubfileType) reduced_ = (number(field) & 1U) != 0;
    }

    enum class Parent { first, later };

    /// A picture below the first that is larger makes the first a preview, whether it says so or not.
    void visit_below(const exif::Directory& parent, Parent which) {
        for (const exif::Field& field : parent.fields) {
            if (field.tag != kSubDirectories) continue;
            for (std::uint32_t i = 0; i < std::min(field.count, kMaxBelow); ++i) {
                const auto directory = visit(number(field, i));
                if (!directory || which != Parent::first) continue;
                elsewhere_ = true;
                if (pixels(*directory) > first_pixels_) reduced_ = true;
            }
        }
    }

    std::uint32_t number(const exif::Field& field, std::uint32_t index = 0) const {
        return exif::whole_at(field, index, header_.endian, UINT32_MAX).value_or(0);
    }

    std::uint64_t pixels(const exif::Directory& directory) const {
        std::uint64_t width = 0;
        std::uint64_t height = 0;
        for (const exif::Field& field : directory.fields) {
            if (field.tag == kWidth) width = number(field);
            if (field.tag == kHeight) height = number(field);
        }
        return width * height;
    }

    BytesView tiff_;
    exif::TiffHeader header_;
    WorkBudget budget_{kWork};
    std::vector<std::uint32_t> seen_;
    std::uint64_t first_pixels_ = 0;
    bool raw_ = false;
    bool reduced_ = false;    ///< the first directory is a preview
    bool elsewhere_ = false;  ///< there is another picture that it could be a preview of
};

}  // namespace

bool is_camera_raw(BytesView tiff) {
    const std::optional<exif::TiffHeader> header = exif::tiff_header(tiff);
    return header && RawDetector(tiff, *header).run();
}

}  // namespace photogate::imaging
