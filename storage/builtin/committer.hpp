// The only writer of the index: changes that wait at the same time share one transaction and one flush.
// Private to storage/builtin.
//
// A body is synced by the thread that wrote it; its folder's name is synced here, before the transaction that
// makes it readable. A row on the disk therefore always refers to bytes on the disk.
//
// Thread safety: commit() from any thread; changes run on the committer's own, one after the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "storage/builtin/files.hpp"
#include "storage/builtin/reserve.hpp"
#include "storage/builtin/sqlite.hpp"

namespace photogate::storage::builtin {

struct Transaction {
    Connection& index;
    std::uint64_t& sequence;
    bool made_garbage = false;

    /// For the object being created.
    std::uint64_t next_sequence() { return ++sequence; }
    /// The body's file is removed once this is committed and `content` has no reader.
    void waste(std::uint64_t body, std::uint64_t content);
};

class FolderCommitter {
  public:
    struct Change {
        /// May run twice: the second run overwrites its captures. A refusal is its result, and it must not
        /// have changed anything by then; a StoreFailure rolls back the whole group.
        std::function<Result<>(Transaction&)> apply;
        std::set<std::filesystem::path> folders;  ///< of its new bodies
        /// Changes that free space may use the reserved space.
        enum class Space { takes, frees } space = Space::takes;
    };
    enum class Landed { yes, no, unknown };
    struct Outcome {
        Result<> result;
        Landed landed = Landed::no;
    };

    struct Listeners {
        std::function<void()> garbage;  ///< after a commit that left some
        std::function<void()> ended;    ///< after each group, committed or not, before it is answered
    };
    /// All must outlive the committer.
    FolderCommitter(Connection& index, FolderFiles& files, Reserve reserve, std::uint64_t first_sequence,
                    Listeners listeners);
    /// Commits the waiting changes first.
    ~FolderCommitter();
    FolderCommitter(const FolderCommitter&) = delete;
    FolderCommitter& operator=(const FolderCommitter&) = delete;

    /// Returns when it is on the disk, or refused.
    Outcome commit(Change change);

  private:
    struct Waiting {
        Change change;
        Outcome outcome;
        bool answered = false;
    };
    void work();
    void commit_group(std::vector<Waiting*>& group);
    Result<> sync_folders(const std::vector<Waiting*>& group);

    Connection& index_;
    FolderFiles& files_;
    Reserve reserve_;
    std::uint64_t sequence_;
    const Listeners listeners_;
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::condition_variable answered_;
    std::deque<Waiting*> queue_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace photogate::storage::builtin
