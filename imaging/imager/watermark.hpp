// What is laid over a picture: a smaller picture, or a line of text; once or all over, of stills and of animations.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "imaging/imager/colour_space.hpp"
#include "imaging/imager/vips_image.hpp"
#include "imaging/version_spec.hpp"

namespace photogate::imaging {

inline constexpr std::uint32_t kMaxWatermarkEdge = 2'048;  ///< pixels; of what is read or drawn

/// What the watermarks of a task are made of.
class Marks {
  public:
    /// A picture by its digest, decoded, in memory.
    void add(const std::string& sha256, Image picture);
    /// When the picture that is marked was taken, where its file says so.
    void taken_at(std::optional<std::string> moment) { taken_at_ = std::move(moment); }
    /// What the pictures are of that they are laid over; sRGB unless said.
    void over(ColourSpace space) { space_ = space; }
    bool has(const std::string& sha256) const { return pictures_.contains(sha256); }

    /// Of that space with alpha, as faint as it is to be, about as large as that. Errors: invalid_configuration.
    Result<Image> image(const Watermark& how, std::uint32_t edge) const;

  private:
    std::map<std::string, Image> pictures_;
    std::optional<std::string> taken_at_;
    ColourSpace space_ = ColourSpace::srgb;
};

struct PictureOffset {
    int left = 0;
    int top = 0;
};
struct PictureArea {
    PictureSize size;
    PictureOffset offset;
};

/// Whether a watermark that lies over the whole is to be seen in full in this area of it.
Result<bool> shows_mark(PictureSize whole, const PictureArea& area, const Watermark& how, const Marks& marks);

/// With its watermark; in memory, eight bit. Errors: internal, invalid_configuration.
Result<Image> marked(VipsImage* in_memory, const Watermark& how, const Marks& marks);
/// Each frame of a roll that open_animation() gave; lazy, its timing kept.
Result<Image> marked_roll(VipsImage* roll, const Watermark& how, const Marks& marks);

}  // namespace photogate::imaging
