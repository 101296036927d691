// How to publish a picture with no more bytes than came in, where its first encoding has more.
//
// A camera's or a messenger's file may be compressed harder than what is published: then the same picture at our
// quality only repeats its artefacts in more bytes. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/encoding.hpp"
#include "imaging/containers/inspect.hpp"
#include "imaging/imager/encode.hpp"
#include "imaging/version_spec.hpp"

namespace photogate::imaging {

/// The quality, 1 to 100, at which libjpeg writes the file's luminance table or the nearest to it; nullopt where
/// there is none in front of the first scan.
std::optional<int> jpeg_quality(BytesView jpeg);

/// What to try after `first`, in this order. Formats other than the first's only where the version leaves the
/// choice: PNG and WebP, which every browser shows; AVIF is published only where a profile asks for it. A lossless
/// source is kept lossless before it loses quality; a JPEG is tried at its own quality, then lower, down to 30. The
/// file's own coded pixels are not among them: what hides there would be published.
std::vector<Encoding> smaller_encodings(const VersionSpec& version, const Inspection& inspection,
                                        const Encoding& first, std::optional<int> source_quality);

/// Whether `next` is likely to have no more than `wanted` bytes, after `before` has had `size`. True where nothing is
/// known.
bool may_fit(const Encoding& next, const Encoding& before, std::size_t size, std::size_t wanted);

/// The same for an animation, of which each attempt decodes and encodes all frames: at most `attempts` of them.
std::vector<Encoding> smaller_animations(const VersionSpec& version, const Encoding& first,
                                         std::size_t attempts);

}  // namespace photogate::imaging
