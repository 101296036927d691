// A small picture as plain numbers: what the hashes are made of. Thread safety: values.
#pragma once

#include <cstdint>

#include "base/encoding.hpp"

namespace photogate::imaging {

struct Rgba {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    Bytes bytes;  ///< r, g, b, a; a straight, not premultiplied
};

}  // namespace photogate::imaging
