// Any bytes as each of S3's documents, a store's answers and a client's requests: the parsed content is
// within bounds, and survives a round trip.
#include "storage/objects/s3_xml.hpp"

#include "fuzz.hpp"
#include "gateway/s3/request_documents.hpp"

namespace photogate::storage::objects {
namespace {

using builtin::ChosenPart;
using fuzz::require;
using gateway::s3::DeleteRequest;
using gateway::s3::Loudness;
using gateway::s3::read_complete_request;
using gateway::s3::read_delete_request;
using gateway::s3::read_location_constraint;
using gateway::s3::read_notification_request;

void read_answers(std::string_view xml) {
    if (const auto error = parse_error(xml)) require(!error->code.empty(), "an error has a code");
    if (const auto page = parse_list(xml)) {
        require(page->objects.size() + page->common_prefixes.size() <= 1'000, "a page has 1,000 entries");
        for (const auto& object : page->objects)
            require(parse_object_key(object.key.str()).has_value(), "a listed key is a key");
        require(!page->next || !page->next->empty(), "a list goes on with a token");
    }
    if (const auto parts = parse_parts(xml))
        require(!parts->next_marker || !parts->parts.empty(), "a list of parts gets on");
    if (const auto id = parse_upload_id_of_multipart(xml))
        require(!id->empty() && id->size() <= 1'024, "an upload's id is bounded");
    for (const char* root : {"CopyObjectResult", "CompleteMultipartUploadResult"}) {
        if (const auto etag = parse_result_etag(xml, root))
            require(parse_etag(etag->str()).has_value(), "an ETag is one");
    }
    (void)parse_delete_result(xml);
}

/// What XML 1.0 can carry: the writer's side never has anything else in a key (base/words.hpp lets through
/// more).
bool fits_xml(std::string_view text) {
    for (const unsigned char c : text) {
        if (c < 0x20) return false;
    }
    return is_utf8(text);
}

void check_delete(const DeleteRequest& request) {
    std::vector<ObjectKey> keys;
    for (const auto& entry : request.entries) {
        auto key = parse_object_key(entry.key);
        if (key && fits_xml(entry.key)) keys.push_back(std::move(*key));
    }
    if (keys.empty()) return;
    const auto again = read_delete_request(delete_document(keys, 0, keys.size()));
    require(again && again->answer == Loudness::errors && again->entries.size() == keys.size(),
            "a written delete request is read");
    for (std::size_t i = 0; i < keys.size(); ++i)
        require(again->entries[i].key == keys[i].str(), "a key survives being written");
}

void check_complete(const std::vector<ChosenPart>& parts) {
    std::vector<UploadedPart> uploaded;
    for (const auto& part : parts) {
        if (fits_xml(part.etag.str())) uploaded.push_back({part.number, part.etag, 0});
    }
    if (uploaded.empty()) return;
    const auto again = read_complete_request(complete_document(uploaded));
    require(again && again->size() == uploaded.size(), "a written completion is read");
    for (std::size_t i = 0; i < uploaded.size(); ++i) {
        require((*again)[i].number == uploaded[i].number && (*again)[i].etag == uploaded[i].etag,
                "a part survives being written");
    }
}

void read_requests(std::string_view xml) {
    if (const auto request = read_delete_request(xml)) {
        require(!request->entries.empty() && request->entries.size() <= 1'000, "1 to 1,000 keys are deleted");
        check_delete(*request);
    }
    if (const auto parts = read_complete_request(xml)) {
        require(!parts->empty() && parts->size() <= 10'000, "1 to 10,000 parts are put together");
        check_complete(*parts);
    }
    if (const auto rules = read_notification_request(xml)) {
        for (const auto& rule : *rules)
            require(!rule.queue_arn.empty() && !rule.events.empty(), "a rule says where to and what of");
    }
    (void)read_location_constraint(xml);
}

void run(BytesView bytes) {
    read_answers(as_text(bytes));
    read_requests(as_text(bytes));
}

const fuzz::Target target{"s3_xml", run};

}  // namespace
}  // namespace photogate::storage::objects
