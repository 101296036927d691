// RustFS: MinIO's body, member for member. A file of its own, so that what differs one day has its place.
#include "notifier/events/dialects.hpp"

namespace photogate::notifier::events {

Result<EventBatch> parse_rustfs(std::string_view body, KeyEncoding keys) {
    return parse_minio(body, keys);
}

}  // namespace photogate::notifier::events
