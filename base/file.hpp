// Files: an open descriptor, file errors, and a small file that only its owner may read.
//
// Thread safety: a Descriptor as an int; the functions are pure, over the file system.
#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "base/result.hpp"

namespace photogate {

/// An open file, closed with this object.
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
    /// The caller closes it.
    int release() { return std::exchange(number_, -1); }
    void reset(int number = -1) {
        // Errors of close(2) don't matter for a file that was synced, only read, or is discarded.
        if (number_ >= 0) (void)::close(number_);
        number_ = number;
    }

  private:
    int number_ = -1;
};

/// `what: why`, of errno `number`: store_full if the disk has no space (ENOSPC, EDQUOT, EFBIG), else
/// file_error.
Error file_failure(std::string_view what, int number);

/// Replaces a file, mode 0600, atomically: it holds either the old content or all of the new, even after a
/// power loss. Errors: store_full, file_error.
Result<> write_private_file(const std::filesystem::path& path, std::string_view text);

}  // namespace photogate
