// Internal: bytes that are written one behind the other.
#pragma once

#include <cstdint>

#include "base/encoding.hpp"

namespace photogate::imaging {

inline void append(Bytes& out, BytesView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace photogate::imaging
