#include "storage/builtin/reserve.hpp"

#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.hpp"

namespace photogate::storage::builtin {

namespace {

/// Some dozens of pages of the index and its journal.
constexpr off_t kBytes = 256 * 1024;

}  // namespace

Reserve::Reserve(std::filesystem::path file) : file_(std::move(file)) {
    keep();
}

void Reserve::keep() {
    if (kept_) return;
    const Descriptor file{::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    kept_ = file && ::posix_fallocate(file.get(), 0, kBytes) == 0;
    // A partial reservation is useless.
    if (file && !kept_) (void)!::ftruncate(file.get(), 0);
}

bool Reserve::release() {
    if (!kept_) return false;
    kept_ = false;
    const Descriptor file{::open(file_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)};
    return file && ::ftruncate(file.get(), 0) == 0;
}

}  // namespace photogate::storage::builtin
