// Internal: what a metadata carrier holds, put together and unpacked. Not for other modules.
#pragma once

#include <optional>

#include "imaging/containers/inspect.hpp"

namespace photogate::imaging {

inline constexpr std::size_t kMaxUnpacked = 1U << 20;  ///< bytes of one carrier that is packed or in parts

/// A view into the file, or into `storage` where the bytes had to be made. nullopt where they are damaged, more
/// than kMaxUnpacked, or more than the budget allows.
std::optional<BytesView> carried_bytes(BytesView file, const Carrier& carrier, Bytes& storage,
                                       WorkBudget& budget);

}  // namespace photogate::imaging
