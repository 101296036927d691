// The configuration that a first `photogate all` makes: everything on this machine, in one folder.
//
// Its paths are relative to its file, so that the folder can be moved. What flags and variables say at the
// first start stands in it, but for secrets. It opens nothing to callbacks but the receiver that is named.
//
// Thread safety: plan_first_configuration() from any thread; one caller at a time for one folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "gateway/config/load.hpp"

namespace photogate::gateway::config {

/// The name of the file in its folder.
inline constexpr const char* kFirstFile = "photogate.toml";
/// The app that it has.
inline constexpr const char* kFirstApp = "demo";

struct FirstConfiguration {
    std::filesystem::path file;
    std::filesystem::path key_file;           ///< holds the app's key
    std::filesystem::path operator_key_file;  ///< holds the operator's
    std::string text;                         ///< of the file
    Secret key;
    Secret operator_key;
};

/// For `sources.folder`; nothing is written. nullopt: there is a configuration already. Errors: file_error,
/// store_full.
Result<std::optional<FirstConfiguration>> plan_first_configuration(const Sources& sources, Random& random);

/// Makes the folder and the files. Errors: file_error, store_full.
Result<> write(const FirstConfiguration& planned);

}  // namespace photogate::gateway::config
