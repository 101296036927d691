// Any bytes: the walk ends, and every range that it reports lies within the file.
#include "fuzz.hpp"
#include "imaging/containers/inspect.hpp"

namespace photogate::imaging {
namespace {

using fuzz::require;

void check_all(BytesView file) {
    // Small, so that a small file reaches them.
    const Limits limits{
        .max_frames = 20, .max_scans = 10, .max_metadata = 1U << 16, .max_metadata_blocks = 50};
    const auto found = inspect(file, limits);
    if (!found) {
        require(!found.error().detail.empty(), "a refusal says why");
        return;
    }
    for (const Carrier& carrier : found->carriers) {
        require(fits(carrier.range, file.size()), "metadata lies within the file");
        for (const ByteRange& part : carrier.further)
            require(fits(part, file.size()), "metadata lies within the file");
    }
    require(found->carriers.size() <= kMaxCarriers * kCarrierKinds,
            "no more metadata is listed than is read");
    require(fits(found->trailer, file.size()), "what trails lies within the file");
    require(found->width != 0 && found->height != 0 && found->frames != 0, "a picture has a size");
    require(std::uint64_t{found->width} * found->height <= limits.max_pixels, "the limit of pixels is kept");
    require(found->frames <= limits.max_frames && found->total_pixels <= limits.max_total_pixels,
            "the limit of frames is kept");
    require(found->metadata_bytes <= limits.max_metadata, "the limit of metadata is kept");
    require(found->orientation >= 1 && found->orientation <= 8, "an orientation is one of eight");
}

void run(BytesView file) {
    const fuzz::LinearTime time;
    check_all(file);
    time.require_for(file.size());
}

const fuzz::Target target{"imaging_inspect", run};

}  // namespace
}  // namespace photogate::imaging
