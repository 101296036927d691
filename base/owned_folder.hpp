// A folder that this process alone may change, and its entries, reached through descriptors.
//
// Every file that the program makes, opens or removes in a folder by name goes through here, because it may
// run as root and the folder, or one above it, may belong to another user, who can swap entries at any time.
// - A path is walked from the root folder by descriptors. For root, each folder on the way must belong to
//   root (or to the user who called sudo) and may not be writable for others, unless it is sticky; a symbolic
//   link is followed only where such a folder holds it and root owns it.
// - An entry is opened relative to its folder's descriptor with O_NOFOLLOW, and judged by fstat of what was
//   opened: a file is a plain one, and for root it belongs to root and has one name (no hard links).
// - Nothing is written, truncated or given away before that.
// For another user than root only the types are checked: such a process can be led to no more than its user
// may do.
//
// Errors of all: file_error, store_full; each names the path, what is wrong and what to do.
// Thread safety: const functions from any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/file.hpp"
#include "base/privileges.hpp"
#include "base/result.hpp"

namespace photogate {

class OwnedFolder {
  public:
    enum class Missing { refused, made };

    struct Options {
        Missing missing = Missing::refused;
        mode_t mode = 0700;  ///< of a folder that is made; those above it get 0755
        /// Whose folder it may be so far: it is taken back, with `mode`.
        std::optional<Identity> former_owner;
    };

    /// A relative path is below the current folder.
    static Result<OwnedFolder> open(const std::filesystem::path& folder, const Options& options);

    /// A folder in this one that is given to `owner`, who may change it from then on. One that is there must
    /// be theirs already, or ours and empty.
    Result<OwnedFolder> give_folder(std::string_view name, mode_t mode, const Identity& owner) const;
    /// A folder in this one that is ours.
    Result<OwnedFolder> make_folder(std::string_view name, mode_t mode) const;
    /// nullopt where there is none of this name. `owner`: whose it must be, if not ours.
    Result<std::optional<OwnedFolder>> find_folder(std::string_view name,
                                                   const std::optional<Identity>& owner = std::nullopt) const;

    /// `flags` as for open(2), without O_TRUNC. With O_CREAT the file is made with mode 0600.
    Result<Descriptor> open_file(std::string_view name, int flags) const;
    /// For reading; nullopt where there is none of this name.
    Result<std::optional<Descriptor>> find_file(std::string_view name) const;
    bool has(std::string_view name) const;
    Result<bool> is_empty() const;

    Result<> rename(std::string_view from, std::string_view to) const;
    /// What is not there is removed already.
    Result<> remove_file(std::string_view name) const;
    /// With everything in it, including other users' entries; links are removed, not followed.
    Result<> remove_folder(std::string_view name) const;
    /// Its own mode, whatever it had.
    Result<> set_mode(mode_t mode) const;
    /// Its names are on the disk.
    Result<> sync() const;

    const std::filesystem::path& path() const { return path_; }

  private:
    OwnedFolder(std::filesystem::path path, Descriptor descriptor, std::optional<Identity> owner)
        : path_(std::move(path)), descriptor_(std::move(descriptor)), owner_(owner) {}
    Result<Descriptor> open_folder(std::string_view name) const;
    std::string named(std::string_view name) const { return (path_ / name).string(); }

    std::filesystem::path path_;
    Descriptor descriptor_;
    std::optional<Identity> owner_;  ///< of its entries; none: ourselves
};

/// A whole file of at most `largest` bytes, whose entry passed OwnedFolder::find_file; nullopt where there is
/// none, or no folder that would hold it.
Result<std::optional<std::string>> read_owned_file(const std::filesystem::path& path, std::size_t largest);

}  // namespace photogate
