#include "base/file.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/owned_folder.hpp"

namespace photogate {
namespace {

tl::unexpected<Error> failed(const std::filesystem::path& path, std::string_view what) {
    return fail(file_failure(fmt::format("{} can't be {}", path.string(), what), errno));
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
    const auto folder = OwnedFolder::open(
        path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."}, OwnedFolder::Options{});
    if (!folder) return fail(folder.error());
    const auto name = path.filename().string();
    const auto draft = name + ".new";
    // Another one's draft, or a link in its place, goes; what is written is new and ours.
    if (auto gone = folder->remove_file(draft); !gone) return gone;
    {
        const auto file = folder->open_file(draft, O_WRONLY | O_CREAT | O_EXCL);
        if (!file) return fail(file.error());
        if (auto written = write_whole(*file, text, path); !written) {
            (void)folder->remove_file(draft);
            return written;
        }
    }
    if (auto placed = folder->rename(draft, name); !placed) return placed;
    return folder->sync();
}

}  // namespace photogate
