#include "storage/builtin/files.hpp"

#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace photogate::storage::builtin {

namespace {

int opened(const std::filesystem::path& path, int flags) {
    int number = -1;
    do
        number = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    while (number < 0 && errno == EINTR);
    return number;
}

}  // namespace

Result<Descriptor> FolderFiles::create(const Path& path) {
    Descriptor file{opened(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)};
    if (!file) return fail(file_failure("a file in the store's folder could not be made", errno));
    return file;
}

Result<> FolderFiles::write(const Descriptor& file, BytesView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            return fail(file_failure("an object could not be written", errno));
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<> FolderFiles::sync(const Descriptor& file) {
    if (::fdatasync(file.get()) != 0) return fail(file_failure("an object could not be synced", errno));
    return {};
}

Result<> FolderFiles::sync_folder(const Path& folder) {
    const Descriptor file{opened(folder, O_RDONLY | O_DIRECTORY)};
    if (!file || ::fsync(file.get()) != 0)
        return fail(file_failure("the store's folder could not be synced", errno));
    return {};
}

Result<> FolderFiles::make_folder(const Path& folder) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return fail(file_failure(fmt::format("the folder {} could not be made", folder.string()), errno));
    return {};
}

Result<bool> FolderFiles::link(const Path& from, const Path& to) {
    if (::link(from.c_str(), to.c_str()) == 0) return true;
    switch (errno) {
        case EMLINK:
        case EPERM:
        case EOPNOTSUPP:
        case ENOSYS:
        case ENOENT:
            return false;
        default:
            return fail(file_failure("an object could not be copied", errno));
    }
}

Result<> FolderFiles::remove(const Path& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail(file_failure("a file in the store's folder could not be removed", errno));
    return {};
}

Result<std::optional<Descriptor>> FolderFiles::open(const Path& path) {
    Descriptor file{opened(path, O_RDONLY | O_NOFOLLOW)};
    if (file) return std::optional{std::move(file)};
    if (errno == ENOENT) return std::nullopt;
    return fail(file_failure("an object could not be opened", errno));
}

FolderFiles& system_files() {
    static FolderFiles files;
    return files;
}

}  // namespace photogate::storage::builtin
