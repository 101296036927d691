#include "imaging/containers/metadata.hpp"

#include <algorithm>
#include <string_view>

#include "imaging/containers/exif_reader.hpp"
#include "imaging/containers/inflate.hpp"
#include "imaging/containers/iptc_reader.hpp"
#include "imaging/containers/xmp_scanner.hpp"

namespace photogate::imaging {

namespace {

constexpr std::size_t kMaxInflated = 1U << 20;
constexpr std::size_t kMaxCarriers = 64;

using namespace std::string_view_literals;

int hex_digit(std::uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// ImageMagick's text: `\nexif\n    1126\n45786966…`, digits broken into lines.
Bytes from_raw_profile(BytesView text) {
    ByteReader reader(text);
    int lines = 0;
    while (reader.ok() && !reader.at_end() && lines < 3)
        if (reader.u8() == '\n') ++lines;
    Bytes out;
    int high = -1;
    for (const std::uint8_t c : reader.rest()) {
        const int digit = hex_digit(c);
        if (digit < 0) continue;
        if (high < 0) {
            high = digit;
        } else {
            out.push_back(static_cast<std::uint8_t>(high << 4 | digit));
            high = -1;
        }
    }
    return out;
}

BytesView without_prefix(BytesView bytes, std::string_view prefix) {
    return starts_with(bytes, prefix) ? bytes.subspan(prefix.size()) : bytes;
}

void read_carrier(CarrierKind kind, BytesView bytes, Metadata& into, WorkBudget& budget) {
    switch (kind) {
        case CarrierKind::exif:
            read_exif(without_prefix(bytes, "Exif\0\0"sv), into, budget);
            break;
        case CarrierKind::xmp:
            scan_xmp(bytes, into, budget);
            break;
        case CarrierKind::photoshop:
            read_photoshop(without_prefix(bytes, "Photoshop 3.0\0"sv), into, budget);
            break;
        case CarrierKind::iptc:
            read_iptc(bytes, into, budget);
            break;
        case CarrierKind::xmp_extended:
        case CarrierKind::icc:
        case CarrierKind::comment:
        case CarrierKind::other:
            break;
    }
}

bool is_read(CarrierKind kind) {
    return kind == CarrierKind::exif || kind == CarrierKind::xmp || kind == CarrierKind::photoshop ||
           kind == CarrierKind::iptc;
}

}  // namespace

Metadata read_metadata(BytesView file, const Inspection& inspection, WorkBudget& budget) {
    Metadata out;
    bool has_exif = false;
    std::size_t carriers = 0;
    for (const Carrier& carrier : inspection.carriers) {
        if (!is_read(carrier.kind) || ++carriers > kMaxCarriers) continue;
        if (carrier.kind == CarrierKind::exif && has_exif)
            continue;  // the first one counts, here as for the orientation
        const BytesView stored = slice(file, carrier.range);
        const bool packed =
            carrier.coding == CarrierCoding::zlib || carrier.coding == CarrierCoding::zlib_hex_text;
        const bool hex =
            carrier.coding == CarrierCoding::hex_text || carrier.coding == CarrierCoding::zlib_hex_text;
        Bytes unpacked;
        if (packed) {
            std::optional<Bytes> whole = inflate(stored, kMaxInflated);
            if (!budget.charge(stored.size() + (whole ? whole->size() : kMaxInflated))) break;
            if (!whole) continue;
            unpacked = std::move(*whole);
        }
        if (hex && !budget.charge(packed ? unpacked.size() : stored.size())) break;
        if (hex) unpacked = from_raw_profile(packed ? BytesView(unpacked) : stored);
        read_carrier(carrier.kind, packed || hex ? BytesView(unpacked) : stored, out, budget);
        if (carrier.kind == CarrierKind::exif) has_exif = true;
    }
    return out;
}

Metadata read_metadata(BytesView file, const Inspection& inspection) {
    WorkBudget budget = WorkBudget::for_file(file.size());
    return read_metadata(file, inspection, budget);
}

}  // namespace photogate::imaging
