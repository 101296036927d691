#include "imaging/imager_pool.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/log.hpp"
#include "imaging/helper_process.hpp"
#include "imaging/imager_wire.hpp"
#include "imaging/memory_file.hpp"

namespace photogate::imaging {
namespace {

/// A task that somebody waits for. The task itself lives in the waiter's frame, which outlasts the promise.
struct Job {
    const Task* task = nullptr;
    int file = -1;
    std::promise<Result<Outcome>> promise;
};

/// The queue between callers and keepers. Its descriptor is readable while there is something to take, so
/// that a keeper can wait for work and for its helper's death in one poll().
class JobQueue {
  public:
    explicit JobQueue(Descriptor bell) : bell_(std::move(bell)) {}

    /// Readable as often as there were put()s, and for ever after close().
    int bell() const { return bell_.get(); }

    bool put(Job job) {
        const std::lock_guard lock(mutex_);
        if (closed_) return false;
        jobs_.push_back(std::move(job));
        ring(1);
        return true;
    }
    std::optional<Job> take() {
        const std::lock_guard lock(mutex_);
        if (jobs_.empty()) return std::nullopt;
        std::uint64_t one = 0;
        (void)!::read(bell_.get(), &one, sizeof one);
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        return job;
    }
    /// Gives back what nobody has taken.
    std::deque<Job> close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        ring(1U << 30);
        return std::exchange(jobs_, {});
    }
    bool closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }

  private:
    void ring(std::uint64_t times) { (void)!::write(bell_.get(), &times, sizeof times); }

    mutable std::mutex mutex_;
    Descriptor bell_;  ///< an eventfd that counts the jobs
    std::deque<Job> jobs_;
    bool closed_ = false;
};

/// What the helper is given to read: sealed if the file permits it, else opened anew for reading only, so
/// that a helper that was taken over can't change the bytes under us.
class TaskFile {
  public:
    static Result<TaskFile> of(const Task& task) {
        constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
        TaskFile file;
        file.number_ = task.file;
        const bool sealed = ::fcntl(task.file, F_ADD_SEALS, kSeals) == 0 ||
                            (::fcntl(task.file, F_GET_SEALS) & kSeals) == kSeals;
        const int flags = ::fcntl(task.file, F_GETFL);
        if (flags < 0) return fail(ErrorCode::file_error, "The task's file is not open.");
        if (!sealed && (flags & O_ACCMODE) != O_RDONLY) {
            const std::string path = "/proc/self/fd/" + std::to_string(task.file);
            file.reopened_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
            if (!file.reopened_)
                return fail(ErrorCode::file_error, "The task's file can't be opened for reading.");
            file.number_ = file.reopened_.get();
        }
        return file;
    }
    int number() const { return number_; }

  private:
    Descriptor reopened_;
    int number_ = -1;
};

}  // namespace

struct ImagerPool::State {
    State(PoolOptions chosen, Descriptor bell) : options(std::move(chosen)), queue(std::move(bell)) {}

    void keep(std::promise<Result<>> first_start);
    bool wait_for_work(const HelperProcess* helper);
    Result<std::unique_ptr<HelperProcess>> start_helper();
    Result<Outcome> run_on(std::unique_ptr<HelperProcess>& helper, const Job& job);
    Result<Outcome> lost(std::unique_ptr<HelperProcess>& helper, ErrorCode code, const std::string& detail);

    void learn(const JailReport& report);

    PoolOptions options;
    mutable std::mutex jail_mutex;
    JailReport jail;  ///< of the helper that came up last
    JobQueue queue;
    std::atomic<std::uint64_t> started{0};
    std::atomic<std::uint64_t> crashed{0};
    std::atomic<std::uint64_t> timed_out{0};
    std::vector<std::thread> keepers;  ///< each the parent of its helper, for the whole of the pool's life
};

Result<std::unique_ptr<HelperProcess>> ImagerPool::State::start_helper() {
    auto helper = HelperProcess::start({.program = options.program,
                                        .address_space = options.address_space,
                                        .loose_jail = options.loose_jail});
    if (helper) {
        started.fetch_add(1, std::memory_order_relaxed);
        learn((*helper)->jail());
    } else {
        log::error("imager.unavailable", {{"detail", helper.error().detail}});
    }
    return helper;
}

/// Said once, and again when it changes: a helper is started every few hundred pictures.
void ImagerPool::State::learn(const JailReport& report) {
    const std::lock_guard lock(jail_mutex);
    if (describe(jail) == describe(report)) return;
    jail = report;
    const auto say = report.is_tight() ? log::info : log::warn;
    say("imager.jail", {{"detail", describe(report)}});
}

/// False when the pool closes. With a helper, its death ends the wait too.
bool ImagerPool::State::wait_for_work(const HelperProcess* helper) {
    std::array<pollfd, 2> entries{pollfd{queue.bell(), POLLIN, 0},
                                  pollfd{helper != nullptr ? helper->watch() : -1, POLLIN, 0}};
    while (::poll(entries.data(), entries.size(), -1) < 0 && errno == EINTR) {
    }
    return !queue.closed();
}

Result<Outcome> ImagerPool::State::lost(std::unique_ptr<HelperProcess>& helper, ErrorCode code,
                                        const std::string& detail) {
    const std::string cause = helper->end();
    auto& counter = code == ErrorCode::imager_timeout ? timed_out : crashed;
    counter.fetch_add(1, std::memory_order_relaxed);
    log::warn("imager.lost", {{"code", photogate::to_string(code)},
                              {"detail", detail},
                              {"cause", cause},
                              {"stderr", helper->last_words()}});
    helper.reset();
    return fail(code, detail.empty() ? "The image helper died: " + cause + "." : detail);
}

Result<Outcome> ImagerPool::State::run_on(std::unique_ptr<HelperProcess>& helper, const Job& job) {
    const auto deadline = std::chrono::steady_clock::now() + options.wall_clock;
    const auto gave_up = [&](ChannelFault fault) -> Result<Outcome> {
        switch (fault) {
            case ChannelFault::closed:
                return lost(helper, ErrorCode::imager_crashed, {});
            case ChannelFault::timed_out:
                return lost(helper, ErrorCode::imager_timeout, "The image helper took too long.");
            case ChannelFault::malformed:
                return lost(helper, ErrorCode::imager_crashed, "The image helper's answer made no sense.");
        }
        return lost(helper, ErrorCode::imager_crashed, {});
    };
    const std::string order = write_order(*job.task, options.max_output);
    if (auto sent = helper->channel().send(order, {}, job.file, deadline); !sent)
        return gave_up(sent.error());
    auto frame = helper->channel().receive({kMaxAnswerHeader, options.max_output}, deadline);
    if (!frame) return gave_up(frame.error());
    auto read = read_answer(frame->header, std::move(frame->body), *job.task);
    if (read.sense == ReadAnswer::Sense::nonsense) {
        return lost(helper, ErrorCode::imager_crashed, read.answer.error().detail);
    }
    return std::move(read.answer);
}

void ImagerPool::State::keep(std::promise<Result<>> first_start) {
    std::unique_ptr<HelperProcess> helper;
    std::size_t tasks = 0;
    const auto replace = [&]() -> Result<> {
        helper.reset();
        tasks = 0;
        auto next = start_helper();
        if (!next) return fail(next.error());
        helper = std::move(*next);
        return {};
    };
    auto up = replace();
    const bool usable = up.has_value();
    first_start.set_value(std::move(up));
    if (!usable) return;

    while (wait_for_work(helper.get())) {
        if (helper && !helper->alive()) {
            (void)lost(helper, ErrorCode::imager_crashed, "The image helper died while it was idle.");
        }
        // A helper that can't be had now is asked for again with the next task, which hears of it.
        if (!helper && !replace()) {
            auto job = queue.take();
            if (job)
                job->promise.set_value(
                    fail(ErrorCode::imager_unavailable, "No image helper can be started."));
            continue;
        }
        auto job = queue.take();
        if (!job) continue;
        auto outcome = run_on(helper, *job);
        ++tasks;
        job->promise.set_value(std::move(outcome));
        // Replaced behind the answer, so that no task waits for a start-up that could be seen coming.
        const bool spent =
            helper && (tasks >= options.tasks_per_helper || helper->resident_bytes() > options.max_resident);
        if ((!helper || spent) && !queue.closed()) (void)replace();
    }
}

Result<std::unique_ptr<ImagerPool>> ImagerPool::start(PoolOptions options) {
    Descriptor bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
    if (!bell) return fail(ErrorCode::imager_unavailable, "No event descriptor for the image helpers.");
    if (options.helpers == 0)
        return fail(ErrorCode::invalid_configuration, "At least one image helper is needed.");
    const std::size_t helpers = options.helpers;
    std::unique_ptr<ImagerPool> pool(
        new ImagerPool(std::make_unique<State>(std::move(options), std::move(bell))));
    std::vector<std::future<Result<>>> starts;
    for (std::size_t i = 0; i < helpers; ++i) {
        std::promise<Result<>> promise;
        starts.push_back(promise.get_future());
        pool->state_->keepers.emplace_back(
            [state = pool->state_.get(), first = std::move(promise)]() mutable {
                state->keep(std::move(first));
            });
    }
    std::optional<Error> broken;
    for (auto& start_up : starts) {
        if (auto up = start_up.get(); !up && !broken) broken = up.error();
    }
    if (broken) return fail(*broken);
    return pool;
}

ImagerPool::ImagerPool(std::unique_ptr<State> state) : state_(std::move(state)) {}

ImagerPool::~ImagerPool() {
    for (Job& job : state_->queue.close()) {
        job.promise.set_value(fail(ErrorCode::imager_unavailable, "The image helpers are being shut down."));
    }
    for (std::thread& keeper : state_->keepers)
        keeper.join();
}

Result<Outcome> ImagerPool::run(const Task& task) {
    // The two verdicts that need no look inside.
    if (task.size == 0) return Outcome(Rejection{RejectionCode::empty, "The file is empty."});
    if (task.size > task.limits.max_bytes) {
        return Outcome(
            Rejection{RejectionCode::too_large, "The file has " + std::to_string(task.size) + " bytes; " +
                                                    std::to_string(task.limits.max_bytes) + " are allowed."});
    }
    auto file = TaskFile::of(task);
    if (!file) return fail(file.error());
    Job job{.task = &task, .file = file->number(), .promise = {}};
    auto outcome = job.promise.get_future();
    if (!state_->queue.put(std::move(job))) {
        return fail(ErrorCode::imager_unavailable, "The image helpers are being shut down.");
    }
    return outcome.get();
}

JailReport ImagerPool::jail() const {
    const std::lock_guard lock(state_->jail_mutex);
    return state_->jail;
}

ImagerPool::Counters ImagerPool::counters() const {
    return {.started = state_->started.load(),
            .crashed = state_->crashed.load(),
            .timed_out = state_->timed_out.load()};
}

}  // namespace photogate::imaging
