// What the watermarks of a task are made of: their pictures, decoded.
//
// Thread safety: one thread.
#pragma once

#include <optional>

#include <tl/expected.hpp>

#include "imaging/containers/metadata.hpp"
#include "imaging/imager/watermark.hpp"
#include "imaging/imager_wire.hpp"
#include "imaging/processing_cost.hpp"

namespace photogate::imaging {

/// Of reading the pictures of all versions' watermarks, by their headers; nothing for one that can't be read.
Cost reading_cost_of_marks(const Task& task);

/// Those of all versions; that of a text is drawn for each. `metadata` is the file's, where it was read. Errors:
/// invalid_configuration.
tl::expected<Marks, Answer> marks_of(const Task& task, const std::optional<Metadata>& metadata);

}  // namespace photogate::imaging
