#include "storage/builtin/committer.hpp"

#include <utility>

#include "base/log.hpp"

namespace photogate::storage::builtin {

namespace {

constexpr std::size_t kMostAtOnce = 256;

}  // namespace

void Transaction::waste(std::uint64_t body, std::uint64_t content) {
    index.query("waste").number(body).number(content).run();
    made_garbage = true;
}

FolderCommitter::FolderCommitter(Connection& index, FolderFiles& files, Reserve reserve,
                                 std::uint64_t first_sequence, Listeners listeners)
    : index_(index),
      files_(files),
      reserve_(std::move(reserve)),
      sequence_(first_sequence),
      listeners_(std::move(listeners)),
      thread_([this] { work(); }) {}

FolderCommitter::~FolderCommitter() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    arrived_.notify_all();
    thread_.join();
}

FolderCommitter::Outcome FolderCommitter::commit(Change change) {
    Waiting waiting{std::move(change), {fail(ErrorCode::unavailable, "the store is closing"), Landed::no}};
    std::unique_lock lock{mutex_};
    if (stopping_) return waiting.outcome;
    queue_.push_back(&waiting);
    arrived_.notify_one();
    answered_.wait(lock, [&] { return waiting.answered; });
    return std::move(waiting.outcome);
}

void FolderCommitter::work() {
    std::unique_lock lock{mutex_};
    for (;;) {
        arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        std::vector<Waiting*> group;
        while (!queue_.empty() && group.size() < kMostAtOnce) {
            group.push_back(queue_.front());
            queue_.pop_front();
        }
        lock.unlock();
        commit_group(group);
        listeners_.ended();
        lock.lock();
        for (Waiting* waiting : group)
            waiting->answered = true;
        answered_.notify_all();
    }
}

Result<> FolderCommitter::sync_folders(const std::vector<Waiting*>& group) {
    std::set<std::filesystem::path> folders;
    for (const Waiting* waiting : group)
        folders.insert(waiting->change.folders.begin(), waiting->change.folders.end());
    for (const auto& folder : folders) {
        if (auto synced = files_.sync_folder(folder); !synced) return synced;
    }
    return {};
}

void FolderCommitter::commit_group(std::vector<Waiting*>& group) {
    const auto all_fail = [&](const Error& error, Landed landed) {
        for (Waiting* waiting : group)
            waiting->outcome = {fail(error), landed};
    };
    if (auto synced = sync_folders(group); !synced) return all_fail(synced.error(), Landed::no);

    Transaction transaction{index_, sequence_};
    bool committing = false;
    bool full = false;
    try {
        index_.run("begin_write");
        for (Waiting* waiting : group)
            waiting->outcome = {waiting->change.apply(transaction), Landed::yes};
        committing = true;
        index_.run("commit");
        if (transaction.made_garbage) listeners_.garbage();
        reserve_.keep();
        return;
    } catch (const StoreFailure& failure) {
        full = failure.error.code == ErrorCode::store_full;
        const bool unknown = committing && failure.may_have_landed;
        log::error("store.commit_failed", {{"error", failure.error.detail}, {"changes", group.size()}});
        all_fail(failure.error, unknown ? Landed::unknown : Landed::no);
    } catch (const std::exception& error) {
        log::error("store.commit_threw", {{"error", error.what()}});
        all_fail({ErrorCode::internal, "the store could not save"}, Landed::no);
    }
    try {
        // Some failures have rolled it back already.
        if (index_.in_transaction()) index_.run("rollback");
    } catch (const StoreFailure& failure) {
        log::error("store.rollback_failed", {{"error", failure.error.detail}});
    }
    if (full && group.size() == 1 && group.front()->change.space == Change::Space::frees &&
        reserve_.release())
        return commit_group(group);
    if (committing || group.size() == 1) return;
    // A refused change does not affect the others of its group.
    for (Waiting* waiting : group) {
        std::vector<Waiting*> alone{waiting};
        commit_group(alone);
    }
}

}  // namespace photogate::storage::builtin
