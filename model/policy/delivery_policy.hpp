// What versions of a published image a profile offers to whoever knows its URL.
//
// Thread safety: immutable values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/words.hpp"
#include "imaging/format.hpp"
#include "imaging/version_spec.hpp"

namespace photogate::model {

/// A version that has a name and is made ahead of the first request, of every image of the profile.
struct VariantRule {
    std::optional<std::uint32_t> width;   ///< pixels
    std::optional<std::uint32_t> height;  ///< pixels
    enum class Fit { inside, cover, fill } fit = Fit::inside;
    imaging::Gravity gravity = imaging::Gravity::centre;  ///< of Fit::cover
    std::optional<imaging::Format> format;                ///< nullopt: the published image's
    std::optional<int> quality;                           ///< nullopt: the policy's
};

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
    enum class Audience {
        everybody,    ///< who knows the URL
        link_holders  ///< who has a signed link or a cookie
    } audience = Audience::everybody;
    /// What whoever asks for a version that is not made yet gets.
    enum class WhileMaking {
        wait,     ///< that version, when it is made
        nearest,  ///< the nearest that is ready, where there is one
    } while_making = WhileMaking::wait;
    ByteSize max_bytes = 0;  ///< of a version; 0: any
    imaging::Gamut gamut = imaging::Gamut::srgb;
    imaging::Sharpening sharpening = imaging::Sharpening::off;
    /// That every version carries; nullopt: none.
    std::optional<imaging::Watermark> watermark;
    /// By name: that a package may ask for in place of `watermark`.
    std::map<std::string, imaging::Watermark> watermarks;
    std::map<std::string, VariantRule> variants;  ///< by name; imaging::kMaxVersions at most
};

}  // namespace photogate::model
