// Removing all that is not needed to draw the picture, without touching its pixels: an allow list for each
// format.
//
// JPEG keeps frame, scans up to their last code and the tables that they use, a bare JFIF header, Adobe's colour
// transform, a rebuilt ICC profile (icc.hpp), and an Exif block of 36 bytes that says only the orientation where that
// is not 1. PNG, WebP and GIF keep their drawing chunks and a rebuilt ICC profile. All else goes: metadata, previews, unknown chunks, whatever follows
// the picture's end. What hides *inside* the coded pixels or a palette stays; only re-encoding removes it.
//
// HEIF is cleaned in place (the bytes of metadata become zeros, because offsets are absolute); its thumbnails
// and depth maps stay, so a file that has them is not strippable. TIFF never passes through.
//
// Thread safety: pure functions.
#pragma once

#include <tl/expected.hpp>

#include "base/encoding.hpp"
#include "imaging/containers/inspect.hpp"
#include "imaging/picture.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging {

/// Whether strip() keeps the picture's look and removes everything private. False, so re-encode: TIFF; PNG
/// and WebP that need turning (no other place may carry it); HEIF with hidden pictures.
bool can_strip(const Inspection& inspection);

/// Rejections: unsupported_format for TIFF; corrupt or truncated where the file is not what `inspection`
/// said, or takes more work than the budget allows.
tl::expected<Bytes, Rejection> strip(BytesView file, const Inspection& inspection, WorkBudget& budget);
/// For a decoder of ours: no orientation is kept, since the picture is turned by what was read before, and bytes
/// behind the last code of a scan may stay, where a decoder does not look.
tl::expected<Bytes, Rejection> strip_for_decoder(BytesView file, const Inspection& inspection,
                                                 WorkBudget& budget);
/// With a budget of its own.
tl::expected<Bytes, Rejection> strip(BytesView file, const Inspection& inspection);

/// The same for what an encoder of ours wrote: no orientation is kept, because it is in the pixels already.
tl::expected<Bytes, Rejection> clean_container(BytesView encoded, Format format);

}  // namespace photogate::imaging
