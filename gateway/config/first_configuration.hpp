// The configuration that a first `photogate all` makes for itself: everything on this machine, in one folder.
//
// Written once, readable by its owner alone; afterwards it is the user's, and is never changed.
//
// Thread safety: one caller at a time; a second process that comes between finds the first one's file.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"

namespace photogate::gateway::config {

/// Of the file in the folder that a first `photogate all` makes.
inline constexpr std::string_view kFirstFile = "photogate.toml";

struct FirstConfiguration {
    std::filesystem::path file;  ///< FOLDER/photogate.toml
    std::filesystem::path
        key_file;  ///< FOLDER/key: the API key of its app, which the configuration holds a hash of
    enum class Was { made, there } was = Was::made;
};

/// Makes it where there is none. Errors: file_error, store_full (the disk has no room).
Result<FirstConfiguration> first_configuration(const std::filesystem::path& folder, Random& random);

}  // namespace photogate::gateway::config
