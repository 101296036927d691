#include "gateway/routes/upload_watch.hpp"

#include <utility>

namespace photogate::gateway::routes {

Result<std::vector<EndedUpload>> RecordsWatch::ended(const std::vector<UploadId>& ids) {
    std::vector<EndedUpload> ended;
    auto uploads = read(ids);
    if (!uploads) return fail(std::move(uploads.error()));
    for (const auto& upload : *uploads) {
        if (!is_final(upload.state)) continue;
        const auto has_jobs = uploads_.has_jobs(upload.id);
        if (!has_jobs) return fail(has_jobs.error());
        ended.push_back({upload.id, *has_jobs});
    }
    return ended;
}

Result<std::vector<model::Upload>> RecordsWatch::read(const std::vector<UploadId>& ids) {
    std::vector<model::Upload> uploads;
    for (const auto& id : ids) {
        auto upload = uploads_.find(std::nullopt, id);
        if (upload) {
            uploads.push_back(std::move(*upload));
        } else if (upload.error().code != ErrorCode::upload_not_found) {
            return fail(std::move(upload.error()));
        }
    }
    return uploads;
}

}  // namespace photogate::gateway::routes
