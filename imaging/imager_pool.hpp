// The jail's supervisor: long-lived `photogate-imager` processes, one task at a time each.
//
// No byte of a picture is parsed in this process. A worker process has no inherited descriptor or environment, no
// file system, network or programs (it proves that before its first task, and without the proof it gets
// none), and resource limits; the supervisor owns the wall clock and kills what overruns it. A worker process that dies
// or hangs costs its task an error and is replaced; it never costs the gateway.
//
// As many tasks run at once as there are worker processes; the rest wait, in a bounded queue for each lane
// (image_processor.hpp). Thread safety: any number of threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "imaging/image_processor.hpp"
#include "imaging/jail_report.hpp"
#include "imaging/task_queue.hpp"

namespace photogate::imaging {

struct PoolOptions {
    std::filesystem::path program;  ///< of photogate-imager
    std::size_t processes = 2;
    /// For one task; a process that works, and that a busy machine gave less of a processor, has up to four times it.
    std::chrono::milliseconds wall_clock{45'000};
    std::uint64_t address_space = 2ULL << 30;   ///< bytes (RLIMIT_AS)
    std::uint64_t max_output = 256ULL << 20;    ///< bytes of one published picture
    std::size_t max_tasks_per_process = 200;    ///< then it is replaced
    std::uint64_t max_resident = 400ULL << 20;  ///< bytes; above this it is replaced after its task
    Sandbox sandbox = Sandbox::required;
    /// Files of the fonts that watermarks of text name. A worker process reads them before its jail closes.
    std::vector<std::string> fonts;
    /// While both lanes wait, uploads have two shares of the worker processes and on-demand pictures one.
    LaneOptions uploads{.share = 2, .most_waiting = 10'000};
    LaneOptions on_demand{.share = 1, .most_waiting = 64};
};

class ImagerPool final : public ImageProcessor {
  public:
    /// Errors: imager_unavailable (the program is missing, its start-up self-test failed, or its jail is not
    /// tight and that is refused), with what it said.
    static Result<std::unique_ptr<ImagerPool>> start(PoolOptions options);
    ~ImagerPool() override;
    ImagerPool(const ImagerPool&) = delete;
    ImagerPool& operator=(const ImagerPool&) = delete;

    Result<Outcome> try_run(const Task& task, const Terms& terms) override;

    struct Counters {
        std::uint64_t started = 0;
        std::uint64_t crashed = 0;
        std::uint64_t timed_out = 0;
        std::uint64_t overloaded = 0;  ///< tasks refused, or given up before they began
    };
    Counters counters() const;
    /// The tasks of a lane at this moment.
    struct Load {
        std::size_t waiting = 0;
        std::size_t running = 0;
    };
    Load load(Lane lane) const;
    /// Of the worker process that came up last: kernel and settings are the same for all.
    JailReport jail() const;

  private:
    struct State;
    explicit ImagerPool(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace photogate::imaging
