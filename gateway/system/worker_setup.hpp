// The worker as configuration wants it: its lanes, and the handlers of every kind of job.
//
// Thread safety: pure functions; what is handed in outlives the worker.
#pragma once

#include <functional>
#include <string>

#include "delivery/make_variants.hpp"
#include "gateway/config/config.hpp"
#include "pipeline/jobs/find_object.hpp"
#include "pipeline/jobs/publish_upload.hpp"
#include "pipeline/jobs/worker.hpp"
#include "pipeline/packages/build_package.hpp"
#include "pipeline/packages/package_request.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::gateway::system {

pipeline::jobs::WorkerOptions worker_options(const config::Worker& config, std::string name);

/// The bounds of packages, in every role.
pipeline::packages::PackageLimits package_limits(const config::Packages& packages);

/// `look` is for objects whose event could not be proved; `settled` is called after each original or image that was moved or removed.
/// `abort_parts` removes what the store has of an upload that is sent in parts.
pipeline::jobs::Handlers job_handlers(pipeline::jobs::PublishUpload::Dependencies publishing,
                                      delivery::MakeVariants::Dependencies variants,
                                      pipeline::packages::BuildPackage::Dependencies packages,
                                      storage::records::VersionStore& versions,
                                      pipeline::jobs::FindObject::Look look,
                                      const std::function<void(const UploadId&)>& settled,
                                      const std::function<Result<>(const model::Upload&)>& abort_parts);

}  // namespace photogate::gateway::system
