#include "storage/http/body_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace photogate::storage::http {

namespace {

std::string last_error() {
    return std::generic_category().message(errno);
}

}  // namespace

std::optional<std::size_t> MemorySource::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    if (offset >= bytes_.size() || out.empty()) return 0;
    const auto rest = bytes_.subspan(static_cast<std::size_t>(offset));
    const std::size_t count = std::min(rest.size(), out.size());
    std::memcpy(out.data(), rest.data(), count);
    return count;
}

Result<FileSource> FileSource::open(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) return fail(ErrorCode::file_error, path.string() + ": " + last_error());
    return adopt(descriptor, path.string());
}

Result<FileSource> FileSource::duplicate(int descriptor) {
    const int own = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (own < 0) return fail(ErrorCode::file_error, "a descriptor: " + last_error());
    return adopt(own, "a descriptor");
}

Result<FileSource> FileSource::adopt(int descriptor, const std::string& name) {
    FileSource source{descriptor, 0};
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0) return fail(ErrorCode::file_error, name + ": " + last_error());
    if (!S_ISREG(facts.st_mode)) return fail(ErrorCode::file_error, name + ": not a regular file");
    source.size_ = static_cast<std::uint64_t>(facts.st_size);
    return source;
}

FileSource::FileSource(FileSource&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(std::exchange(other.size_, 0)) {}

FileSource& FileSource::operator=(FileSource&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(size_, other.size_);
    return *this;
}

FileSource::~FileSource() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::optional<std::size_t> FileSource::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    if (offset >= size_) return 0;
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
    while (true) {
        const ssize_t count = ::pread(descriptor_, out.data(), wanted, static_cast<off_t>(offset));
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno != EINTR) return std::nullopt;
    }
}

SliceSource::SliceSource(const BodySource& whole, std::uint64_t offset, std::uint64_t length)
    : whole_(whole),
      offset_(std::min(offset, whole.size())),
      length_(std::min(length, whole.size() - std::min(offset, whole.size()))) {}

std::optional<std::size_t> SliceSource::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    if (offset >= length_) return 0;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), length_ - offset));
    return whole_.read(offset_ + offset, out.first(wanted));
}

}  // namespace photogate::storage::http
