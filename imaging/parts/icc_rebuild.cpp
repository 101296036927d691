#include "imaging/parts/icc_rebuild.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "imaging/byte_reader.hpp"
#include "imaging/parts/icc_elements.hpp"
#include "imaging/parts/write_bytes.hpp"

namespace photogate::imaging {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kHeader = 128;
constexpr std::uint32_t kMaxTags = 100;
constexpr std::string_view kDescription = "Colour";
constexpr std::string_view kCopyright = "None";

using Exact = std::optional<Bytes> (*)(BytesView);
struct Kept {
    std::string_view tag;
    Exact exact;
};
constexpr std::array kKept = {
    Kept{"wtpt", exact_xyz},   Kept{"chad", exact_matrix}, Kept{"cicp", exact_code_points},
    Kept{"rXYZ", exact_xyz},   Kept{"gXYZ", exact_xyz},    Kept{"bXYZ", exact_xyz},
    Kept{"rTRC", exact_curve}, Kept{"gTRC", exact_curve},  Kept{"bTRC", exact_curve},
    Kept{"kTRC", exact_curve}, Kept{"A2B0", exact_table},  Kept{"A2B1", exact_table},
    Kept{"A2B2", exact_table}, Kept{"B2A0", exact_table},  Kept{"B2A1", exact_table},
    Kept{"B2A2", exact_table},
};
constexpr std::size_t kFirstCurve = 6;  ///< of kKept: from here on a tag converts colours

/// The first tag of that name; empty where there is none.
BytesView element_of(BytesView profile, std::string_view name) {
    ByteReader reader(profile);
    reader.seek(kHeader);
    const std::uint32_t tags = reader.u32();
    for (std::uint32_t i = 0; reader.ok() && i < tags && i < kMaxTags; ++i) {
        const std::string_view tag = reader.text(4);
        const std::uint64_t offset = reader.u32();
        const std::uint64_t length = reader.u32();
        if (reader.ok() && tag == name) return slice(profile, {offset, length});
    }
    return {};
}

/// textDescriptionType of version 2: the text as ASCII, and neither Unicode nor Macintosh's.
Bytes old_description() {
    Bytes out;
    append(out, as_bytes("desc\0\0\0\0"sv));
    put_u32(out, static_cast<std::uint32_t>(kDescription.size() + 1));
    // Not appended: g++ 14 would warn of an overflow that is none.
    const auto at = out.size();
    out.resize(at + kDescription.size() + 1 + 4 + 4 + 2 + 1 + 67);
    std::copy(kDescription.begin(), kDescription.end(), out.data() + at);
    return out;
}

Bytes old_text() {
    Bytes out;
    append(out, as_bytes("text\0\0\0\0"sv));
    append(out, as_bytes(kCopyright));
    out.push_back(0);
    return out;
}

/// multiLocalizedUnicodeType of version 4, in one language.
Bytes unicode_text(std::string_view text) {
    Bytes out;
    append(out, as_bytes("mluc\0\0\0\0\0\0\0\1\0\0\0\x0C"
                         "enUS"sv));
    put_u32(out, static_cast<std::uint32_t>(2 * text.size()));
    put_u32(out, 28);
    for (const char c : text)
        out.insert(out.end(), {0, static_cast<std::uint8_t>(c)});
    return out;
}

/// What conversion depends on; no maker, model, platform, date or number that tells profiles apart.
Bytes header_of(BytesView profile) {
    Bytes out(kHeader, 0);
    const auto keep = [&](std::size_t at, std::size_t size) {
        std::copy_n(profile.begin() + static_cast<std::ptrdiff_t>(at), size,
                    out.begin() + static_cast<std::ptrdiff_t>(at));
    };
    const auto put = [&](std::size_t at, std::string_view bytes) {
        std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    };
    keep(8, 2);                     // version
    keep(12, 12);                   // class, colour space, connection space
    put(24, "\x07\xD0\0\1\0\1"sv);  // a date must be one
    put(36, "acsp");
    out[67] = profile[67] & 3U;                     // rendering intent
    put(68, "\0\0\xF6\xD6\0\1\0\0\0\0\xD3\x2D"sv);  // D50, as it always is
    return out;
}

struct Tag {
    std::string_view name;
    Bytes element;
};

Bytes assembled(Bytes out, const std::vector<Tag>& tags) {
    put_u32(out, static_cast<std::uint32_t>(tags.size()));
    std::vector<std::size_t> offsets;
    std::size_t end = kHeader + 4 + 12 * tags.size();
    std::vector<const Tag*> written;
    for (const Tag& tag : tags) {
        // Curves of three colours are often the same.
        const auto twin =
            std::find_if(tags.begin(), tags.begin() + static_cast<std::ptrdiff_t>(offsets.size()),
                         [&](const Tag& other) { return other.element == tag.element; });
        const auto index = static_cast<std::size_t>(twin - tags.begin());
        if (index < offsets.size()) {
            offsets.push_back(offsets[index]);
        } else {
            offsets.push_back(end);
            end += (tag.element.size() + 3) / 4 * 4;
            written.push_back(&tag);
        }
        append(out, as_bytes(tag.name));
        put_u32(out, static_cast<std::uint32_t>(offsets.back()));
        put_u32(out, static_cast<std::uint32_t>(tag.element.size()));
    }
    for (const Tag* tag : written) {
        append(out, tag->element);
        out.resize((out.size() + 3) / 4 * 4, 0);
    }
    for (std::size_t i = 0; i < 4; ++i)
        out[i] = static_cast<std::uint8_t>(out.size() >> (24 - 8 * i));
    return out;
}

}  // namespace

std::size_t stated_icc_size(BytesView profile) {
    return ByteReader(profile).u32();
}

bool converts_colours(BytesView profile) {
    return std::any_of(kKept.begin() + kFirstCurve, kKept.end(),
                       [&](const Kept& kept) { return !element_of(profile, kept.tag).empty(); });
}

std::optional<std::array<double, 3>> icc_xyz(BytesView profile, std::string_view tag) {
    const auto exact = exact_xyz(element_of(profile, tag));
    if (!exact) return std::nullopt;
    ByteReader reader(*exact);
    reader.skip(8);
    std::array<double, 3> values{};
    for (double& value : values)
        value = static_cast<std::int32_t>(reader.u32()) / 65'536.0;
    return values;
}

std::optional<Bytes> rebuild_icc(BytesView profile) {
    constexpr std::array kClasses = {"mntr"sv, "scnr"sv, "prtr"sv, "spac"sv};
    constexpr std::array kSpaces = {"RGB "sv, "GRAY"sv, "CMYK"sv};
    constexpr std::array kConnections = {"XYZ "sv, "Lab "sv};
    if (stated_icc_size(profile) > profile.size() || stated_icc_size(profile) < kHeader + 4)
        return std::nullopt;
    profile = profile.first(stated_icc_size(profile));
    const auto is_one_of = [text = as_text(profile)](const auto& known, std::size_t at) {
        return std::find(known.begin(), known.end(), text.substr(at, 4)) != known.end();
    };
    if (profile[8] < 2 || profile[8] > 4 || !is_one_of(kClasses, 12) || !is_one_of(kSpaces, 16) ||
        !is_one_of(kConnections, 20) || !converts_colours(profile))
        return std::nullopt;
    std::vector<Tag> tags;
    const bool old = profile[8] < 4;
    tags.push_back({"desc", old ? old_description() : unicode_text(kDescription)});
    tags.push_back({"cprt", old ? old_text() : unicode_text(kCopyright)});
    std::size_t size = 0;
    for (const Kept& kept : kKept) {
        const BytesView element = element_of(profile, kept.tag);
        if (element.empty()) continue;
        auto exact = kept.exact(element);
        // Tags may share bytes, but not to become a profile that is much larger than it was.
        if (!exact || (size += exact->size()) > 4 * profile.size()) return std::nullopt;
        tags.push_back({kept.tag, std::move(*exact)});
    }
    return assembled(header_of(profile), tags);
}

}  // namespace photogate::imaging
