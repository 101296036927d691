// The names of an archive's entries: what strangers call their files, as names that every system can unpack.
//
// A name from outside can leave the folder that it is unpacked to (`../x`, `C:x`), be none on Windows (`CON`, a
// trailing dot), hide what it is (bidirectional controls) or be another's twin where case or composition of
// characters does not count (Windows, macOS). It is rewritten; nothing is refused.
//
// Source: Unicode 15 through utf8proc, POSIX NAME_MAX, and Microsoft's "Naming Files, Paths, and Namespaces".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace photogate::packager {

inline constexpr std::size_t kLongestComponent = 255;  ///< bytes, of a folder or a file
/// Bytes, of a whole name, before its folders take the spelling of those that they are one with.
inline constexpr std::size_t kLongestPath = 1'024;
inline constexpr std::size_t kMostFolders = 16;  ///< in a name; those inside are left out

/// The name as a path of folders and a file, each within its bounds, in well-formed UTF-8, composed (NFC):
/// without `.`, `..`, empty parts, control and bidirectional characters, characters and names that Windows
/// keeps for itself, and without spaces and full stops at the ends. Backslashes separate as slashes do. A name of
/// which nothing is left is `unnamed`.
///
/// Thread safety: pure. Cost: linear in the name, which is read up to a bounded length.
std::string safe_name(std::string_view wished);

/// One value for use as one part of a name: its slashes and backslashes are replaced.
std::string as_component(std::string_view value);

/// Names that are safe and, without regard to case and composition, different from all before; a twin gets a
/// number: `photo.jpg`, `photo (2).jpg`. Folders that differ so are one folder, named as its first; no folder has a
/// file's name.
///
/// Cost: a name takes O(log n), whoever chooses them: a number is counted on from where its twins left it.
/// Memory: that of the names. Thread safety: one thread.
class UniqueNames {
  public:
    /// The name for the archive.
    std::string add(std::string_view wished);

  private:
    using Folder = std::uint32_t;  // 0 is the outermost
    using Place = std::pair<Folder, std::string>;

    struct Taken {
        Folder folder = 0;          // that it is; 0 for a file
        std::string spelling = {};  // of a folder
    };

    Folder enter(Folder parent, std::string_view name, std::string& path);
    std::string free_name(Folder folder, std::string_view name);

    std::map<Place, Taken> taken_;             // by what a name is without case
    std::map<Place, Place> renamed_folders_;   // a folder whose name a file had
    std::map<Place, std::uint32_t> counters_;  // the next number, by the family of names that it tells apart
    Folder last_folder_ = 0;
};

}  // namespace photogate::packager
