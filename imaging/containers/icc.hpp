// Internal: the colour profile that stays in a picture that is stripped.
//
// A profile names its owner in many places: description, copyright, device, serial numbers, dates, private tags, and
// whatever stands between its tags. So none stays as it came: one is built from what colour conversion needs.
//
// Follows ICC.1:2022 (version 4) and ICC.1:2001-04 (version 2). Thread safety: pure functions.
#pragma once

#include "base/encoding.hpp"
#include "imaging/containers/inspect.hpp"
#include "imaging/parts/icc_rebuild.hpp"

namespace photogate::imaging {

/// Signed `acsp`, not longer than the bytes there are, at most 1 MiB (CMYK: 4 MiB), at most 100 tags, all within it,
/// for the picture's colour model. A profile that is not is dropped and the picture taken for sRGB. Bytes behind the
/// size that its header states are padding.
bool is_sane_icc(BytesView profile, ColourModel colour);

/// What goes into a stripped picture: the profile rebuilt; as it came where it is sane but can't be rebuilt, which
/// metadata_remaining() then reports; empty where it is not sane, or says nothing about colour.
Bytes publishable_icc(BytesView profile, ColourModel colour);

/// Whether it is sane, of red, green and blue, and its colorants span at least a tenth more of CIE 1931 x and y than
/// those of sRGB: Display P3 and Adobe RGB have a third more. Profiles with tables alone don't.
bool is_wide_icc(BytesView profile);

}  // namespace photogate::imaging
