// Inside the room: whether a colour profile may stay in a picture that is stripped.
#pragma once

#include "base/encoding.hpp"
#include "imaging/containers/inspect.hpp"

namespace photogate::imaging {

/// Complete (its length field is its size), signed `acsp`, at most 1 MiB (CMYK: 4 MiB), at most 100 tags, all
/// within it, for the picture's colour model. A profile that is not is dropped and the picture taken for
/// sRGB.
bool is_sane_icc(BytesView profile, ColourModel colour);

}  // namespace photogate::imaging
