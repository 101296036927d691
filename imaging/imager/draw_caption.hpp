// A line of text as a picture, by Pango through libvips, with the fonts that were loaded before the jail closed.
//
// Fontconfig knows these files and no other, no configuration and no cache. Each is drawn with once at start-up: what
// Pango and Cairo open stays open. A character that none of them has is drawn as a box.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {

/// At start-up, once. Errors: imager_unavailable, naming the file and how to have one.
Result<> load_fonts(const std::vector<std::string>& files);

/// White with a soft shadow, so that it is seen on light and dark, sRGB with alpha, in memory; its longer edge is about
/// `edge`. `font`: one of the loaded files. The text is text: nothing in it is markup. Empty where that fails.
Image draw_caption(std::string_view text, const std::string& font, std::uint32_t edge);

}  // namespace photogate::imaging
