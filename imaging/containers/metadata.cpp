#include "imaging/containers/metadata.hpp"

#include <algorithm>
#include <string_view>

#include "imaging/containers/carrier_bytes.hpp"
#include "imaging/containers/exif_reader.hpp"
#include "imaging/containers/iptc_reader.hpp"
#include "imaging/containers/xmp_facts.hpp"
#include "imaging/containers/xmp_scanner.hpp"

namespace photogate::imaging {

namespace {

constexpr std::size_t kMaxRead = 64;  ///< carriers, of all kinds

using namespace std::string_view_literals;

BytesView without_prefix(BytesView bytes, std::string_view prefix) {
    return starts_with(bytes, prefix) ? bytes.subspan(prefix.size()) : bytes;
}

void read_carrier(CarrierKind kind, BytesView bytes, Metadata& into, XmpFacts& xmp, WorkBudget& budget) {
    switch (kind) {
        case CarrierKind::exif:
            read_exif(without_prefix(bytes, "Exif\0\0"sv), into, budget);
            break;
        case CarrierKind::xmp:
            scan_xmp(bytes, into, xmp, budget);
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

/// A TIFF is its own Exif block, also where its tags say no more than how it is drawn.
bool carries_exif(const Inspection& inspection, const Metadata& metadata) {
    if (inspection.format != Format::tiff) return inspection.carries(CarrierKind::exif);
    return metadata.make || metadata.model || metadata.software || metadata.description || metadata.artist ||
           metadata.copyright || metadata.taken_at || metadata.has_gps;
}

bool is_read(CarrierKind kind) {
    return kind == CarrierKind::exif || kind == CarrierKind::xmp || kind == CarrierKind::photoshop ||
           kind == CarrierKind::iptc;
}

}  // namespace

Metadata read_metadata(BytesView file, const Inspection& inspection, WorkBudget& budget) {
    Metadata out;
    XmpFacts xmp;
    std::size_t carriers = 0;
    for (const Carrier& carrier : inspection.carriers) {
        if (!is_read(carrier.kind) || ++carriers > kMaxRead) continue;
        Bytes storage;
        const std::optional<BytesView> bytes = carried_bytes(file, carrier, storage, budget);
        if (bytes) read_carrier(carrier.kind, *bytes, out, xmp, budget);
    }
    xmp.complete(out);
    return out;
}

std::vector<std::string> metadata_found(const Inspection& inspection, const Metadata& metadata) {
    std::vector<std::string> names;
    const auto add = [&](std::string_view name, bool there) {
        if (there) names.emplace_back(name);
    };
    add("comment", inspection.carries(CarrierKind::comment));
    add("content_credentials", inspection.has_content_credentials);
    add("exif", carries_exif(inspection, metadata));
    add("exif.gps", metadata.exif_tells_place);
    add("gain_map", inspection.has_gain_map);
    add("iptc", inspection.carries(CarrierKind::iptc));
    add("mpf", inspection.has_mpf);
    add("photoshop", inspection.carries(CarrierKind::photoshop));
    add("thumbnail", inspection.has_hidden_pictures);
    add("trailer", inspection.has_trailer());
    add("xmp", inspection.carries(CarrierKind::xmp) || inspection.carries(CarrierKind::xmp_extended));
    add("xmp.gps", metadata.xmp_tells_place);
    return names;
}

Metadata read_metadata(BytesView file, const Inspection& inspection) {
    WorkBudget budget = WorkBudget::for_file(file.size());
    return read_metadata(file, inspection, budget);
}

}  // namespace photogate::imaging
