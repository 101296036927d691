#include "storage/objects/s3_client.hpp"
#include "storage/objects/s3_exchange.hpp"
#include "storage/objects/s3_headers.hpp"
#include "storage/objects/s3_xml.hpp"

namespace photogate::storage::objects {

namespace {

constexpr std::uint32_t kMostParts = 10'000;
constexpr std::size_t kMostPartPages = 100;

}  // namespace

Result<std::string> S3Client::create_multipart(const Bucket& bucket, const ObjectKey& key,
                                               const PutOptions& options) {
    S3Call call;
    call.method = "POST";
    call.bucket = bucket;
    call.key = key;
    call.query.push_back({"uploads", ""});
    call.headers = headers_of(options);
    const auto answer = exchange_->send(call).response;
    if (!answer) return fail(answer.error());
    return parse_upload_id_of_multipart(answer->body);
}

Result<UploadedPart> S3Client::put_part(const Bucket& bucket, const ObjectKey& key, const std::string& upload,
                                        std::uint32_t number, const http::BodySource& body) {
    if (number == 0 || number > kMostParts)
        return fail(ErrorCode::store_refused, "a part's number is 1 to 10,000");
    S3Call call;
    call.method = "PUT";
    call.bucket = bucket;
    call.key = key;
    call.query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}};
    call.source = &body;
    const auto answer = exchange_->send(call).response;
    if (!answer) return fail(answer.error());
    auto part = object_of(*answer);
    if (!part) return fail(part.error());
    return UploadedPart{number, std::move(part->etag), body.size()};
}

Result<std::vector<UploadedPart>> S3Client::list_parts(const Bucket& bucket, const ObjectKey& key,
                                                       const std::string& upload) {
    std::vector<UploadedPart> parts;
    std::uint32_t marker = 0;
    for (std::size_t page_number = 0; page_number < kMostPartPages; ++page_number) {
        S3Call call;
        call.bucket = bucket;
        call.key = key;
        call.query.push_back({"uploadId", upload});
        if (marker != 0) call.query.push_back({"part-number-marker", std::to_string(marker)});
        call.longest_answer = kMostListDocument;
        const auto answer = exchange_->send(call).response;
        if (!answer) return fail(answer.error());
        auto page = parse_parts(answer->body);
        if (!page) return fail(page.error());
        parts.insert(parts.end(), page->parts.begin(), page->parts.end());
        if (!page->next_marker) return parts;
        if (*page->next_marker <= marker) break;
        marker = *page->next_marker;
    }
    return fail(ErrorCode::store_protocol, "the store's list of parts does not end");
}

Result<ETag> S3Client::complete_multipart(const Bucket& bucket, const ObjectKey& key,
                                          const std::string& upload, const std::vector<UploadedPart>& parts,
                                          const CompleteOptions& options) {
    S3Call call;
    call.method = "POST";
    call.bucket = bucket;
    call.key = key;
    call.query.push_back({"uploadId", upload});
    call.headers.push_back({"content-type", "application/xml"});
    if (options.only_if_absent) call.headers.push_back({"if-none-match", "*"});
    call.body = complete_document(parts);
    call.work = Work::server_side;
    const auto answer = exchange_->send(call).response;
    if (!answer) return fail(answer.error());
    return parse_result_etag(answer->body, "CompleteMultipartUploadResult");
}

Result<> S3Client::abort_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload) {
    S3Call call;
    call.method = "DELETE";
    call.bucket = bucket;
    call.key = key;
    call.query.push_back({"uploadId", upload});
    const auto answer = exchange_->send(call).response;
    if (!answer && answer.error().code != ErrorCode::store_no_such_upload) return fail(answer.error());
    return {};
}

Result<MultipartPage> S3Client::list_multipart(const Bucket& bucket, const std::string& prefix,
                                               const std::optional<MultipartPage::Marker>& after) {
    S3Call call;
    call.bucket = bucket;
    call.query = {{"uploads", ""}, {"encoding-type", "url"}, {"prefix", prefix}};
    if (after) {
        call.query.push_back({"key-marker", after->key});
        call.query.push_back({"upload-id-marker", after->upload});
    }
    call.longest_answer = kMostListDocument;
    const auto answer = exchange_->send(call).response;
    if (!answer) return fail(answer.error());
    auto page = parse_multiparts(answer->body);
    if (page && page->next && after && page->next->key == after->key && page->next->upload == after->upload)
        return fail(ErrorCode::store_protocol, "the store's list of multipart uploads does not advance");
    return page;
}

}  // namespace photogate::storage::objects
