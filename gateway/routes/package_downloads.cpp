#include "gateway/routes/package_downloads.hpp"

#include <chrono>
#include <utility>

namespace photogate::gateway::routes {

struct PackageDownloads::Open {
    mutable std::mutex mutex;
    std::map<PackageId, std::size_t> of_package_;
    Counts counts;
};

PackageDownloads::PackageDownloads(Limits limits)
    : per_package_(limits.per_package),
      open_(std::make_shared<Open>()),
      budget_(limits.buffers, limits.buffers) {}

Result<std::shared_ptr<void>> PackageDownloads::enter(const PackageId& package, std::uint64_t bytes) {
    struct Place {
        Place(std::shared_ptr<Open> its_open, PackageId its_package)
            : open(std::move(its_open)), package(std::move(its_package)) {}
        ~Place() {
            const std::lock_guard lock(open->mutex);
            --open->counts.open;
            const auto found = open->of_package_.find(package);
            if (--found->second == 0) open->of_package_.erase(found);
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        const std::shared_ptr<Open> open;
        const PackageId package;
        std::optional<delivery::ByteBudget::Reservation> memory;
    };
    std::shared_ptr<Place> place;
    {
        const std::lock_guard lock(open_->mutex);
        auto& count = open_->of_package_[package];
        if (count >= per_package_) {
            ++open_->counts.refused;
            return fail(Error{ErrorCode::rate_limited,
                              "this package is being downloaded by as many as may at once; try again",
                              {},
                              std::chrono::seconds{2}});
        }
        ++count;
        ++open_->counts.open;
        ++open_->counts.begun;
    }
    place = std::make_shared<Place>(open_, package);
    place->memory = budget_.take(bytes);
    if (!place->memory) {
        const std::lock_guard lock(open_->mutex);
        ++open_->counts.refused;
        --open_->counts.begun;
    }
    if (!place->memory)
        return fail(Error{ErrorCode::overloaded,
                          "the gateway is sending as many packages as it has memory for; try again",
                          {},
                          std::chrono::seconds{2}});
    return std::shared_ptr<void>{std::move(place)};
}

void PackageDownloads::sent(std::uint64_t bytes) {
    const std::lock_guard lock(open_->mutex);
    open_->counts.bytes += bytes;
}

void PackageDownloads::broke() {
    const std::lock_guard lock(open_->mutex);
    ++open_->counts.broken;
}

PackageDownloads::Counts PackageDownloads::counts() const {
    const auto buffered = budget_.counts().taken;
    const std::lock_guard lock(open_->mutex);
    auto counts = open_->counts;
    counts.buffered = buffered;
    return counts;
}

void watch(telemetry::Metrics& metrics, const PackageDownloads& downloads) {
    metrics.before_render(
        [&downloads,
         open = metrics.gauge({"photogate_package_downloads_active", "Downloads of packages under way.", {}}),
         former = metrics.gauge({"photogate_package_downloads",
                                 "As photogate_package_downloads_active, whose name in 0.1.0 it is.",
                                 {}}),
         buffered = metrics.gauge(
             {"photogate_package_buffer_bytes", "Memory that downloads of packages may hold.", {}}),
         begun = metrics.mirrored_counter({"photogate_package_downloads_total",
                                           "Downloads of packages that were begun, each range its own.",
                                           {}}),
         refused = metrics.mirrored_counter(
             {"photogate_package_downloads_refused_total", "Downloads of packages beyond a limit.", {}}),
         broken = metrics.mirrored_counter(
             {"photogate_package_downloads_broken_total",
              "Downloads of packages that broke because something could not be read.",
              {}}),
         bytes = metrics.mirrored_counter({"photogate_package_bytes_total",
                                           "Bytes of packages that were read to be sent.",
                                           {}})]() mutable {
            const auto counts = downloads.counts();
            open.set(static_cast<double>(counts.open));
            former.set(static_cast<double>(counts.open));
            buffered.set(static_cast<double>(counts.buffered));
            begun.show(counts.begun);
            refused.show(counts.refused);
            broken.show(counts.broken);
            bytes.show(counts.bytes);
        });
}

}  // namespace photogate::gateway::routes
