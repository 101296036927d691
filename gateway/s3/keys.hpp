// The built-in store's keys: created once and kept in its folder, so that URLs signed before a restart stay
// valid.
//
// One file, `keys`, mode 0600, three lines: role, access key id, secret. It gives access to the whole store,
// and is as private as the objects beside it. Thread safety: free functions, called at start-up.
#pragma once

#include <filesystem>
#include <optional>

#include "base/random.hpp"
#include "base/result.hpp"
#include "signer/credentials.hpp"

namespace photogate::gateway::s3 {

struct StoreKeys {
    signer::Credentials signer;  ///< puts under the prefix, and nothing else
    signer::Credentials worker;  ///< the objects of its buckets
    signer::Credentials admin;   ///< the store, for `mc` and similar tools
};

/// Errors: file_error (it can't be read or written, or is not what was written).
Result<StoreKeys> load_or_make_keys(const std::filesystem::path& folder, Random& random);
/// nullopt if none were created yet.
Result<std::optional<StoreKeys>> load_keys(const std::filesystem::path& folder);

}  // namespace photogate::gateway::s3
