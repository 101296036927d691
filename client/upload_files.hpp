// `photogate upload FILE…`: several files at once, a line of progress, and a result for each.
//
// Thread safety: starts its own threads, and ends them before it returns.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "base/random.hpp"
#include "client/file_upload.hpp"
#include "client/outcome.hpp"

namespace photogate::client {

enum class Progress { shown, hidden };

struct UploadFiles {
    std::vector<std::filesystem::path> files;
    std::size_t parallel = 4;
    Sending sending;
    Progress progress = Progress::hidden;  ///< a line on `err` that is written over: for a terminal
};

/// Prints a line as each file ends: id, state and URL, or an object `{file, id, state, url, error}`. A file that is rejected, or
/// ends in another way than it should, is a failure.
Outcome upload_files(const GatewayApi& api, const UploadFiles& what, Random& random, const Output& output);

}  // namespace photogate::client
