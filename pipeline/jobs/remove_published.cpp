#include "pipeline/jobs/remove_published.hpp"

#include <iterator>
#include <utility>
#include <vector>

#include "base/failpoint.hpp"
#include "model/object_layout.hpp"

namespace photogate::pipeline::jobs {

namespace {

/// Also those that were put and not recorded, by a gateway that died between the two.
Result<std::vector<ObjectKey>> versions_in(const Store& store, const PublicId& id) {
    std::vector<ObjectKey> keys;
    storage::objects::ListOptions listing;
    listing.prefix = model::version_prefix(id);
    do {
        auto page = store.objects->list(store.region.published, listing);
        if (!page) return fail(std::move(page.error()));
        for (auto& object : page->objects)
            keys.push_back(std::move(object.key));
        listing.continuation = page->next;
    } while (listing.continuation);
    return keys;
}

}  // namespace

RemovePublished::RemovePublished(storage::records::VersionStore& versions, const Stores& stores,
                                 std::function<void(const UploadId&)> done)
    : JobHandler(model::JobKind::remove_published, Lane::store),
      versions_(versions),
      stores_(stores),
      done_(std::move(done)) {}

JobOutcome RemovePublished::run(const model::Job& job, const StopSignal&) {
    const Store* store = stores_.of(job.upload.region);
    if (!store) {
        return Retry{Error{
            ErrorCode::invalid_configuration, "the upload's region is not configured", {}, std::nullopt}};
    }
    auto keys = versions_.being_removed(job.upload.id);
    if (!keys) return Retry{keys.error()};
    if (job.upload.image) keys->push_back(job.upload.image->key);
    auto listed = versions_in(*store, job.upload.public_id);
    if (!listed) return Retry{listed.error()};
    keys->insert(keys->end(), std::make_move_iterator(listed->begin()),
                 std::make_move_iterator(listed->end()));
    for (const auto& key : *keys) {
        const auto removed = store->objects->remove(store->region.published, key, std::nullopt);
        if (!removed) return Retry{removed.error()};
    }
    failpoint::pass(failpoint::Point::after_original_removed);
    return Finished{};
}

void RemovePublished::finished(const model::Job& job) {
    if (done_) done_(job.upload.id);
}

}  // namespace photogate::pipeline::jobs
