// Any bytes that pass the walk: what strip() writes passes it again with the same size, stays the same when
// stripped again, and carries none of the metadata that the independent reader knows by name.
#include <cstdlib>

#include "imaging/containers/residue.hpp"
#include "imaging/containers/strip.hpp"

using namespace photogate;

namespace {

bool is_metadata(const std::string& name) {
    return name.starts_with("exif") || name == "xmp" || name == "iptc" || name == "photoshop" ||
           name == "comment" || name == "text" || name == "trailer" || name == "time" ||
           name.starts_with("segment:") || name.starts_with("chunk:") || name.starts_with("application:") ||
           name.starts_with("flag:");
}

bool is_heif(const imaging::Inspection& found) {
    return found.format == imaging::Format::heic || found.format == imaging::Format::avif;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView file(data, size);
    (void)imaging::metadata_remaining(file);
    const auto found = imaging::inspect(file, imaging::Limits{});
    if (!found) {
        for (const imaging::Format format : imaging::kAllFormats)
            (void)imaging::clean_container(file, format);
        return 0;
    }
    const auto out = imaging::strip(file, *found);
    if (!out) return 0;
    const auto again = imaging::inspect(*out, imaging::Limits{});
    if (!again || again->width != found->width || again->height != found->height ||
        again->frames != found->frames)
        std::abort();
    const auto twice = imaging::strip(*out, *again);
    if (!twice || *twice != *out) std::abort();
    if (is_heif(*found)) return 0;  // its unknown items are named, not removed
    for (const std::string& name : imaging::metadata_remaining(*out))
        if (is_metadata(name)) std::abort();
    return 0;
}
