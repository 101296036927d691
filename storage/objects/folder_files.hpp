// The file system as the built-in store uses it, and the seam at which a test makes it fail. Private to
// storage/objects, but for FolderParts::files.
//
// Thread safety: any number of threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

namespace photogate::storage::objects {

/// Errors of all: store_full, file_error.
class FolderFiles {
  public:
    using Path = std::filesystem::path;
    virtual ~FolderFiles() = default;
    /// A new file, for reading and writing; it may not exist.
    virtual Result<Descriptor> create(const Path& path);
    virtual Result<> write(const Descriptor& file, BytesView bytes);
    /// The file's bytes and its size are on the disk.
    virtual Result<> sync(const Descriptor& file);
    /// The folder's names are on the disk.
    virtual Result<> sync_folder(const Path& folder);
    virtual Result<> make_folder(const Path& folder);
    /// A second name for the same bytes. False: this file system has none (or no more).
    virtual Result<bool> link(const Path& from, const Path& to);
    /// What is not there is removed already.
    virtual Result<> remove(const Path& path);
    /// nullopt where there is none of this name.
    virtual Result<std::optional<Descriptor>> open(const Path& path);
};

/// The machine's.
FolderFiles& system_files();

}  // namespace photogate::storage::objects
