#include "gateway/s3/access.hpp"

#include <algorithm>
#include <utility>

namespace photogate::gateway::s3 {

Permissions put_only(const Bucket& incoming, std::string prefix) {
    return {{{Action::put_object}, {incoming}, std::move(prefix)}};
}

Permissions objects_of(std::set<Bucket> buckets) {
    return {{{Action::see_bucket, Action::list_objects, Action::configure_bucket, Action::get_object,
              Action::put_object, Action::delete_object, Action::tag_object, Action::abort_upload,
              Action::list_parts},
             std::move(buckets),
             ""}};
}

Permissions everything() {
    return {{{Action::list_buckets, Action::create_bucket, Action::delete_bucket, Action::see_bucket,
              Action::list_objects, Action::configure_bucket, Action::get_object, Action::put_object,
              Action::delete_object, Action::tag_object, Action::abort_upload, Action::list_parts},
             {},
             ""}};
}

bool permits(const Permissions& permissions, const AccessRequest& request) {
    return std::any_of(permissions.begin(), permissions.end(), [&](const Permission& each) {
        if (!each.actions.contains(request.action)) return false;
        if (!each.buckets.empty() && (request.bucket == nullptr || !each.buckets.contains(*request.bucket)))
            return false;
        if (each.key_prefix.empty()) return true;
        return request.key != nullptr && request.key->str().starts_with(each.key_prefix);
    });
}

}  // namespace photogate::gateway::s3
