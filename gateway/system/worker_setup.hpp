// The worker as configuration wants it: its lanes, and the handlers of every kind of job.
//
// Thread safety: pure functions; what is handed in outlives the worker.
#pragma once

#include <functional>
#include <string>

#include "gateway/config/config.hpp"
#include "pipeline/jobs/publish_upload.hpp"
#include "pipeline/jobs/worker.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::gateway::system {

pipeline::jobs::WorkerOptions worker_options(const config::Worker& config, std::string name);

/// `settled` is called after each original or image that was moved or removed.
pipeline::jobs::Handlers job_handlers(pipeline::jobs::PublishUpload::Dependencies publishing,
                                      storage::records::VersionStore& versions,
                                      const std::function<void(const UploadId&)>& settled);

}  // namespace photogate::gateway::system
