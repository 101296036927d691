// Any bytes that pass the walk: what strip() writes passes it again with the same size, stays the same when
// stripped again, and carries none of the metadata that the independent reader knows by name.
#include <algorithm>

#include "fuzz.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "imaging/containers/strip.hpp"

namespace photogate::imaging {
namespace {

using fuzz::require;

/// Inflating megabytes would waste the fuzzer's time.
constexpr Limits kLimits{.max_metadata = 1U << 16};

bool is_metadata(const std::string& name) {
    return name.starts_with("exif") || name == "xmp" || name == "iptc" || name == "photoshop" ||
           name == "comment" || name == "text" || name == "trailer" || name == "time" || name == "tables" ||
           name.starts_with("segment:") || name.starts_with("chunk:") || name.starts_with("application:") ||
           name.starts_with("flag:");
}

bool is_heif(const Inspection& found) {
    return found.format == Format::heic || found.format == Format::avif;
}

void check_all(BytesView file) {
    (void)metadata_remaining(file);
    const auto found = inspect(file, kLimits);
    if (!found) {
        for (const Format format : kAllFormats)
            (void)clean_container(file, format);
        return;
    }
    const auto out = strip(file, *found);
    if (!out) return;
    const auto again = inspect(*out, kLimits);
    require(again.has_value(), "a stripped picture passes the walk");
    require(again->width == found->width && again->height == found->height && again->frames == found->frames,
            "a stripped picture has the size that it had");
    const auto twice = strip(*out, *again);
    require(twice && *twice == *out, "a stripped picture stays as it is");
    if (is_heif(*found)) return;  // its unknown items are named, not removed
    const auto left = metadata_remaining(*out);
    require(std::none_of(left.begin(), left.end(), is_metadata), "no metadata is left");
}

void run(BytesView file) {
    const fuzz::LinearTime time;
    check_all(file);
    time.require_for(file.size());
}

const fuzz::Target target{"imaging_strip", run};

}  // namespace
}  // namespace photogate::imaging
