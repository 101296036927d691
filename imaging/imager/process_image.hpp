// One upload, from its bytes to a clean picture with its facts: the order of the steps, and nothing else.
//
//   admit → inspect → read metadata → strip → decode (the proof)
//         → for each version: crop, shrink, sharpen, watermark
//           → encode, or keep the stripped bytes → clean → check
//
// The decoder sees stripped bytes alone, so that no Exif, XMP or text code of a library is ever reached. What
// is given out was read again by a reader that shares no code with the writers; if it finds anything, the
// picture is not given out. Thread safety: one thread (libvips' error buffer).
#pragma once

#include "base/encoding.hpp"
#include "imaging/imager_wire.hpp"

namespace photogate::imaging {

/// `order.task.file` is not looked at: its bytes are `file`. One decode serves all versions. The same bytes and order give the same answer,
/// byte for byte. Errors (ours, not the picture's): invalid_configuration where the output can't be written
/// here; internal where a sound picture fails with this order too. Whatever fails for this picture alone is a
/// rejection, so that no upload can alarm an operator.
Answer process_image(const TaskOrder& order, BytesView file);

}  // namespace photogate::imaging
