// What an item of a package is called before its name is made safe and unique, and when it was made.
//
// Thread safety: pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "imaging/format.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::pipeline::packages {

/// The client's file name with the extension of what is in the archive: `IMG_1.HEIC` of a JPEG is `IMG_1.jpg`. An extension that
/// stands for the format stays as it is written. Without a file name, the upload's id.
std::string file_name_of(const storage::packages::FoundUpload& upload, imaging::Format format);

/// When the photo was taken, by the camera's own clock, as if that were UTC: what a zip shows is then what the camera showed.
/// nullopt where the picture does not say so to the second.
std::optional<std::chrono::sys_seconds> moment_of(const std::optional<std::string>& taken_at);

}  // namespace photogate::pipeline::packages
