// How much each app has been granted that has not arrived yet, held to its limits.
//
// The figures are those of the records, read again and again for the apps that have limits, and what this gateway granted
// since. So a limit holds over all gateways, but for what others granted within the last interval.
//
// Thread safety: any thread; run() on one.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "base/words.hpp"
#include "model/policy/profile.hpp"
#include "pipeline/stop_signal.hpp"

namespace photogate::pipeline::uploads {

struct OpenUse {
    std::uint64_t uploads = 0;
    ByteSize bytes = 0;
};

class OpenUploads {
  public:
    using Count = std::function<Result<std::map<AppName, OpenUse>>(const std::vector<AppName>&)>;

    /// `apps` outlives this.
    OpenUploads(const model::LiveApps& apps, Count count,
                std::chrono::milliseconds every = std::chrono::seconds{1});

    /// One more upload, of that many bytes where they are declared. Errors: rate_limited, with a time after which to
    /// come again.
    Result<> admit(const model::App& app, std::optional<ByteSize> bytes);
    /// Asks the records. Errors: theirs; then the figures stay as they were.
    Result<> refresh();
    /// refresh() again and again, until stop().
    void run();
    void stop() { stop_.stop(); }

  private:
    std::vector<AppName> limited() const;

    const model::LiveApps& apps_;
    const Count count_;
    const std::chrono::milliseconds every_;
    std::mutex mutex_;
    std::map<AppName, OpenUse> counted_;  ///< by the records
    std::map<AppName, OpenUse> granted_;  ///< here, since they were asked
    StopSignal stop_;
};

}  // namespace photogate::pipeline::uploads
