#include "pipeline/jobs/find_object.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace photogate::pipeline::jobs {
namespace {

constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{60};

}  // namespace

FindObject::FindObject(Look look)
    : JobHandler(model::JobKind::find_object, Lane::store), look_(std::move(look)) {}

JobOutcome FindObject::run(const model::Job& job, const StopSignal&) {
    const auto& upload = job.upload;
    if (upload.state != model::UploadState::created && upload.state != model::UploadState::expired)
        return Finished{};
    const auto there = look_(upload);
    if (there) return Finished{};
    if (job.attempt >= kMostLooks) {
        log::warn("object.not_found_out", {{"upload", upload.id.str()},
                                           {"code", to_string(there.error().code)},
                                           {"detail", there.error().detail}});
        return Finished{};
    }
    const auto doubled = kFirstPause * (1U << std::min(job.attempt, 16U));
    return Retry{there.error(), model::Postponement::Cost::attempt,
                 std::min<std::chrono::milliseconds>(doubled, kLongestPause)};
}

}  // namespace photogate::pipeline::jobs
