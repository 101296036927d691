// The walk to a folder that OwnedFolder makes. Private to base.
//
// Thread safety: pure over the file system.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/file.hpp"
#include "base/result.hpp"

namespace photogate {

struct WalkOptions {
    std::optional<mode_t> make;         ///< what is missing is made; the last folder with this mode
    std::optional<uid_t> former_owner;  ///< may own the last folder too
};

struct WalkedFolder {
    Descriptor folder;
    std::string path;  ///< absolute, links resolved
};

/// owned_folder.hpp says what is refused.
Result<WalkedFolder> walk_trusted_path(const std::filesystem::path& folder, const WalkOptions& options);

}  // namespace photogate
