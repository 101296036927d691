#include "base/file.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace photogate {
namespace {

tl::unexpected<Error> failed(const std::filesystem::path& path, std::string_view what) {
    return fail(file_failure(fmt::format("{} can not be {}", path.string(), what), errno));
}

Result<> write_whole(const Descriptor& file, std::string_view text, const std::filesystem::path& path) {
    while (!text.empty()) {
        const ssize_t size = ::write(file.get(), text.data(), text.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return failed(path, "written");
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    if (::fsync(file.get()) != 0) return failed(path, "synced");
    return {};
}

}  // namespace

Error file_failure(std::string_view what, int number) {
    const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return {full ? ErrorCode::store_full : ErrorCode::file_error,
            fmt::format("{}: {}", what, std::generic_category().message(number)),
            {},
            std::nullopt};
}

Result<> write_private_file(const std::filesystem::path& path, std::string_view text) {
    auto draft = path;
    draft += ".new";
    {
        const Descriptor file{
            ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!file) return failed(draft, "made");
        if (auto written = write_whole(file, text, draft); !written) {
            ::unlink(draft.c_str());
            return written;
        }
    }
    if (::rename(draft.c_str(), path.c_str()) != 0) return failed(path, "put in place");
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
    const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory || ::fsync(directory.get()) != 0) return failed(folder, "synced");
    return {};
}

}  // namespace photogate
