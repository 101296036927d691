// libvips brought up for one purpose: six decoders, one thread, no caches, no words to anyone.
//
// Ends with a warm-up that is also the self-test: a small picture goes through process_image() in each format, so
// that libraries have opened their files and plug-ins, compiled their inner loops and proved that they work
// before the jail closes. Thread safety: at start-up, once.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace photogate::imaging {

/// `fonts`: files that watermarks of text are drawn with. Errors: imager_unavailable, naming what does not work and how
/// to have it.
Result<> start_libraries(const std::vector<std::string>& fonts);

}  // namespace photogate::imaging
