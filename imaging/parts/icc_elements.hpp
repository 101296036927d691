// Internal: the values of a colour profile's tags, copied without anything beside them.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "base/encoding.hpp"

namespace photogate::imaging {

/// A number of the profile's, four bytes, big-endian.
void put_u32(Bytes& out, std::uint32_t value);

/// One value each, nullopt where it is malformed or of another type. `element` starts at the type's signature; what
/// follows the values is left out, and reserved bytes are zeros.
std::optional<Bytes> exact_xyz(BytesView element);          ///< `XYZ `, one triple
std::optional<Bytes> exact_curve(BytesView element);        ///< `curv` or `para`
std::optional<Bytes> exact_table(BytesView element);        ///< `mft1`, `mft2`, `mAB `, `mBA `
std::optional<Bytes> exact_matrix(BytesView element);       ///< `sf32`, nine numbers
std::optional<Bytes> exact_code_points(BytesView element);  ///< `cicp`

}  // namespace photogate::imaging
