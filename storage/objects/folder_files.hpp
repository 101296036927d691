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
#include "base/result.hpp"

namespace photogate::storage::objects {

/// An open file; closed with it.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~Descriptor() { reset(); }
    int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }
    int release() {
        const int number = number_;
        number_ = -1;
        return number;
    }
    void reset(int number = -1);

  private:
    int number_ = -1;
};

/// store_full where `number` says that there is no room (ENOSPC, EDQUOT, EFBIG), else file_error.
Error file_failure(const std::string& what, int number);

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
