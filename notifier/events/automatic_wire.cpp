// Every shape of the other dialects, told apart by what the body has: for sources whose dialect is not configured.
#include "notifier/events/dialects.hpp"
#include "notifier/events/record_wire.hpp"

namespace photogate::notifier::events {

Result<EventBatch> parse_automatic(std::string_view body, KeyEncoding keys) {
    const auto document = read_document(body);
    if (!document) return fail(document.error());
    const auto& message = without_cloud_event(document->body);
    if (is_test_event(message) || has_null_records(message)) return test_event();
    auto batch = read_records(
        message, document->ambiguous_records,
        {.keys = keys, .metadata = MetadataForm::any, .zero_size = ZeroSize::unknown_if_assembled});
    if (batch) compare_with_envelope(message, *batch);
    return batch;
}

}  // namespace photogate::notifier::events
