#include "base/owned_folder.hpp"

#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/owned_path.hpp"

namespace photogate {
namespace {

/// PostgreSQL's folders are four deep; a deeper tree is an attempt to use up our descriptors.
constexpr int kDeepest = 32;

tl::unexpected<Error> wrong(const std::string& path, std::string_view what, std::string_view remedy) {
    return fail(ErrorCode::file_error, fmt::format("{} {}: {}", path, what, remedy));
}

Result<struct stat> facts_of(const Descriptor& file, const std::string& path) {
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return fail(file_failure(path + " can't be examined", errno));
    return facts;
}

/// Errors of openat(2) that have a meaning of their own with O_NOFOLLOW.
Error open_failure(const std::string& path, int number) {
    if (number == ELOOP)
        return {ErrorCode::file_error,
                fmt::format("{} is a symbolic link, which is not followed here: remove it", path),
                {},
                std::nullopt};
    if (number == ENOTDIR)
        return {ErrorCode::file_error,
                fmt::format("{} is not a folder, or a symbolic link to one, which is not followed here: "
                            "remove it, or put the folder itself there",
                            path),
                {},
                std::nullopt};
    return file_failure(path + " can't be opened", number);
}

Result<> check_file(const Descriptor& file, const std::string& path, const std::optional<Identity>& owner) {
    const auto facts = facts_of(file, path);
    if (!facts) return fail(facts.error());
    if (!S_ISREG(facts->st_mode)) return wrong(path, "is not a plain file", "remove it");
    if (!runs_as_root()) return {};
    const uid_t expected = owner ? owner->user : ::geteuid();
    if (facts->st_uid != expected)
        return wrong(path,
                     fmt::format("belongs to {}, not to {}", user_name(facts->st_uid), user_name(expected)),
                     "remove it");
    if (facts->st_nlink > 1)
        return wrong(path, fmt::format("has {} names (hard links)", facts->st_nlink), "remove this one");
    return {};
}

Result<> remove_tree(int folder, const char* name, const std::string& path, int depth) {
    if (::unlinkat(folder, name, 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return fail(file_failure(path + " can't be removed", errno));
    if (depth >= kDeepest) return wrong(path, "is nested too deeply to be removed", "remove it");
    const int opened = ::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (opened < 0) return fail(file_failure(path + " can't be removed", errno));
    const std::unique_ptr<DIR, int (*)(DIR*)> listing{::fdopendir(opened), ::closedir};
    if (!listing) {
        (void)::close(opened);
        return fail(file_failure(path + " can't be read", errno));
    }
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view found{entry->d_name};
        if (found == "." || found == "..") continue;
        if (auto gone =
                remove_tree(::dirfd(listing.get()), entry->d_name, path + "/" + entry->d_name, depth + 1);
            !gone)
            return gone;
    }
    if (::unlinkat(folder, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return fail(file_failure(path + " can't be removed", errno));
    return {};
}

}  // namespace

Result<OwnedFolder> OwnedFolder::open(const std::filesystem::path& folder, const Options& options) {
    auto walked = walk_trusted_path(
        folder, {options.missing == Missing::made ? std::optional{options.mode} : std::nullopt,
                 options.former_owner ? std::optional{options.former_owner->user} : std::nullopt});
    if (!walked) return fail(std::move(walked.error()));
    const auto facts = facts_of(walked->folder, walked->path);
    if (!facts) return fail(facts.error());
    if (options.former_owner && runs_as_root() && facts->st_uid != ::geteuid() &&
        facts->st_uid == options.former_owner->user) {
        if (::fchown(walked->folder.get(), ::geteuid(), ::getegid()) != 0 ||
            ::fchmod(walked->folder.get(), options.mode) != 0)
            return fail(file_failure(walked->path + " can't be taken back", errno));
    }
    return OwnedFolder{walked->path, std::move(walked->folder), std::nullopt};
}

Result<Descriptor> OwnedFolder::open_folder(std::string_view name) const {
    const std::string entry{name};
    Descriptor opened{
        ::openat(descriptor_.get(), entry.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!opened) return fail(open_failure(named(name), errno));
    return opened;
}

Result<OwnedFolder> OwnedFolder::make_folder(std::string_view name, mode_t mode) const {
    const std::string entry{name};
    if (::mkdirat(descriptor_.get(), entry.c_str(), mode) != 0 && errno != EEXIST)
        return fail(file_failure(named(name) + " can't be created", errno));
    auto found = find_folder(name);
    if (!found) return fail(std::move(found.error()));
    if (!*found) return wrong(named(name), "was removed while it was opened", "start again");
    return std::move(**found);
}

Result<OwnedFolder> OwnedFolder::give_folder(std::string_view name, mode_t mode,
                                             const Identity& owner) const {
    const std::string entry{name};
    if (::mkdirat(descriptor_.get(), entry.c_str(), mode) != 0 && errno != EEXIST)
        return fail(file_failure(named(name) + " can't be created", errno));
    auto opened = open_folder(name);
    if (!opened) return fail(std::move(opened.error()));
    const auto facts = facts_of(*opened, named(name));
    if (!facts) return fail(facts.error());
    OwnedFolder given{path_ / entry, std::move(*opened), owner};
    if (facts->st_uid == owner.user) return given;
    const auto remedy =
        fmt::format("stop photogate, then chown -R -h {}:{} '{}'", owner.user, owner.group, named(name));
    if (facts->st_uid != ::geteuid())
        return wrong(named(name), "belongs to " + user_name(facts->st_uid), remedy);
    const auto empty = given.is_empty();
    if (!empty) return fail(empty.error());
    if (!*empty) return wrong(named(name), "holds files that belong to " + user_name(facts->st_uid), remedy);
    if (::fchown(given.descriptor_.get(), owner.user, owner.group) != 0)
        return fail(file_failure(named(name) + " can't be given to " + user_name(owner.user), errno));
    return given;
}

Result<std::optional<OwnedFolder>> OwnedFolder::find_folder(std::string_view name,
                                                            const std::optional<Identity>& owner) const {
    auto opened = open_folder(name);
    if (!opened && !has(name)) return std::nullopt;
    if (!opened) return fail(std::move(opened.error()));
    const auto facts = facts_of(*opened, named(name));
    if (!facts) return fail(facts.error());
    const uid_t expected = owner ? owner->user : ::geteuid();
    if (runs_as_root() && facts->st_uid != expected)
        return wrong(named(name),
                     fmt::format("belongs to {}, not to {}", user_name(facts->st_uid), user_name(expected)),
                     fmt::format("stop photogate, then chown -R -h {} '{}'", expected, named(name)));
    if (runs_as_root() && (facts->st_mode & S_IWOTH) != 0 && (facts->st_mode & S_ISVTX) == 0)
        return wrong(named(name), "may be changed by everybody", fmt::format("chmod o-w '{}'", named(name)));
    return OwnedFolder{path_ / std::string{name}, std::move(*opened), owner};
}

Result<Descriptor> OwnedFolder::open_file(std::string_view name, int flags) const {
    const std::string entry{name};
    int number = -1;
    do  // O_NONBLOCK: a pipe without a reader or writer would hold the program for ever
        number = ::openat(descriptor_.get(), entry.c_str(),
                          (flags & ~O_TRUNC) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    while (number < 0 && errno == EINTR);
    Descriptor opened{number};
    if (!opened) return fail(open_failure(named(name), errno));
    if (auto checked = check_file(opened, named(name), owner_); !checked) return fail(checked.error());
    return opened;
}

Result<std::optional<Descriptor>> OwnedFolder::find_file(std::string_view name) const {
    auto opened = open_file(name, O_RDONLY);
    if (opened) return std::optional{std::move(*opened)};
    if (!has(name)) return std::nullopt;
    return fail(std::move(opened.error()));
}

bool OwnedFolder::has(std::string_view name) const {
    struct stat facts {};
    return ::fstatat(descriptor_.get(), std::string{name}.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 ||
           errno != ENOENT;
}

Result<bool> OwnedFolder::is_empty() const {
    const int opened = ::openat(descriptor_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing{opened < 0 ? nullptr : ::fdopendir(opened), ::closedir};
    if (!listing) return fail(file_failure(path_.string() + " can't be read", errno));
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view found{entry->d_name};
        if (found != "." && found != "..") return false;
    }
    return true;
}

Result<> OwnedFolder::rename(std::string_view from, std::string_view to) const {
    if (::renameat(descriptor_.get(), std::string{from}.c_str(), descriptor_.get(),
                   std::string{to}.c_str()) != 0)
        return fail(file_failure(named(to) + " can't be put in place", errno));
    return {};
}

Result<> OwnedFolder::remove_file(std::string_view name) const {
    if (::unlinkat(descriptor_.get(), std::string{name}.c_str(), 0) != 0 && errno != ENOENT)
        return fail(file_failure(named(name) + " can't be removed", errno));
    return {};
}

Result<> OwnedFolder::remove_folder(std::string_view name) const {
    return remove_tree(descriptor_.get(), std::string{name}.c_str(), named(name), 0);
}

Result<> OwnedFolder::set_mode(mode_t mode) const {
    if (::fchmod(descriptor_.get(), mode) != 0)
        return fail(file_failure(path_.string() + " can't be given its mode", errno));
    return {};
}

Result<> OwnedFolder::sync() const {
    if (::fsync(descriptor_.get()) != 0)
        return fail(file_failure(path_.string() + " can't be synced", errno));
    return {};
}

Result<std::optional<std::string>> read_owned_file(const std::filesystem::path& path, std::size_t largest) {
    const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
    std::error_code missing;
    if (!std::filesystem::exists(parent, missing)) return std::nullopt;
    const auto folder = OwnedFolder::open(parent, {});
    if (!folder) return fail(folder.error());
    const auto file = folder->find_file(path.filename().string());
    if (!file) return fail(file.error());
    if (!*file) return std::nullopt;
    std::string text(largest + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read((*file)->get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(file_failure(path.string() + " can't be read", errno));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > largest)
        return wrong(path.string(), fmt::format("has more than {} bytes", largest), "remove it");
    text.resize(size);
    return text;
}

}  // namespace photogate
