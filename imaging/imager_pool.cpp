#include "imaging/imager_pool.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <future>
#include <map>
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
#include "imaging/imager_process.hpp"
#include "imaging/imager_wire.hpp"
#include "imaging/memory_file.hpp"
#include "imaging/processing_cost.hpp"

namespace photogate::imaging {
namespace {

using Clock = std::chrono::steady_clock;

/// A task with its waiting caller. The task itself lives in the waiter's frame, which outlasts the promise.
struct Job {
    const Task* task = nullptr;
    int file = -1;
    Lane lane = Lane::uploads;
    std::function<bool()> wanted;
    std::promise<Result<Outcome>> promise;
};

/// The queue between callers and supervisors. Its descriptor is readable while there is something to take, so
/// that a supervisor can wait for work and for its worker process's death in one poll().
class JobQueue {
  public:
    JobQueue(Descriptor bell, const PoolOptions& options)
        : bell_(std::move(bell)), order_(options.processes, {options.uploads, options.on_demand}) {}

    /// Readable while there is a job to take, and for ever after close().
    int bell() const { return bell_.get(); }

    /// Errors: overloaded, imager_unavailable.
    Result<TaskQueue::Ticket> put(Job job, const Terms& terms) {
        const std::lock_guard lock(mutex_);
        if (closed_)
            return fail(ErrorCode::imager_unavailable, "the image worker processes are being shut down");
        if (terms.deadline != Clock::time_point::max() &&
            Clock::now() + order_.expected(terms.lane, terms.priority) > terms.deadline)
            return fail(ErrorCode::overloaded, "too many pictures wait to be done by then");
        const auto ticket = order_.put(terms.lane, terms.priority, job.task->party);
        if (!ticket) return fail(ErrorCode::overloaded, "too many pictures wait to be processed");
        jobs_.emplace(*ticket, std::move(job));
        tell();
        return *ticket;
    }
    std::optional<Job> take() {
        const std::lock_guard lock(mutex_);
        const auto ticket = order_.take();
        if (!ticket) return std::nullopt;
        return unhook(*ticket);
    }
    /// nullopt where it is under way or over.
    std::optional<Job> take_back(TaskQueue::Ticket ticket) {
        const std::lock_guard lock(mutex_);
        if (!order_.remove(ticket)) return std::nullopt;
        return unhook(ticket);
    }
    /// Before its promise is kept: the task goes with that.
    void ended(const Job& job, Clock::duration took) {
        const std::lock_guard lock(mutex_);
        order_.ended(job.lane, std::chrono::duration_cast<TaskQueue::Duration>(took), job.task->party);
        tell();
    }
    /// As ended().
    void not_begun(const Job& job) {
        const std::lock_guard lock(mutex_);
        order_.not_begun(job.lane, job.task->party);
        tell();
    }
    /// Fails the tasks that have not begun.
    std::map<TaskQueue::Ticket, Job> close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        tell();
        for (const auto& [ticket, job] : jobs_)
            (void)order_.remove(ticket);
        return std::exchange(jobs_, {});
    }
    bool closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }
    ImagerPool::Load load(Lane lane) const {
        const std::lock_guard lock(mutex_);
        return {order_.waiting(lane), order_.running(lane)};
    }

  private:
    /// With the mutex locked, after each change.
    void tell() {
        const bool ring = closed_ || order_.is_ready();
        if (ring == rings_) return;
        std::uint64_t one = 1;
        if (ring) {
            (void)!::write(bell_.get(), &one, sizeof one);
        } else {
            (void)!::read(bell_.get(), &one, sizeof one);
        }
        rings_ = ring;
    }
    std::optional<Job> unhook(TaskQueue::Ticket ticket) {
        tell();
        auto node = jobs_.extract(ticket);
        return node.empty() ? std::nullopt : std::optional<Job>(std::move(node.mapped()));
    }

    mutable std::mutex mutex_;
    Descriptor bell_;  ///< an eventfd
    bool rings_ = false;
    TaskQueue order_;
    std::map<TaskQueue::Ticket, Job> jobs_;
    bool closed_ = false;
};

/// What the worker process is given to read: sealed if the file permits it, else opened anew for reading only, so
/// that a worker process that was taken over can't change the bytes under us.
class TaskFile {
  public:
    static Result<TaskFile> of(const Task& task) {
        constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
        TaskFile file;
        file.number_ = task.file;
        const bool sealed = ::fcntl(task.file, F_ADD_SEALS, kSeals) == 0 ||
                            (::fcntl(task.file, F_GET_SEALS) & kSeals) == kSeals;
        const int flags = ::fcntl(task.file, F_GETFL);
        if (flags < 0) return fail(ErrorCode::file_error, "the task's file is not open");
        if (!sealed && (flags & O_ACCMODE) != O_RDONLY) {
            const std::string path = "/proc/self/fd/" + std::to_string(task.file);
            file.reopened_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
            if (!file.reopened_)
                return fail(ErrorCode::file_error, "the task's file can't be opened for reading");
            file.number_ = file.reopened_.get();
        }
        return file;
    }
    int number() const { return number_; }

  private:
    Descriptor reopened_;
    int number_ = -1;
};

/// How long the answer to a task is waited for. A process that has had less of a processor than its time, and goes on
/// using one, works on a busy machine: it is given more, up to a multiple. One that sleeps or has used its time is not.
class Patience {
  public:
    Patience(const ImagerProcess& process, std::chrono::milliseconds time)
        : process_(process),
          time_(time),
          begun_(Clock::now()),
          step_(time),
          used_at_start_(process.processor_time()),
          used_before_(used_at_start_) {}

    Clock::time_point deadline() const { return begun_ + waited_ + step_; }
    /// At the deadline: whether there is another.
    bool extend() {
        const auto used = process_.processor_time();
        waited_ += step_;
        if (used - used_at_start_ >= time_ || (used - used_before_) * kLeastShare < step_ ||
            waited_ >= time_ * kMostTimes)
            return false;
        used_before_ = used;
        step_ = std::max(time_ / 4, std::chrono::milliseconds{1});
        return true;
    }

  private:
    static constexpr int kMostTimes = 4;
    static constexpr int kLeastShare = 50;  ///< of a processor, as its inverse

    const ImagerProcess& process_;
    const std::chrono::milliseconds time_;
    const Clock::time_point begun_;
    std::chrono::milliseconds step_;
    std::chrono::milliseconds waited_{0};
    const std::chrono::nanoseconds used_at_start_;
    std::chrono::nanoseconds used_before_;
};

/// That a worker process can be asked for this at all.
Result<> check(const Task& task) {
    const auto refuse = [](const std::string& why) {
        return fail(ErrorCode::invalid_configuration, "a picture can't be made so: " + why);
    };
    if (task.versions.empty() || task.versions.size() > kMaxVersions)
        return refuse("there are not 1 to " + std::to_string(kMaxVersions) + " versions");
    for (const VersionSpec& version : task.versions) {
        if (const auto complaint = complaint_about(version)) return refuse(*complaint);
    }
    if (watermark_pictures(task) > kMaxWatermarkPictures)
        return refuse("its versions have more than " + std::to_string(kMaxWatermarkPictures) + " watermarks");
    return {};
}

}  // namespace

struct ImagerPool::State {
    State(PoolOptions chosen, Descriptor bell)
        : options(std::move(chosen)), queue(std::move(bell), options) {}

    void keep(std::promise<Result<>> first_start);
    bool wait_for_work(const ImagerProcess* process);
    Result<std::unique_ptr<ImagerProcess>> start_imager();
    Result<Outcome> run_on(std::unique_ptr<ImagerProcess>& process, const Job& job);
    Result<Outcome> lost(std::unique_ptr<ImagerProcess>& process, ErrorCode code, const std::string& detail);

    void learn(const JailReport& report);

    PoolOptions options;
    mutable std::mutex jail_mutex;
    JailReport jail;  ///< of the worker process that came up last
    JobQueue queue;
    std::atomic<std::uint64_t> started{0};
    std::atomic<std::uint64_t> crashed{0};
    std::atomic<std::uint64_t> timed_out{0};
    std::atomic<std::uint64_t> overloaded{0};
    std::vector<std::thread>
        supervisors;  ///< each the parent of its worker process, for the whole of the pool's life
};

Result<std::unique_ptr<ImagerProcess>> ImagerPool::State::start_imager() {
    auto process = ImagerProcess::start({.program = options.program,
                                         .address_space = options.address_space,
                                         .sandbox = options.sandbox,
                                         .fonts = options.fonts});
    if (process) {
        started.fetch_add(1, std::memory_order_relaxed);
        learn((*process)->jail());
    } else {
        log::error("imager.unavailable", {{"detail", process.error().detail}});
    }
    return process;
}

/// Said once, and again when it changes: a worker process is started every few hundred pictures.
void ImagerPool::State::learn(const JailReport& report) {
    const std::lock_guard lock(jail_mutex);
    if (describe(jail) == describe(report)) return;
    jail = report;
    const auto say = report.is_tight() ? log::info : log::warn;
    say("imager.jail", {{"detail", describe(report)}});
}

/// False when the pool closes. With a worker process, its death ends the wait too.
bool ImagerPool::State::wait_for_work(const ImagerProcess* process) {
    std::array<pollfd, 2> entries{pollfd{queue.bell(), POLLIN, 0},
                                  pollfd{process != nullptr ? process->watch() : -1, POLLIN, 0}};
    while (::poll(entries.data(), entries.size(), -1) < 0 && errno == EINTR) {
    }
    return !queue.closed();
}

Result<Outcome> ImagerPool::State::lost(std::unique_ptr<ImagerProcess>& process, ErrorCode code,
                                        const std::string& detail) {
    const std::string cause = process->end();
    auto& counter = code == ErrorCode::imager_timeout ? timed_out : crashed;
    counter.fetch_add(1, std::memory_order_relaxed);
    log::warn("imager.lost", {{"code", photogate::to_string(code)},
                              {"detail", detail},
                              {"cause", cause},
                              {"stderr", process->last_words()}});
    process.reset();
    return fail(code, detail.empty() ? "the image worker process died: " + cause : detail);
}

Result<Outcome> ImagerPool::State::run_on(std::unique_ptr<ImagerProcess>& process, const Job& job) {
    Patience patience{*process, options.wall_clock};
    const auto gave_up = [&](ChannelFault fault) -> Result<Outcome> {
        switch (fault) {
            case ChannelFault::closed:
                return lost(process, ErrorCode::imager_crashed, {});
            case ChannelFault::timed_out:
                return lost(process, ErrorCode::imager_timeout, "the image worker process took too long");
            case ChannelFault::malformed:
                return lost(process, ErrorCode::imager_crashed,
                            "the image worker process's answer made no sense");
        }
        return lost(process, ErrorCode::imager_crashed, {});
    };
    Task bounded = *job.task;
    bounded.limits.max_memory = std::min(bounded.limits.max_memory, usable_memory(options.address_space));
    bounded.limits.max_work = std::min(bounded.limits.max_work, usable_time(options.wall_clock));
    const std::string order = write_order(bounded, options.max_output);
    const WatermarkBody watermarks(*job.task);
    if (auto sent = process->channel().send(order, watermarks.bytes(), job.file, patience.deadline()); !sent)
        return gave_up(sent.error());
    while (!process->channel().wait(patience.deadline())) {
        if (!patience.extend()) return gave_up(ChannelFault::timed_out);
    }
    auto frame = process->channel().receive({kMaxAnswerHeader, options.max_output}, patience.deadline());
    if (!frame) return gave_up(frame.error());
    auto read = read_answer(frame->header, std::move(frame->body), *job.task);
    if (read.sense == ReadAnswer::Sense::nonsense) {
        return lost(process, ErrorCode::imager_crashed, read.answer.error().detail);
    }
    return std::move(read.answer);
}

void ImagerPool::State::keep(std::promise<Result<>> first_start) {
    std::unique_ptr<ImagerProcess> process;
    std::size_t tasks = 0;
    const auto replace = [&]() -> Result<> {
        process.reset();
        tasks = 0;
        auto next = start_imager();
        if (!next) return fail(next.error());
        process = std::move(*next);
        return {};
    };
    auto up = replace();
    const bool usable = up.has_value();
    first_start.set_value(std::move(up));
    if (!usable) return;

    while (wait_for_work(process.get())) {
        if (process && !process->alive()) {
            (void)lost(process, ErrorCode::imager_crashed, "the image worker process died while it was idle");
        }
        // If the worker process can't be started now, the next task retries and receives the error.
        if (!process && !replace()) {
            auto job = queue.take();
            if (job) {
                queue.ended(*job, {});
                job->promise.set_value(
                    fail(ErrorCode::imager_unavailable, "no image worker process can be started"));
            }
            continue;
        }
        auto job = queue.take();
        if (!job) continue;
        if (job->wanted && !job->wanted()) {
            queue.not_begun(*job);
            job->promise.set_value(fail(ErrorCode::overloaded, "nobody waits for this picture any more"));
            continue;
        }
        const auto start = Clock::now();
        auto outcome = run_on(process, *job);
        queue.ended(*job, Clock::now() - start);
        ++tasks;
        job->promise.set_value(std::move(outcome));
        // Replaced behind the answer, so that no task waits for a start-up that could be seen coming.
        const bool spent = process && (tasks >= options.max_tasks_per_process ||
                                       process->resident_bytes() > options.max_resident);
        if ((!process || spent) && !queue.closed()) (void)replace();
    }
}

Result<std::unique_ptr<ImagerPool>> ImagerPool::start(PoolOptions options) {
    Descriptor bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!bell)
        return fail(ErrorCode::imager_unavailable, "no event descriptor for the image worker processes");
    if (options.processes == 0)
        return fail(ErrorCode::invalid_configuration, "at least one image worker process is needed");
    const std::size_t processes = options.processes;
    std::unique_ptr<ImagerPool> pool(
        new ImagerPool(std::make_unique<State>(std::move(options), std::move(bell))));
    std::vector<std::future<Result<>>> starts;
    for (std::size_t i = 0; i < processes; ++i) {
        std::promise<Result<>> promise;
        starts.push_back(promise.get_future());
        pool->state_->supervisors.emplace_back(
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
    for (auto& [ticket, job] : state_->queue.close()) {
        job.promise.set_value(
            fail(ErrorCode::imager_unavailable, "the image worker processes are being shut down"));
    }
    for (std::thread& supervisor : state_->supervisors)
        supervisor.join();
}

Result<Outcome> ImagerPool::try_run(const Task& task, const Terms& terms) {
    if (auto sound = check(task); !sound) return fail(sound.error());
    // The two verdicts that need no look inside.
    if (task.size == 0) return Outcome(Rejection{RejectionCode::empty, "the file is empty"});
    if (task.size > task.limits.max_bytes) {
        return Outcome(
            Rejection{RejectionCode::too_large, "the file has " + std::to_string(task.size) + " bytes; " +
                                                    std::to_string(task.limits.max_bytes) + " are allowed"});
    }
    auto file = TaskFile::of(task);
    if (!file) return fail(file.error());
    Job job{.task = &task, .file = file->number(), .lane = terms.lane, .wanted = terms.wanted, .promise = {}};
    auto outcome = job.promise.get_future();
    const auto ticket = state_->queue.put(std::move(job), terms);
    if (!ticket) {
        if (ticket.error().code == ErrorCode::overloaded) ++state_->overloaded;
        return fail(ticket.error());
    }
    const bool in_time = terms.deadline == Clock::time_point::max() ||
                         outcome.wait_until(terms.deadline) == std::future_status::ready;
    // One that is under way is waited for: its process would have to be killed, and the next is near its end.
    if (!in_time && state_->queue.take_back(*ticket)) {
        ++state_->overloaded;
        return fail(ErrorCode::overloaded, "no image worker process was free in time");
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
            .timed_out = state_->timed_out.load(),
            .overloaded = state_->overloaded.load()};
}

ImagerPool::Load ImagerPool::load(Lane lane) const {
    return state_->queue.load(lane);
}

}  // namespace photogate::imaging
