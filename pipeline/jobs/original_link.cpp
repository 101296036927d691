#include "pipeline/jobs/original_link.hpp"

namespace photogate::pipeline::jobs {

Result<signer::PresignedUrl> original_link(const model::Upload& upload, const Store& store, Timestamp now,
                                           std::chrono::seconds good_for) {
    const auto ahead = store.clock->ahead();
    signer::PresignRequest request;
    request.method = "GET";
    request.address = {store.region.external, store.region.style, upload.bucket, upload.key};
    request.query = {{"response-cache-control", "private, no-store"},
                     {"response-content-disposition", "attachment"},
                     {"response-content-type", "application/octet-stream"}};
    if (upload.pinned && upload.pinned->version)
        request.query.push_back({"versionId", upload.pinned->version->str()});
    request.at = now + ahead;
    request.expires = good_for;
    auto link = signer::Signer{store.keys->now()->worker, store.region.signing_region}.presign(request);
    if (link) link->expires_at -= ahead;
    return link;
}

}  // namespace photogate::pipeline::jobs
