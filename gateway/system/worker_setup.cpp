#include "gateway/system/worker_setup.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "pipeline/jobs/dispose_original.hpp"
#include "pipeline/jobs/remove_published.hpp"

namespace photogate::gateway::system {

namespace jobs = pipeline::jobs;

jobs::WorkerOptions worker_options(const config::Worker& config, std::string name) {
    jobs::WorkerOptions options;
    options.name = std::move(name);
    options.concurrency.cpu = config.concurrency;
    options.concurrency.store = config.store_concurrency;
    options.lease = config.lease;
    options.heartbeat = std::max(std::chrono::seconds{1}, config.lease / 4);
    options.poll = config.poll;
    options.near = config.regions;
    options.far_after = config.far_after;
    return options;
}

pipeline::packages::PackageLimits package_limits(const config::Packages& packages) {
    pipeline::packages::PackageLimits limits;
    limits.most_items = packages.most_items;
    limits.most_bytes = packages.most_bytes;
    limits.default_life = packages.default_life;
    limits.longest_life = packages.longest_life;
    limits.most_preparing = packages.most_preparing;
    return limits;
}

jobs::Handlers job_handlers(jobs::PublishUpload::Dependencies publishing,
                            delivery::MakeVariants::Dependencies variants,
                            pipeline::packages::BuildPackage::Dependencies packages,
                            storage::records::VersionStore& versions, jobs::FindObject::Look look,
                            const std::function<void(const UploadId&)>& settled,
                            const std::function<Result<>(const model::Upload&)>& abort_parts) {
    const auto& stores = publishing.stores;
    jobs::Handlers handlers;
    handlers.add(std::make_unique<jobs::FindObject>(std::move(look)));
    handlers.add(std::make_unique<jobs::DisposeOriginal>(publishing.uploads, stores, settled, abort_parts));
    handlers.add(std::make_unique<jobs::RemovePublished>(versions, stores, settled));
    handlers.add(std::make_unique<delivery::MakeVariants>(std::move(variants)));
    handlers.add(std::make_unique<pipeline::packages::BuildPackage>(packages));
    handlers.add(std::make_unique<jobs::PublishUpload>(std::move(publishing)));
    return handlers;
}

}  // namespace photogate::gateway::system
