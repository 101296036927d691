// Any bytes as an event's body: the parser always returns a result, and every event in it can be stored.
#include <array>

#include "fuzz.hpp"
#include "notifier/events/dialect.hpp"

namespace photogate::notifier::events {
namespace {

using fuzz::require;

bool storable(std::string_view text, std::size_t longest) {
    return text.size() <= longest && is_utf8(text) && text.find('\0') == std::string_view::npos;
}

void check(const StoreEvent& event) {
    require(!event.key.empty() && storable(event.key, 1'024), "a key can be stored");
    require(!event.bucket.empty() && storable(event.bucket, 255), "a bucket's name can be stored");
    require(!event.name.starts_with("s3:s3:") && storable(event.name, 256), "an event's name can be stored");
    require(storable(event.sequencer, 256) && storable(event.request_id, 256), "its marks can be stored");
    require(!event.size || *event.size <= INT64_MAX, "a size is one that a database holds");
    require(!event.etag || (storable(*event.etag, 1'024) && event.etag->find('"') == std::string::npos),
            "an ETag has no quotes");
    require(!event.version || storable(*event.version, 1'024), "a version can be stored");
    require(!event.content_type || storable(*event.content_type, 256), "a content type can be stored");
    for (const auto& [name, value] : event.client_metadata)
        require(storable(name, 8'192) && storable(value, 8'192), "metadata can be stored");
    require(event.dedupe_id("a").size() == 64 && event.dedupe_id("a") != event.dedupe_id("b"),
            "events of two sources are two");
}

constexpr std::array kDialects = {Dialect::automatic,   Dialect::minio,     Dialect::s3,  Dialect::rustfs,
                                  Dialect::ceph,        Dialect::versitygw, Dialect::sns, Dialect::lambda,
                                  Dialect::eventbridge, Dialect::sqs,       Dialect::r2,  Dialect::gcs,
                                  Dialect::b2,          Dialect::seaweedfs};

void run(BytesView bytes) {
    for (const auto encoding : {KeyEncoding::form, KeyEncoding::raw}) {
        for (const auto dialect : kDialects) {
            const auto batch = parse(dialect, encoding, as_text(bytes));
            if (!batch) {
                require(batch.error().code == ErrorCode::bad_request && !batch.error().detail.empty(),
                        "a refusal says why");
                continue;
            }
            require(batch->events.size() + batch->unreadable.size() <= kMostEventRecords,
                    "records are counted");
            require(!batch->test_event || (batch->events.empty() && batch->unreadable.empty()),
                    "a test event has no records");
            for (const auto& event : batch->events)
                check(event);
        }
    }
}

const fuzz::Target target{"store_event", run};

}  // namespace
}  // namespace photogate::notifier::events
