// A MinIO made ready for a gateway: three buckets, two users with a policy each, two event targets and their rules.
//
// etc/minio/README.md has the same by hand.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <memory>

#include "base/random.hpp"
#include "client/setup/store_setup.hpp"

namespace photogate::client::setup::minio {

struct Options {
    std::filesystem::path tool;        ///< `mc`, an absolute path
    std::filesystem::path events_dir;  ///< MinIO's, for events that wait; empty: they are not kept there
};

/// `random` outlives it. Errors: http_* where the store does not answer; file_error.
Result<std::unique_ptr<StoreSetup>> open(Wanted wanted, Options options, Random& random);

}  // namespace photogate::client::setup::minio
