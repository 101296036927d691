// What can be shown while a version is made: the same picture in another size or quality.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "imaging/version_spec.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::delivery {

/// The size (VersionSpec::max_edge) of the version of that key, where it differs from `wanted` in size and quality alone.
std::optional<std::uint32_t> edge_of_sibling(const imaging::VersionSpec& wanted, std::string_view key);

/// Of these, the one whose size is nearest to what is wanted, by proportion, the larger of two; null where there is none.
/// `whole`: the size of the published image itself, where that may be shown in its place; it is then the answer, as null,
/// if it is nearer than all others.
const storage::records::ReadyVersion* nearest_version(
    const imaging::VersionSpec& wanted, const std::vector<storage::records::ReadyVersion>& ready,
    std::optional<std::uint32_t> whole);

}  // namespace photogate::delivery
