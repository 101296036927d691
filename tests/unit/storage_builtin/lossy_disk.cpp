#include "tests/unit/storage_builtin/lossy_disk.hpp"

#include <fstream>
#include <sstream>

#include <unistd.h>

namespace photogate::storage::builtin {

namespace {

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

std::filesystem::path path_of(const Descriptor& file) {
    return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file.get()));
}

}  // namespace

LossyDisk& LossyDisk::instance() {
    static LossyDisk disk;
    return disk;
}

void LossyDisk::arm(std::uint64_t step, Unsynced unsynced) {
    const std::lock_guard lock{mutex_};
    steps_ = 0;
    last_ = step;
    armed_ = true;
    unsynced_ = unsynced;
}

void LossyDisk::step() {
    if (!armed_) return;
    ++steps_;
    if (last_ != 0 && steps_ >= last_) lose_power();
}

/// A file that is met for the first time was on the disk before.
LossyDisk::Remembered& LossyDisk::remember(const std::filesystem::path& path) {
    const auto [found, fresh] = files_.try_emplace(path);
    if (fresh && std::filesystem::exists(path)) found->second.durable = content_of(path);
    return found->second;
}

void LossyDisk::wrote(const std::filesystem::path& path) {
    remember(path).dirty = true;
}

void LossyDisk::synced(const std::filesystem::path& path) {
    auto& file = remember(path);
    file.durable = content_of(path);
    file.dirty = false;
}

void LossyDisk::named(const std::filesystem::path& path) {
    auto& file = files_[path];
    file = {};
    file.name_on_disk = false;
    file.durable = content_of(path);
}

void LossyDisk::removed(const std::filesystem::path& path) {
    remember(path).removed = true;
}

void LossyDisk::folder_synced(const std::filesystem::path& folder) {
    for (auto it = files_.begin(); it != files_.end();) {
        if (it->first.parent_path() != folder) {
            ++it;
        } else if (it->second.removed) {
            it = files_.erase(it);
        } else {
            (it++)->second.name_on_disk = true;
        }
    }
}

void LossyDisk::lose_power() {
    if (unsynced_ == Unsynced::lost) {
        for (const auto& [path, file] : files_) {
            if (!file.name_on_disk) {
                ::unlink(path.c_str());
            } else if (file.dirty || file.removed) {
                std::ofstream out{path, std::ios::binary | std::ios::trunc};
                out << file.durable;
            }
        }
    }
    ::_exit(kLostPower);
}

Result<Descriptor> LossyFiles::create(const Path& path) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().step();
    auto file = FolderFiles::create(path);
    if (file) LossyDisk::instance().named(path);
    return file;
}

Result<> LossyFiles::write(const Descriptor& file, BytesView bytes) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().wrote(path_of(file));
    LossyDisk::instance().step();
    return FolderFiles::write(file, bytes);
}

Result<> LossyFiles::sync(const Descriptor& file) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().step();
    auto done = FolderFiles::sync(file);
    if (done) LossyDisk::instance().synced(path_of(file));
    return done;
}

Result<> LossyFiles::sync_folder(const Path& folder) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().step();
    auto done = FolderFiles::sync_folder(folder);
    if (done) LossyDisk::instance().folder_synced(folder);
    return done;
}

Result<bool> LossyFiles::link(const Path& from, const Path& to) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().step();
    auto done = FolderFiles::link(from, to);
    if (done && *done) LossyDisk::instance().named(to);
    return done;
}

Result<> LossyFiles::remove(const Path& path) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().step();
    LossyDisk::instance().removed(path);
    return FolderFiles::remove(path);
}

}  // namespace photogate::storage::builtin
