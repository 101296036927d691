// Internal: one rewriter for each format, behind strip() and clean_container(). Not for other modules.
//
// Each walks the file by itself and is bounded by it; none trusts offsets found earlier. Where the budget
// does not allow the work, the file is refused as corrupt.
#pragma once

#include <cstdint>

#include <tl/expected.hpp>

#include "imaging/containers/inspect.hpp"
#include "imaging/parts/write_bytes.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging {

using Stripped = tl::expected<Bytes, Rejection>;

/// What hides behind the last code of a scan, where no decoder looks.
enum class Hidden {
    removed,
    left,  ///< saves the pass over all codes
};

/// `orientation` other than 1 is written as the only Exif.
Stripped strip_jpeg(BytesView file, std::uint8_t orientation, Hidden hidden, WorkBudget& budget);
Stripped strip_png(BytesView file, WorkBudget& budget);
Stripped strip_webp(BytesView file, WorkBudget& budget);
Stripped strip_gif(BytesView file, WorkBudget& budget);
Stripped strip_bmff(BytesView file, WorkBudget& budget);

inline tl::unexpected<Rejection> cannot_strip(RejectionCode code, const char* detail) {
    return tl::unexpected<Rejection>(Rejection{code, detail});
}

}  // namespace photogate::imaging
