#include <chrono>

#include "base/ascii.hpp"
#include "base/log.hpp"
#include "storage/builtin/state.hpp"

namespace photogate::storage::builtin {

namespace {

/// The number of removals that share one sync of their folders.
constexpr std::size_t kTakenTogether = 256;

std::optional<std::uint64_t> number_of(const std::string& name, std::size_t digits) {
    return name.size() == digits ? ascii::parse_whole<std::uint64_t>(name, 16) : std::nullopt;
}

}  // namespace

void OrphanCollector::start(std::uint64_t unswept) {
    abort_abandoned();
    thread_ = std::thread{[this, unswept] { work(unswept); }};
}

void OrphanCollector::wake() {
    {
        const std::lock_guard lock{mutex_};
        woken_ = true;
    }
    wake_.notify_one();
}

void OrphanCollector::stop() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void OrphanCollector::work(std::uint64_t unswept) {
    const auto logged = [](const Result<>& done) {
        if (!done) log::error("store.sweep_failed", {{"error", done.error().detail}});
        return done.has_value();
    };
    const auto take = [&] {
        return logged(guarded([&]() -> Result<> {
            take_garbage();
            return {};
        }));
    };
    take();
    swept_ = logged(guarded([&] { return sweep_starts(unswept); }));
    using Steady = std::chrono::steady_clock;
    auto look_at = Steady::now() + state_.options.look_for_abandoned_every;
    std::unique_lock lock{mutex_};
    for (;;) {
        wake_.wait_until(lock, look_at, [this] { return stopping_ || woken_; });
        const bool last = stopping_;
        woken_ = false;
        lock.unlock();
        if (!last && Steady::now() >= look_at) {
            abort_abandoned();
            look_at = Steady::now() + state_.options.look_for_abandoned_every;
        }
        take();
        if (last) break;
        lock.lock();
    }
    logged(guarded([&]() -> Result<> {
        forget_taken();
        state_.sync_discarded();
        // A store that was closed cleanly leaves nothing for the next start to clean up.
        if (!swept_ || state_.in_doubt) return {};
        return state_
            .commit([&](Transaction& transaction) -> Result<> {
                transaction.index.query("set_fact").text("unswept").number(start_ + 1).run();
                return {};
            })
            .result;
    }));
}

void OrphanCollector::take_garbage() {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
    {
        auto index = state_.readers.take();
        Query garbage = index->query("garbage");
        while (garbage.step())
            found.emplace_back(garbage.count_at(0), garbage.count_at(1));
    }
    for (const auto& [body, content] : found) {
        if (taken_.contains(body) || state_.pins.has(content)) continue;
        if (auto removed = state_.files.remove(state_.bodies->path_of(body)); !removed)
            throw StoreFailure{removed.error()};
        taken_.insert(body);
        if (taken_.size() >= kTakenTogether) forget_taken();
    }
}

void OrphanCollector::abort_abandoned() {
    const auto aborted =
        Uploads{state_}.abort_started_before(state_.clock.now() - state_.options.abandoned_after);
    if (!aborted) return log::error("store.abort_failed", {{"error", aborted.error().detail}});
    if (*aborted > 0) log::info("store.uploads_abandoned", {{"uploads", *aborted}});
}

void OrphanCollector::forget_taken() {
    if (taken_.empty()) return;
    std::set<std::filesystem::path> folders;
    for (const auto body : taken_)
        folders.insert(state_.bodies->folder_of(body));
    for (const auto& folder : folders) {
        if (std::error_code gone; !std::filesystem::exists(folder, gone)) continue;
        if (auto synced = state_.files.sync_folder(folder); !synced) throw StoreFailure{synced.error()};
    }
    const auto done = state_.commit_removal([&](Transaction& transaction) -> Result<> {
        for (const auto body : taken_)
            transaction.index.query("remove_garbage").number(body).run();
        return {};
    });
    if (!done.result) throw StoreFailure{done.result.error()};
    taken_.clear();
}

Result<> OrphanCollector::sweep_starts(std::uint64_t unswept) {
    if (unswept >= start_) return {};
    const auto first = Bodies::first_of(unswept);
    const auto end = Bodies::first_of(start_);
    std::set<std::uint64_t> named;
    {
        auto index = state_.readers.take();
        Query bodies = index->query("bodies_between");
        bodies.number(first).number(end);
        while (bodies.step())
            named.insert(bodies.count_at(0));
    }
    std::size_t removed = 0;
    std::error_code error;
    for (const auto& folder : std::filesystem::directory_iterator{state_.bodies->root(), error}) {
        const auto number = number_of(folder.path().filename(), 13);
        if (!number) continue;
        const auto lowest = *number << Bodies::kFolderBits;
        if (lowest < first || lowest >= end) continue;
        for (const auto& file : std::filesystem::directory_iterator{folder.path(), error}) {
            const auto body = number_of(file.path().filename(), 16);
            if (!body || named.contains(*body)) continue;
            if (auto gone = state_.files.remove(file.path()); !gone) return gone;
            ++removed;
        }
        if (error) break;
        if (auto synced = state_.files.sync_folder(folder.path()); !synced) return synced;
        // Removes only an empty one.
        std::error_code full;
        std::filesystem::remove(folder.path(), full);
    }
    if (error) return fail(file_failure("the store's folder could not be read", error.value()));
    if (removed > 0) log::info("store.swept", {{"files", removed}});
    return state_
        .commit([&](Transaction& transaction) -> Result<> {
            transaction.index.query("set_fact").text("unswept").number(start_).run();
            return {};
        })
        .result;
}

}  // namespace photogate::storage::builtin
