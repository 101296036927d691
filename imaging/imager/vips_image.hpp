// RAII owners for libvips' C objects, and access to its one error buffer.
//
// libvips calls answer 0 or -1 and leave words in a buffer that is global to the process; some loaders leave
// words there although they succeed. So the answer decides, never the buffer, and the buffer is emptied
// before each step. Thread safety: one thread.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include <vips/vips.h>

#include "base/encoding.hpp"

namespace photogate::imaging {

struct UnrefImage {
    void operator()(VipsImage* image) const { g_object_unref(image); }
};
using Image = std::unique_ptr<VipsImage, UnrefImage>;

inline int longest_edge(VipsImage* image) {
    return std::max(vips_image_get_width(image), vips_image_get_height(image));
}

/// What a libvips call writes into: `vips_flip(in, out(&next), …)`.
class OutImage {
  public:
    explicit OutImage(Image& into) : into_(into) {}
    ~OutImage() {
        if (raw_ != nullptr) into_.reset(raw_);
    }
    OutImage(const OutImage&) = delete;
    OutImage& operator=(const OutImage&) = delete;
    operator VipsImage**() { return &raw_; }

  private:
    Image& into_;
    VipsImage* raw_ = nullptr;
};

struct FreeWithGlib {
    void operator()(void* memory) const { g_free(memory); }
};

/// Empties libvips' error buffer and gives what was in it, for a log or a look; may hold text of the file's
/// author.
inline std::string take_vips_words() {
    std::string words = vips_error_buffer();
    vips_error_clear();
    return words;
}

/// The pixels of an image in memory: rows without gaps, bands interleaved.
inline BytesView pixels_of(VipsImage* in_memory) {
    return {static_cast<const std::uint8_t*>(VIPS_IMAGE_ADDR(in_memory, 0, 0)),
            VIPS_IMAGE_SIZEOF_IMAGE(in_memory)};
}

}  // namespace photogate::imaging
