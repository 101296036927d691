// Numbered bodies: the path of a number's file, the next number, and the bodies being read. Private to
// storage/builtin.
//
// A number has 64 bits: the number of the store's start that assigned it (28 bits), and a counter (36). 4,096
// bodies share a folder, `bytes/` + the first 13 of the number's 16 hex digits, so folders stay small and the
// bodies of one start are together: after a crash the sweep only reads those folders.
//
// Thread safety: any number of threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>

#include "storage/builtin/files.hpp"

namespace photogate::storage::builtin {

class Bodies {
  public:
    static constexpr int kCountBits = 36;
    static constexpr int kFolderBits = 12;
    static std::uint64_t first_of(std::uint64_t start) { return start << kCountBits; }

    Bodies(std::filesystem::path root, FolderFiles& files, std::uint64_t start)
        : root_(std::move(root)), files_(files), next_(first_of(start)) {}

    const std::filesystem::path& root() const { return root_; }
    std::filesystem::path folder_of(std::uint64_t body) const;
    std::filesystem::path path_of(std::uint64_t body) const;
    /// A new number; its folder exists.
    Result<std::uint64_t> next();

  private:
    const std::filesystem::path root_;
    FolderFiles& files_;
    std::mutex mutex_;
    std::uint64_t next_;
    std::uint64_t made_folder_ = UINT64_MAX;
};

/// Contents of several bodies that are being read: their files are kept until the last reader is destroyed. A
/// single body needs no entry, since its open descriptor keeps it.
class Pins {
  public:
    void add(std::uint64_t content);
    void drop(std::uint64_t content);
    bool has(std::uint64_t content);

  private:
    std::mutex mutex_;
    std::map<std::uint64_t, int> readers_;
};

}  // namespace photogate::storage::builtin
