// The file system operations of the built-in store, an interface with which tests inject failures. Private to
// storage/builtin, except for FolderDependencies::files.
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

namespace photogate::storage::builtin {

/// Errors of all: store_full, file_error.
class FolderFiles {
  public:
    using Path = std::filesystem::path;
    virtual ~FolderFiles() = default;
    /// A new file, for reading and writing; it must not exist.
    virtual Result<Descriptor> create(const Path& path);
    virtual Result<> write(const Descriptor& file, BytesView bytes);
    /// Syncs the file's bytes and its size.
    virtual Result<> sync(const Descriptor& file);
    /// Syncs the folder's entries.
    virtual Result<> sync_folder(const Path& folder);
    virtual Result<> make_folder(const Path& folder);
    /// A hard link to the same bytes. False: this file system supports none (or no more).
    virtual Result<bool> link(const Path& from, const Path& to);
    /// A missing file counts as removed.
    virtual Result<> remove(const Path& path);
    /// nullopt if there is no file of this name.
    virtual Result<std::optional<Descriptor>> open(const Path& path);
};

/// The machine's.
FolderFiles& system_files();

}  // namespace photogate::storage::builtin
