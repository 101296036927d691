// How to publish a picture with no more bytes than came in, where its first encoding has more.
//
// A camera's or a messenger's file may be compressed harder than what is published: then the same picture at our
// quality only repeats its artefacts in more bytes. Thread safety: pure functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
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
/// source is kept lossless before it loses quality; a JPEG is tried at its own quality, then lower, down to 30
/// (WebP: 20). The file's own coded pixels are not among them: what hides there would be published.
std::vector<Encoding> smaller_encodings(const VersionSpec& version, const Inspection& inspection,
                                        const Encoding& first, std::optional<int> source_quality);

/// Whether `next` is likely to have no more than `wanted` bytes, after `before` has had `size`. True where nothing is
/// known.
bool may_fit(const Encoding& next, const Encoding& before, std::size_t size, std::size_t wanted);

/// Goes through a plan. Where it takes longer than `time`, as estimated, what can't fit is passed over, and what leaves
/// no time for the last, which is always tried.
class Attempts {
  public:
    Attempts(std::vector<Encoding> plan, std::uint64_t pixels, std::size_t wanted,
             std::chrono::milliseconds time);
    /// The next to try, after `before` has had `size`; nullopt at the end.
    std::optional<Encoding> next(const Encoding& before, std::size_t size);

  private:
    std::chrono::milliseconds time_of(const Encoding& how) const;

    std::vector<Encoding> plan_;
    std::uint64_t pixels_;
    std::size_t wanted_;
    std::chrono::milliseconds left_;
    std::chrono::milliseconds rest_{0};  ///< of all that has not been gone through
    std::size_t at_ = 0;
};

/// The same for an animation, of which each attempt decodes and encodes all frames: at most `attempts` of them.
std::vector<Encoding> smaller_animations(const VersionSpec& version, const Encoding& first,
                                         std::size_t attempts);

}  // namespace photogate::imaging
