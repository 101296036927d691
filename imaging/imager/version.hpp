// One version out of the decoded picture: cropped, shrunk, with a watermark. Several versions are made of one
// decode. Thread safety: one thread.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "imaging/containers/inspect.hpp"
#include "imaging/imager/vips_image.hpp"
#include "imaging/version_spec.hpp"

namespace photogate::imaging {

inline constexpr std::uint32_t kMaxWatermarkEdge = 2'048;  ///< pixels; a larger one is shrunk first

/// The longer edge at which a picture has to be decoded so that this version can be made of it.
std::uint32_t decode_edge(const VersionSpec& version, const Inspection& inspection);

/// In memory. The base itself, untouched, where nothing is to be done. `watermark` may be null where the version
/// has none. Errors: internal; invalid_configuration without the watermark that is asked for.
Result<Image> version_of(VipsImage* base, const VersionSpec& version, VipsImage* watermark);

}  // namespace photogate::imaging
