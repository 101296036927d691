#include "imaging/containers/metadata_verifier.hpp"

#include <array>

#include "imaging/containers/verifier_readers.hpp"

namespace photogate::imaging {

namespace {

using namespace std::string_view_literals;

struct Marker {
    std::string_view bytes;
    std::string_view name;
};

/// Long enough that chance can't write them: 2^-48 a position for the shortest.
constexpr std::array kCertain = {
    Marker{"http://ns.adobe.com/xap/1.0/"sv, "marker:xmp"},
    Marker{"http://ns.adobe.com/xmp/extension/"sv, "marker:xmp_extended"},
    Marker{"<x:xmpmeta"sv, "marker:xmp"},
    Marker{"<?xpacket"sv, "marker:xmp"},
    Marker{"http://www.w3.org/1999/02/22-rdf-syntax-ns#"sv, "marker:rdf"},
    Marker{"Photoshop 3.0\0"sv, "marker:photoshop"},
    Marker{"XMP DataXMP"sv, "marker:xmp"},
    Marker{"urn:iso:std:iso:ts:21496"sv, "marker:gain_map"},
    Marker{"Raw profile type"sv, "marker:raw_profile"},
};

/// Also of chance's making now and then.
constexpr std::array kPossible = {
    Marker{"Exif\0\0"sv, "Exif"}, Marker{"MPF\0"sv, "MPF"},
    Marker{"jumb"sv, "jumb"},     Marker{"SEFT"sv, "SEFT"},
    Marker{"tEXt"sv, "tEXt"},     Marker{"zTXt"sv, "zTXt"},
    Marker{"iTXt"sv, "iTXt"},     Marker{"eXIf"sv, "eXIf"},
    Marker{"FPXR\0"sv, "FPXR"},   Marker{"MotionPhoto"sv, "MotionPhoto"},
    Marker{"8BIM"sv, "8BIM"},
};

bool contains(BytesView bytes, std::string_view wanted) {
    return as_text(bytes).find(wanted) != std::string_view::npos;
}

}  // namespace

std::vector<std::string> metadata_remaining(BytesView published, WorkBudget& budget) {
    verifier::Names names;
    const std::string_view text = as_text(published);
    if (text.starts_with("\xFF\xD8"))
        verifier::jpeg(published, names, budget);
    else if (text.starts_with("\x89PNG"))
        verifier::png(published, names, budget);
    else if (text.starts_with("RIFF"))
        verifier::webp(published, names, budget);
    else if (text.starts_with("GIF8"))
        verifier::gif(published, names, budget);
    else if (text.size() > 8 && text.substr(4, 4) == "ftyp")
        verifier::bmff(published, names, budget);
    else if (text.starts_with("II") || text.starts_with("MM"))
        verifier::tiff(published, names);
    else
        names.add("unreadable");
    for (const Marker& marker : kCertain)
        if (budget.charge(published.size()) && contains(published, marker.bytes))
            names.add(std::string(marker.name));
    if (budget.exhausted()) names.add("unreadable");
    return names.sorted();
}

std::vector<std::string> metadata_remaining(BytesView published) {
    WorkBudget budget = WorkBudget::for_file(published.size());
    return metadata_remaining(published, budget);
}

std::vector<std::string> private_markers(BytesView published) {
    verifier::Names names;
    for (const Marker& marker : kCertain)
        if (contains(published, marker.bytes)) names.add(std::string(marker.name));
    for (const Marker& marker : kPossible)
        if (contains(published, marker.bytes)) names.add("marker:" + std::string(marker.name));
    const bool film = as_text(published).substr(0, 2) == "\xFF\xD8" && contains(published, "ftyp");
    if (film) names.add("marker:ftyp");
    return names.sorted();
}

}  // namespace photogate::imaging
