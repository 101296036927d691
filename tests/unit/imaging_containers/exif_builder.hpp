// Builds TIFF structures of any shape, and puts them into each container.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "imaging/containers/exif_values.hpp"
#include "imaging/parts/inflate.hpp"
#include "pictures.hpp"

namespace photogate::imaging::testing {

inline void put(Bytes& out, Endian order, std::uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i)
        out.push_back(static_cast<std::uint8_t>(value >> 8 * (order == Endian::big ? width - 1 - i : i)));
}

inline void append(Bytes& out, BytesView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

class ExifBuilder {
  public:
    explicit ExifBuilder(Endian order = Endian::little) : order_(order) {}

    Endian order() const { return order_; }

    struct Entry {
        std::uint16_t tag = 0;
        std::uint16_t type = 0;
        std::uint32_t count = 0;
        Bytes value;
    };
    using Directory = std::vector<Entry>;

    Entry raw(std::uint16_t tag, std::uint16_t type, BytesView value) const {
        return {tag, type, static_cast<std::uint32_t>(value.size() / exif::width_of(type)),
                Bytes(value.begin(), value.end())};
    }
    Entry text(std::uint16_t tag, std::string_view value) const {
        return raw(tag, exif::kAscii, as_bytes(std::string(value) + '\0'));
    }
    /// Of an integer or rational type; a rational is `value`/1.
    Entry number(std::uint16_t tag, std::uint16_t type, std::int64_t value, std::uint32_t count = 1) const {
        Bytes bytes;
        for (std::uint32_t i = 0; i < count; ++i) {
            const bool ratio = type == exif::kRational || type == exif::kSignedRational;
            const unsigned width = ratio ? 4 : exif::width_of(type);
            put(bytes, order_, static_cast<std::uint64_t>(i == 0 ? value : 0), width);
            if (ratio) put(bytes, order_, 1, 4);
        }
        return raw(tag, type, bytes);
    }
    Entry ratios(std::uint16_t tag, std::vector<std::pair<std::int64_t, std::int64_t>> pairs,
                 std::uint16_t type = exif::kRational) const {
        Bytes bytes;
        for (const auto& [numerator, denominator] : pairs) {
            put(bytes, order_, static_cast<std::uint64_t>(numerator), 4);
            put(bytes, order_, static_cast<std::uint64_t>(denominator), 4);
        }
        return raw(tag, type, bytes);
    }

    Directory image;
    Directory exif;
    Directory gps;
    std::vector<Directory> below;  ///< SubIFDs
    std::vector<Directory> later;  ///< IFD1 and on

    /// The whole structure. Pixels, if any, are for the caller to append: strips start where it ends.
    Bytes build() const {
        Directory first = image;
        if (!exif.empty()) first.push_back(number(0x8769, exif::kLong, 0));
        if (!gps.empty()) first.push_back(number(0x8825, exif::kLong, 0));
        if (!below.empty())
            first.push_back(number(330, exif::kLong, 0, static_cast<std::uint32_t>(below.size())));
        std::size_t at = 8 + size_of(first);
        const auto place = [&](const Directory& directory) {
            const std::size_t here = at;
            at += size_of(directory);
            return here;
        };
        if (!exif.empty()) point(first, 0x8769, {place(exif)});
        if (!gps.empty()) point(first, 0x8825, {place(gps)});
        std::vector<std::size_t> places;
        for (const Directory& directory : below)
            places.push_back(place(directory));
        if (!below.empty()) point(first, 330, places);
        Bytes out = {order_ == Endian::little ? std::uint8_t{'I'} : std::uint8_t{'M'}};
        out.push_back(out[0]);
        put(out, order_, 42, 2);
        put(out, order_, 8, 4);
        write(out, first, later.empty() ? 0 : at);
        for (const Directory* directory : {&exif, &gps})
            if (!directory->empty()) write(out, *directory, 0);
        for (const Directory& directory : below)
            write(out, directory, 0);
        for (std::size_t i = 0; i < later.size(); ++i) {
            at += size_of(later[i]);
            write(out, later[i], i + 1 < later.size() ? at : 0);
        }
        return out;
    }

  private:
    static std::size_t size_of(const Directory& directory) {
        std::size_t size = 2 + 12 * directory.size() + 4;
        for (const Entry& entry : directory)
            if (entry.value.size() > 4) size += entry.value.size() + (entry.value.size() & 1U);
        return size;
    }

    void point(Directory& directory, std::uint16_t tag, const std::vector<std::size_t>& places) const {
        for (Entry& entry : directory) {
            if (entry.tag != tag) continue;
            entry.value.clear();
            for (const std::size_t place : places)
                put(entry.value, order_, place, 4);
        }
    }

    void write(Bytes& out, const Directory& directory, std::size_t next) const {
        put(out, order_, directory.size(), 2);
        std::size_t values = out.size() + 12 * directory.size() + 4;
        Bytes behind;
        for (const Entry& entry : directory) {
            put(out, order_, entry.tag, 2);
            put(out, order_, entry.type, 2);
            put(out, order_, entry.count, 4);
            if (entry.value.size() > 4) {
                put(out, order_, values + behind.size(), 4);
                append(behind, entry.value);
                if ((entry.value.size() & 1U) != 0) behind.push_back(0);
            } else {
                append(out, entry.value);
                out.resize(out.size() + 4 - entry.value.size());
            }
        }
        put(out, order_, next, 4);
        append(out, behind);
    }

    Endian order_;
};

inline Bytes jpeg_with_segments(const std::vector<Bytes>& segments, std::uint8_t marker = 0xE1) {
    Bytes out = picture("plain.jpg");
    Bytes inserted;
    for (const Bytes& body : segments) {
        inserted.push_back(0xFF);
        inserted.push_back(marker);
        put(inserted, Endian::big, body.size() + 2, 2);
        append(inserted, body);
    }
    out.insert(out.begin() + 2, inserted.begin(), inserted.end());
    return out;
}

inline Bytes exif_segment(BytesView tiff) {
    Bytes body = bytes_of(std::string_view("Exif\0\0", 6));
    append(body, tiff);
    return body;
}

inline Bytes xmp_segment(std::string_view packet) {
    Bytes body = bytes_of(std::string_view("http://ns.adobe.com/xap/1.0/\0", 29));
    append(body, as_bytes(packet));
    return body;
}

inline Bytes jpeg_with(const ExifBuilder& block) {
    return jpeg_with_segments({exif_segment(block.build())});
}

inline Bytes png_with(const ExifBuilder& block) {
    Bytes out = picture("plain.png");
    const Bytes tiff = block.build();
    Bytes chunk;
    put(chunk, Endian::big, tiff.size(), 4);
    append(chunk, as_bytes("eXIf"));
    append(chunk, tiff);
    put(chunk, Endian::big, crc32(BytesView(chunk).subspan(4)), 4);
    out.insert(out.begin() + 33, chunk.begin(), chunk.end());
    return out;
}

inline Bytes webp_with(const ExifBuilder& block) {
    Bytes out = picture("plain.webp");
    const Bytes tiff = block.build();
    append(out, as_bytes("EXIF"));
    put(out, Endian::little, tiff.size(), 4);
    append(out, tiff);
    if ((tiff.size() & 1U) != 0) out.push_back(0);
    Bytes size;
    put(size, Endian::little, out.size() - 8, 4);
    std::copy(size.begin(), size.end(), out.begin() + 4);
    return out;
}

/// The directory of a grey picture of 48 × 32, whose pixels start at `pixels`.
inline ExifBuilder::Directory picture_directory(const ExifBuilder& block, std::size_t pixels,
                                                std::uint32_t width = 48, std::uint32_t height = 32) {
    return {block.number(256, exif::kLong, width),
            block.number(257, exif::kLong, height),
            block.number(258, exif::kShort, 8),
            block.number(259, exif::kShort, 1),
            block.number(262, exif::kShort, 1),
            block.number(273, exif::kLong, static_cast<std::int64_t>(pixels)),
            block.number(277, exif::kShort, 1),
            block.number(278, exif::kLong, height),
            block.number(279, exif::kLong, std::int64_t{width} * height)};
}

inline Bytes tiff_with(ExifBuilder block) {
    const ExifBuilder::Directory own = block.image;
    Bytes out;
    for (std::size_t pixels = 0; pixels != out.size() || pixels == 0;) {
        pixels = out.size();
        block.image = picture_directory(block, pixels);
        block.image.insert(block.image.end(), own.begin(), own.end());
        out = block.build();
    }
    out.resize(out.size() + 48 * 32, 99);
    return out;
}

inline std::vector<std::pair<std::string_view, Bytes>> in_every_container(const ExifBuilder& block) {
    return {{"JPEG", jpeg_with(block)},
            {"PNG", png_with(block)},
            {"WebP", webp_with(block)},
            {"TIFF", tiff_with(block)}};
}

}  // namespace photogate::imaging::testing
