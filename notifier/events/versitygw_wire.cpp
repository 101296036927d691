// versitygw: S3's records, one a body, ETags in quotes, sizes of 0 for multipart uploads and copies; a test event
// at each start.
#include "notifier/events/dialects.hpp"
#include "notifier/events/record_wire.hpp"

namespace photogate::notifier::events {

Result<EventBatch> parse_versitygw(std::string_view body, KeyEncoding keys) {
    const auto document = read_document(body);
    if (!document) return fail(document.error());
    if (is_test_event(document->body)) return test_event();
    return read_records(document->body, document->ambiguous_records,
                        {.keys = keys, .zero_size = ZeroSize::unknown_if_assembled});
}

}  // namespace photogate::notifier::events
