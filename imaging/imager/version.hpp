// One version out of the decoded picture: cropped, shrunk, sharpened, with a watermark. Several versions are made of one
// decode. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "imaging/containers/inspect.hpp"
#include "imaging/imager/vips_image.hpp"
#include "imaging/imager/watermark.hpp"
#include "imaging/version_spec.hpp"

namespace photogate::imaging {

/// The longer edge at which a picture has to be decoded so that this version can be made of it.
std::uint32_t decode_edge(const VersionSpec& version, const Inspection& inspection);

/// The decoded picture, and the smaller ones of the whole that versions needed: a small version is made of one of these.
class Scales {
  public:
    /// `base`: in memory; outlives this. `whole`: the size of the original.
    Scales(VipsImage* base, PictureSize whole) : base_(base), whole_(whole) {}
    VipsImage* base() const { return base_; }
    PictureSize whole() const { return whole_; }
    /// The smallest that leaves the version no worse than the base would: at least twice its size.
    VipsImage* smallest_for(const VersionSpec& version) const;
    /// In memory, all of the picture, without a watermark.
    void add(VipsImage* whole);

  private:
    /// From pictures nearer than that, the filter's second pass over the same edges can be seen.
    static constexpr std::uint64_t kLeastFactor = 2;

    VipsImage* base_;
    PictureSize whole_;
    std::vector<Image> made_;
};

/// In memory. The base itself, untouched, where nothing is to be done. What is shrunk of the whole is added to `scales`. `marks` has what the version's watermark needs.
/// Errors: internal; invalid_configuration for a watermark that can't be drawn.
Result<Image> version_of(Scales& scales, const VersionSpec& version, const Marks& marks);

}  // namespace photogate::imaging
