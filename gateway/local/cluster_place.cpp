#include "gateway/local/cluster_place.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/owned_folder.hpp"

namespace photogate::gateway::local {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPlaceFile = "place";  // in the folder: where its cluster is
constexpr std::string_view kOwnerFile = "of";     // beside the cluster: whose it is
constexpr std::size_t kLongestPath = 4'096;
constexpr int kMostPlaces = 100;

bool may_pass(const fs::path& folder, const Identity& who) {
    for (auto path = folder; !path.empty(); path = path.parent_path()) {
        struct stat facts {};
        if (::stat(path.c_str(), &facts) == 0) {
            mode_t needed = S_IXOTH;
            if (facts.st_uid == who.user) {
                needed = S_IXUSR;
            } else if (facts.st_gid == who.group) {
                needed = S_IXGRP;
            }
            if ((facts.st_mode & needed) == 0) return false;
        }
        if (path == path.root_path()) break;
    }
    return true;
}

/// FNV-1a: a name that stays the same over compilers, since data are found by it.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char letter : text)
        hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
    return hash;
}

/// The path in such a file; empty where there is none.
fs::path named_in(const fs::path& file) {
    const auto text = read_owned_file(file, kLongestPath);
    if (!text || !*text) return {};
    return fs::path{(*text)->substr(0, (*text)->find('\n'))};
}

Result<> name_in(const fs::path& file, const fs::path& path) {
    return write_private_file(file, path.string() + "\n");
}

/// The first place of this folder's name that no other folder has.
fs::path own_place(const fs::path& folder) {
    const auto name = fmt::format("photogate-{}-{:016x}", ::geteuid(), hash_of(folder.string()));
    auto place = fs::path{"/var/tmp"} / name;
    for (int number = 2; number < kMostPlaces; ++number) {
        const auto owner = named_in(place / kOwnerFile);
        if (owner.empty() || owner == folder) break;
        place = fs::path{"/var/tmp"} / fmt::format("{}-{}", name, number);
    }
    return place;
}

bool is_same(const fs::path& one, const fs::path& other) {
    std::error_code ignored;
    return fs::equivalent(one, other, ignored);
}

}  // namespace

Result<fs::path> cluster_place(const fs::path& folder, const std::optional<Identity>& identity) {
    const auto recorded = named_in(folder / kPlaceFile);
    if (recorded.empty() && (!identity || may_pass(folder.parent_path(), *identity))) return folder;
    const auto place = recorded.empty() ? own_place(folder) : recorded;
    const auto made = OwnedFolder::open(place, {OwnedFolder::Missing::made, kPassable, std::nullopt});
    if (!made) return fail(made.error());
    if (auto opened = made->set_mode(kPassable); !opened) return fail(opened.error());
    const auto owner = named_in(place / kOwnerFile);
    if (!owner.empty() && owner != folder && named_in(owner / kPlaceFile) == place && !is_same(owner, folder))
        return fail(ErrorCode::store_in_use,
                    fmt::format("{} is a copy of {}, whose database is in {}: both would write to it. Remove "
                                "the one that is not needed, or restore a dump into a new data folder",
                                folder.string(), owner.string(), place.string()));
    const auto home = OwnedFolder::open(folder, {OwnedFolder::Missing::made, kPassable, identity});
    if (!home) return fail(home.error());
    if (owner != folder) {
        if (auto named = name_in(place / kOwnerFile, folder); !named) return fail(named.error());
    }
    if (recorded.empty()) {
        if (auto named = name_in(folder / kPlaceFile, place); !named) return fail(named.error());
    }
    return place / "postgres";
}

fs::path find_cluster(const fs::path& folder) {
    const auto recorded = named_in(folder / kPlaceFile);
    return recorded.empty() ? folder : recorded / "postgres";
}

}  // namespace photogate::gateway::local
