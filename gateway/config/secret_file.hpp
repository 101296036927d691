// Small files: the configuration itself, and secrets that stand in files of their own (systemd credentials,
// mounted secrets).
//
// Thread safety: pure functions over the file system.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "base/file.hpp"

namespace photogate::gateway::config {

/// The errors of both are a clause behind the path: `can't be read: No such file or directory`.
tl::expected<Descriptor, std::string> open_small_file(const std::filesystem::path& path);
/// At most 1 MiB.
tl::expected<std::string, std::string> read_small_file(const Descriptor& file);

enum class Readers { owner_or_group, everyone };

struct SecretFile {
    std::string text;                ///< without the line's end behind it
    std::vector<std::string> lines;  ///< those that are not empty
    Readers readers = Readers::owner_or_group;
};

/// At most 64 KiB, and not empty.
tl::expected<SecretFile, std::string> read_secret_file(const std::filesystem::path& path);

}  // namespace photogate::gateway::config
