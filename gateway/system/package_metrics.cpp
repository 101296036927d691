#include "gateway/system/package_metrics.hpp"

namespace photogate::gateway::system {
namespace {

telemetry::Counter items(telemetry::Metrics& metrics, const char* result) {
    return metrics.counter({"photogate_package_items_prepared_total",
                            "Items of packages whose versions were looked for by what came of them.",
                            {{"result", result}}});
}

telemetry::Counter packages(telemetry::Metrics& metrics, const char* result) {
    return metrics.counter({"photogate_packages_prepared_total",
                            "Packages whose versions had to be made first by what came of them.",
                            {{"result", result}}});
}

}  // namespace

PackageMetrics::PackageMetrics(telemetry::Metrics& metrics)
    : there_(items(metrics, "there")),
      given_up_(items(metrics, "given_up")),
      planned_(packages(metrics, "planned")),
      failed_(packages(metrics, "failed")) {}

void PackageMetrics::count(pipeline::packages::Preparing what, std::size_t times) {
    using pipeline::packages::Preparing;
    const auto many = static_cast<double>(times);
    switch (what) {
        case Preparing::item_there:
            return there_.add(many);
        case Preparing::item_given_up:
            return given_up_.add(many);
        case Preparing::package_planned:
            return planned_.add(many);
        case Preparing::package_failed:
            return failed_.add(many);
    }
}

}  // namespace photogate::gateway::system
