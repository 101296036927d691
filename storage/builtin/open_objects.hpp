// A cache of recently read objects, each with its row and its open file: the next read of the key uses
// neither the index nor the file system (compare nginx's open_file_cache). Private to storage/builtin.
//
// find() always agrees with the index. A commit that replaces or removes an object takes it out of the cache
// before it commits (withdraw()), and nothing is added until it has ended (settle()); an object that a reader
// found in the index before or during a commit is not cached after it.
//
// Thread safety: all of it from any thread; withdraw() and settle() from the committer's own.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/file.hpp"
#include "storage/builtin/rows.hpp"

namespace photogate::storage::builtin {

/// The part in one file.
struct Segment {
    std::uint64_t body = 0;
    std::uint64_t start = 0;
    ByteSize size = 0;
    std::string md5;
};

/// An object as found: immutable, and shared by its readers.
struct OpenObject {
    ObjectRow row;
    std::vector<Segment> segments;
    Descriptor file;  ///< of an object of one body; only those are cached
};

class OpenObjects {
  public:
    /// Caches at most 1,024 objects, and at most a sixteenth of the process's file limit; the least recently
    /// found are evicted first.
    OpenObjects();

    /// Null: not kept.
    std::shared_ptr<const OpenObject> find(const Bucket& bucket, const ObjectKey& key);

    /// Call before reading the index, for keep().
    std::uint64_t moment() const;
    /// Does nothing if a commit has replaced or removed any object since `moment`.
    void keep(const Bucket& bucket, const ObjectKey& key, std::shared_ptr<const OpenObject> object,
              std::uint64_t moment);

    /// The object whose content this is will be replaced or removed by the commit that settle() ends.
    void withdraw(std::uint64_t content);
    void settle();

  private:
    struct Kept {
        std::string name;
        std::shared_ptr<const OpenObject> object;
    };
    using Line = std::list<Kept>;
    void drop(Line::iterator kept);

    const std::size_t most_;
    mutable std::mutex mutex_;
    Line line_;  ///< the most recently found first
    std::unordered_map<std::string_view, Line::iterator> by_name_;
    std::unordered_map<std::uint64_t, Line::iterator> by_content_;
    std::uint64_t moment_ = 0;
    bool settling_ = false;
};

}  // namespace photogate::storage::builtin
