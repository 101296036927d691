#include "imaging/memory_file.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace photogate::imaging {
namespace {

tl::unexpected<Error> system_error(const char* what) {
    return fail(ErrorCode::file_error, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

Result<MappedFile> MappedFile::map(int descriptor, ByteSize size) {
    // The call itself: the C library's fstat() is a look at a path that happens to be empty, and in the jail
    // no path may be looked at.
    struct stat status {};
    if (::syscall(SYS_fstat, descriptor, &status) != 0)
        return system_error("a file in memory can't be looked at");
    if (status.st_size < 0 || static_cast<ByteSize>(status.st_size) < size) {
        return fail(ErrorCode::file_error, "a file in memory is shorter than announced");
    }
    if (size == 0) return MappedFile(nullptr, 0);
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (start == MAP_FAILED) return system_error("a file in memory can't be mapped");
    return MappedFile(start, size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(size_, other.size_);
    return *this;
}

MappedFile::~MappedFile() {
    if (start_ != nullptr) ::munmap(start_, size_);
}

Result<MemoryFile> MemoryFile::create(const char* name) {
    Descriptor descriptor(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!descriptor) return system_error("a file in memory can't be made");
    return MemoryFile(std::move(descriptor));
}

Result<> MemoryFile::append(BytesView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return system_error("a file in memory can't be written");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        size_ += static_cast<ByteSize>(written);
    }
    return {};
}

Result<> MemoryFile::seal() {
    if (::fcntl(descriptor(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return {};
    // EPERM: sealed before, which is what was asked.
    if (errno == EPERM) return {};
    return system_error("a file in memory can't be sealed");
}

}  // namespace photogate::imaging
