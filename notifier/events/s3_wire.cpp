// AWS S3, event message structure 2.x: `{"Records":[…]}`, names without `s3:`, no metadata; and the test event
// that a new notification configuration sends.
#include "notifier/events/dialects.hpp"
#include "notifier/events/record_wire.hpp"

namespace photogate::notifier::events {

Result<EventBatch> parse_s3(std::string_view body, KeyEncoding keys) {
    const auto document = read_document(body);
    if (!document) return fail(document.error());
    if (is_test_event(document->body)) return test_event();
    return read_records(document->body, document->ambiguous_records, {.keys = keys});
}

}  // namespace photogate::notifier::events
