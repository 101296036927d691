// What versions of a published image a profile offers to whoever knows its URL.
//
// Thread safety: immutable values.
#pragma once

#include <cstdint>
#include <vector>

#include "imaging/format.hpp"

namespace photogate::model {

struct DeliveryPolicy {
    /// Pixels, ascending, at least one: a size is rounded up to one of these, or down to the last.
    std::vector<std::uint32_t> ladder = {160, 240, 320, 480, 640, 800, 960, 1'280, 1'600, 1'920, 2'560};
    enum class Sizes {
        ladder,
        free,  ///< as asked for, up to the last of the ladder
    } sizes = Sizes::ladder;
    /// That may be asked for; the published image's own is offered in any case.
    std::vector<imaging::Format> formats = {imaging::Format::jpeg, imaging::Format::png,
                                            imaging::Format::webp, imaging::Format::avif};
    /// Ascending, at least one: a quality is rounded up to one of these, or down to the last.
    std::vector<int> qualities = {40, 60, 75, 82, 90};
    int quality = 82;  ///< where none is asked for
};

}  // namespace photogate::model
