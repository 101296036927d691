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
    return options;
}

jobs::Handlers job_handlers(jobs::PublishUpload::Dependencies publishing,
                            storage::records::VersionStore& versions,
                            const std::function<void(const UploadId&)>& settled) {
    const auto& stores = publishing.stores;
    jobs::Handlers handlers;
    handlers.add(std::make_unique<jobs::DisposeOriginal>(publishing.uploads, stores, settled));
    handlers.add(std::make_unique<jobs::RemovePublished>(versions, stores, settled));
    handlers.add(std::make_unique<jobs::PublishUpload>(std::move(publishing)));
    return handlers;
}

}  // namespace photogate::gateway::system
