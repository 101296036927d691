// Ceph RGW: S3's records, with sizes that may be texts and metadata as a list of {key, val}; bare, or in a
// CloudEvents envelope.
#include "notifier/events/dialects.hpp"
#include "notifier/events/record_wire.hpp"

namespace photogate::notifier::events {

Result<EventBatch> parse_ceph(std::string_view body, KeyEncoding keys) {
    const auto document = read_document(body);
    if (!document) return fail(document.error());
    return read_records(without_cloud_event(document->body), document->ambiguous_records,
                        {.keys = keys, .metadata = MetadataForm::list});
}

}  // namespace photogate::notifier::events
