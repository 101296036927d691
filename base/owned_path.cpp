#include "base/owned_path.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/privileges.hpp"

namespace photogate {
namespace {

constexpr int kMostLinks = 40;  // as the kernel

/// Who called sudo: can become root anyway, so that their folders are trusted like root's.
std::optional<uid_t> sudo_user() {
    const char* text = std::getenv("SUDO_UID");
    uid_t user = 0;
    if (text == nullptr || std::from_chars(text, text + std::strlen(text), user).ec != std::errc{})
        return std::nullopt;
    return user;
}

tl::unexpected<Error> wrong(const std::string& path, const std::string& what) {
    return fail(ErrorCode::file_error,
                fmt::format("{} {}, and photogate runs as root: run it as another user, or choose a folder "
                            "that only root can change, such as one below /var/lib",
                            path, what));
}

class Walk {
  public:
    Walk(const std::filesystem::path& folder, const WalkOptions& options) : options_(options) {
        std::error_code error;
        push(std::filesystem::absolute(folder, error).string());
        if (error) failed_ = file_failure(folder.string() + " can't be found", error.value());
    }

    Result<WalkedFolder> run() {
        if (failed_) return fail(*failed_);
        start_at_root();
        if (!here_) return fail(file_failure("/ can't be opened", errno));
        while (!rest_.empty()) {
            const std::string name = rest_.front();
            rest_.pop_front();
            if (auto stepped = step(name); !stepped) return fail(std::move(stepped.error()));
        }
        // O_PATH has served; what follows is read and synced.
        Descriptor opened{::openat(here_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!opened) return fail(file_failure(path_ + " can't be opened", errno));
        return WalkedFolder{std::move(opened), path_};
    }

  private:
    void push(std::string_view text) {
        std::deque<std::string> names;
        for (std::size_t start = 0; start < text.size();) {
            const auto end = std::min(text.find('/', start), text.size());
            const auto name = text.substr(start, end - start);
            if (!name.empty() && name != ".") names.emplace_back(name);
            start = end + 1;
        }
        rest_.insert(rest_.begin(), names.begin(), names.end());
    }

    void start_at_root() {
        here_ = Descriptor{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
        path_ = "/";
    }

    std::string below(const std::string& name) const {
        return path_ == "/" ? path_ + name : path_ + "/" + name;
    }

    Result<> step(const std::string& name) {
        const auto path = below(name);
        Descriptor next = open_or_make(name);
        if (!next) return fail(file_failure(path + " can't be opened or created", errno));
        struct stat facts {};
        if (::fstat(next.get(), &facts) != 0) return fail(file_failure(path + " can't be examined", errno));
        if (S_ISLNK(facts.st_mode)) return follow(next, facts, path);
        if (!S_ISDIR(facts.st_mode))
            return fail(ErrorCode::file_error, path + " is not a folder: remove it, or choose another one");
        if (auto trusted = check(facts, path); !trusted) return trusted;
        here_ = std::move(next);
        path_ = name == ".." ? std::filesystem::path{path_}.parent_path().string() : path;
        return {};
    }

    Descriptor open_or_make(const std::string& name) const {
        const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
        Descriptor found{::openat(here_.get(), name.c_str(), flags)};
        if (found || errno != ENOENT || !options_.make) return found;
        const mode_t mode = rest_.empty() ? *options_.make : 0755;
        if (::mkdirat(here_.get(), name.c_str(), mode) != 0 && errno != EEXIST) return Descriptor{};
        return Descriptor{::openat(here_.get(), name.c_str(), flags)};
    }

    Result<> follow(const Descriptor& link, const struct stat& facts, const std::string& path) {
        if (runs_as_root() && !is_trusted(facts.st_uid))
            return wrong(path, "is a symbolic link of " + user_name(facts.st_uid));
        if (++links_ > kMostLinks) return fail(file_failure(path + " can't be opened", ELOOP));
        std::array<char, PATH_MAX> target{};
        const ssize_t size = ::readlinkat(link.get(), "", target.data(), target.size());
        if (size <= 0) return fail(file_failure(path + " can't be read", errno));
        const std::string_view text{target.data(), static_cast<std::size_t>(size)};
        if (text.starts_with('/')) start_at_root();
        push(text);
        return {};
    }

    bool is_trusted(uid_t user) const {
        return user == 0 || user == ::geteuid() || (sudo_ && user == *sudo_);
    }

    Result<> check(const struct stat& facts, const std::string& path) const {
        if (!runs_as_root()) return {};
        const bool last = rest_.empty();
        const bool formerly_theirs = last && options_.former_owner && facts.st_uid == *options_.former_owner;
        const bool ours = last ? facts.st_uid == ::geteuid() : is_trusted(facts.st_uid);
        if (!ours && !formerly_theirs) return wrong(path, "belongs to " + user_name(facts.st_uid));
        const bool sticky = (facts.st_mode & S_ISVTX) != 0;
        const bool by_group = (facts.st_mode & S_IWGRP) != 0 && facts.st_gid != 0;
        if (!sticky && (by_group || (facts.st_mode & S_IWOTH) != 0))
            return wrong(path, fmt::format("may be changed by {} (mode {:o})",
                                           by_group ? "its group" : "everybody", facts.st_mode & 07777));
        return {};
    }

    const WalkOptions& options_;
    const std::optional<uid_t> sudo_ = sudo_user();
    std::optional<Error> failed_;
    std::deque<std::string> rest_;
    Descriptor here_;
    std::string path_;
    int links_ = 0;
};

}  // namespace

Result<WalkedFolder> walk_trusted_path(const std::filesystem::path& folder, const WalkOptions& options) {
    return Walk{folder, options}.run();
}

}  // namespace photogate
