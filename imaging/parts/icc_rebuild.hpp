// A colour profile built anew from what colour conversion needs.
//
// Follows ICC.1:2022 (version 4) and ICC.1:2001-04 (version 2). Thread safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/encoding.hpp"

namespace photogate::imaging {

/// The size that the profile's header states; 0 where there is no header.
std::size_t stated_icc_size(BytesView profile);

/// Whether one of its tags converts colours.
bool converts_colours(BytesView profile);

/// The tag's X, Y and Z; nullopt where it is not there or no such triple.
std::optional<std::array<double, 3>> icc_xyz(BytesView profile, std::string_view tag);

/// The header's version, class, colour spaces and intent; white point, colorants, curves, tables, chromatic
/// adaptation and coding points, each exactly as long as its values; a fixed description and copyright. A profile
/// that was rebuilt is rebuilt to the same bytes. nullopt where one of those tags, or a colour space, is of a kind
/// that is not known here, or where none of the tags is there.
std::optional<Bytes> rebuild_icc(BytesView profile);

}  // namespace photogate::imaging
