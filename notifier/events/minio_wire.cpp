// MinIO: `{"EventName":…,"Key":…,"Records":[…]}`, one record a body, names with `s3:`, user metadata as an object.
#include "notifier/events/dialects.hpp"
#include "notifier/events/record_wire.hpp"

namespace photogate::notifier::events {

Result<EventBatch> parse_minio(std::string_view body, KeyEncoding keys) {
    const auto document = read_document(body);
    if (!document) return fail(document.error());
    if (has_null_records(document->body)) return test_event();
    auto batch = read_records(document->body, document->ambiguous_records,
                              {.keys = keys, .metadata = MetadataForm::object});
    if (batch) compare_with_envelope(document->body, *batch);
    return batch;
}

}  // namespace photogate::notifier::events
