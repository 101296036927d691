#include "gateway/system/imagers.hpp"

#include <utility>

namespace photogate::gateway::system {

Result<std::unique_ptr<imaging::ImagerPool>> start_imagers(const config::Config& config) {
    auto options = config.imaging;
    if (config.unsafe == config::UnsafeStore::allow) options.sandbox = imaging::Sandbox::best_effort;
    return imaging::ImagerPool::start(std::move(options));
}

}  // namespace photogate::gateway::system
