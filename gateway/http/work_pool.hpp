// Threads for what must wait or compute: the database, the store. Bounded, and never a queue that hides an
// overload. A thread is started when there is work for it, and stays: an idle gateway has few.
//
// Thread safety: any thread may submit. The destructor refuses new work, finishes what was taken, and joins.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/in_flight.hpp"
#include "gateway/http/responder.hpp"

namespace photogate::gateway::http {

class WorkPool {
  public:
    struct Options {
        std::string name;         ///< of its threads, at most 12 characters
        std::size_t threads = 4;  ///< at most
        std::size_t queue = 256;  ///< how many may wait
    };
    struct Counts {
        std::size_t waiting = 0;
        std::size_t active = 0;
        std::size_t threads = 0;  ///< as many as there may be
        std::uint64_t finished = 0;
        std::uint64_t refused = 0;
    };

    explicit WorkPool(Options options);
    ~WorkPool();
    WorkPool(const WorkPool&) = delete;
    WorkPool& operator=(const WorkPool&) = delete;

    /// Takes `work` (a callable without arguments, move-only or not) or refuses at once with `overloaded`,
    /// and then has not moved from it. An exception that it lets out is logged and ends that piece of work
    /// alone.
    template <class Work>
    Result<> submit(Work&& work) {
        static_assert(!std::is_lvalue_reference_v<Work>, "hand the work over: std::move(work)");
        std::unique_lock lock(mutex_);
        if (Result<> taken = reserve(); !taken) return taken;
        waiting_.push_back(std::make_unique<Task<Work>>(std::forward<Work>(work)));
        lock.unlock();
        wake_.notify_one();
        return {};
    }

    /// Refuses new work, finishes what was taken, joins. Once is enough, twice does no harm; not from a
    /// thread of its own.
    void join();
    Counts counts() const;
    const std::string& name() const { return options_.name; }

  private:
    struct AnyTask {
        virtual ~AnyTask() = default;
        virtual void run() = 0;
    };
    template <class Work>
    struct Task final : AnyTask {
        explicit Task(Work&& given) : work(std::move(given)) {}
        void run() override { work(); }
        Work work;
    };
    /// Room in the queue, and a thread that will come to it.
    Result<> reserve();
    Result<> refuse();
    Result<> start_thread();
    void loop();

    Options options_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::unique_ptr<AnyTask>> waiting_;
    std::size_t active_ = 0;
    std::uint64_t finished_ = 0;
    std::uint64_t refused_ = 0;
    bool closing_ = false;
    std::vector<std::thread> threads_;
};

/// The work of one owner on a pool that others use as well. The destructor waits until all of it has ended, so an owner
/// that declares this last may be destroyed while its work waits or runs, whatever becomes of the pool.
class WorkGroup {
  public:
    /// The pool outlives this.
    explicit WorkGroup(WorkPool& pool) : pool_(pool) {}

    /// As WorkPool::submit(), but work that is refused is gone.
    template <class Work>
    Result<> submit(Work&& work) {
        static_assert(!std::is_lvalue_reference_v<Work>, "hand the work over: std::move(work)");
        return pool_.submit(Tracked<Work>{in_flight_.enter(), std::forward<Work>(work)});
    }
    std::size_t in_flight() const { return in_flight_.open(); }

  private:
    template <class Work>
    struct Tracked {
        InFlight::Ticket ticket;  ///< above the work: gone after all that the work holds
        Work work;
        void operator()() { work(); }
    };

    WorkPool& pool_;
    InFlight in_flight_;
};

/// A handler whose answer is made on a pool: 503 `overloaded` with Retry-After when the pool is full. A GET
/// or HEAD whose client has gone before its turn came is not made. The pool outlives it.
Handler answer_on(WorkPool& pool, std::function<Result<Response>(Request&)> make);

}  // namespace photogate::gateway::http
