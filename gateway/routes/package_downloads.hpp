// The downloads of packages that are under way on this gateway: how many of one package at once, what they hold in memory, and what
// became of them.
//
// Thread safety: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.hpp"
#include "base/telemetry/metrics.hpp"
#include "base/words.hpp"
#include "delivery/byte_budget.hpp"
#include "model/package.hpp"

namespace photogate::gateway::routes {

class PackageDownloads {
  public:
    struct Limits {
        ByteSize buffers = 64U << 20;
        std::size_t per_package = 32;
    };
    struct Counts {
        std::uint64_t open = 0;
        std::uint64_t begun = 0;
        std::uint64_t refused = 0;  ///< beyond a limit
        std::uint64_t broken = 0;   ///< that could not be read to their end
        std::uint64_t bytes = 0;
        std::uint64_t buffered = 0;  ///< bytes in memory, at most
    };

    explicit PackageDownloads(Limits limits);

    /// A place for a download that may hold `bytes` of memory, until it is destroyed; it may outlive this. Errors: rate_limited, of
    /// a package that is being downloaded too often at once; overloaded.
    Result<std::shared_ptr<void>> enter(const PackageId& package, std::uint64_t bytes);
    void sent(std::uint64_t bytes);
    void broke();
    Counts counts() const;

  private:
    struct Open;
    const std::size_t per_package_;
    const std::shared_ptr<Open> open_;
    delivery::ByteBudget budget_;
};

/// `downloads` outlives the last rendering.
void watch(telemetry::Metrics& metrics, const PackageDownloads& downloads);

}  // namespace photogate::gateway::routes
