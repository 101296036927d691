// Any bytes: the walk ends, and every range that it reports lies within the file.
#include <cstdlib>

#include "imaging/containers/inspect.hpp"

using namespace photogate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView file(data, size);
    const imaging::Limits limits;
    const auto found = imaging::inspect(file, limits);
    if (!found) return 0;
    for (const imaging::Carrier& carrier : found->carriers)
        if (!imaging::fits(carrier.range, size)) std::abort();
    if (!imaging::fits(found->trailer, size)) std::abort();
    if (found->width == 0 || found->height == 0 || found->frames == 0) std::abort();
    if (static_cast<std::uint64_t>(found->width) * found->height > limits.max_pixels) std::abort();
    if (found->orientation < 1 || found->orientation > 8) std::abort();
    return 0;
}
