// A disk that loses power: unsynced data is lost, and so are names whose folder was not synced.
//
// It replaces the disk of both halves of the built-in store: LossyFiles for the bodies, and a SQLite VFS (in
// lossy_index.cpp) for the index. Both count the same steps. At the requested step, everything that had not
// reached the disk is undone and the process ends: use it in a forked child.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "storage/builtin/files.hpp"

namespace photogate::storage::builtin {

/// What a loss of power leaves of what was written and not synced. Real disks do either, or anything between.
enum class Unsynced { lost, kept };

inline constexpr int kLostPower = 77;

class LossyDisk {
  public:
    static LossyDisk& instance();

    /// From now on: `step` more mutations work (the one after does not), or all where it is 0.
    void arm(std::uint64_t step, Unsynced unsynced);
    std::uint64_t steps() const { return steps_; }

    /// Each mutation begins with this; it may not return.
    void step();
    std::recursive_mutex& mutex() { return mutex_; }

    void wrote(const std::filesystem::path& path);
    void synced(const std::filesystem::path& path);
    void named(const std::filesystem::path& path);
    void removed(const std::filesystem::path& path);
    void folder_synced(const std::filesystem::path& folder);

  private:
    void lose_power();
    struct Remembered {
        bool name_on_disk = true;
        bool dirty = false;
        std::string durable;  ///< the bytes at the last sync
        bool removed = false;
    };
    Remembered& remember(const std::filesystem::path& path);

    std::recursive_mutex mutex_;
    std::map<std::filesystem::path, Remembered> files_;
    std::uint64_t steps_ = 0;
    std::uint64_t last_ = 0;
    bool armed_ = false;
    Unsynced unsynced_ = Unsynced::lost;
};

class LossyFiles final : public FolderFiles {
  public:
    Result<Descriptor> create(const Path& path) override;
    Result<> write(const Descriptor& file, BytesView bytes) override;
    Result<> sync(const Descriptor& file) override;
    Result<> sync_folder(const Path& folder) override;
    Result<bool> link(const Path& from, const Path& to) override;
    Result<> remove(const Path& path) override;
};

/// Makes the lossy VFS SQLite's default, for this process.
void put_index_on_lossy_disk();

}  // namespace photogate::storage::builtin
