#include "storage/objects/s3_client.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "signer/digest.hpp"
#include "signer/uri_encode.hpp"
#include "storage/objects/s3_exchange.hpp"
#include "storage/objects/s3_headers.hpp"
#include "storage/objects/s3_reader.hpp"
#include "storage/objects/s3_xml.hpp"

namespace photogate::storage::objects {

namespace {

constexpr std::size_t kMostKeysPerDelete = 1'000;

/// After a 412 that follows an attempt whose answer was lost: is what stands there what was sent?
bool same_bytes(const ObjectInfo& there, const http::BodySource& body,
                const std::optional<std::string>& checksum) {
    return there.size == body.size() && checksum && there.sha256 == checksum;
}

}  // namespace

S3Client::S3Client(S3Options options, S3Dependencies parts)
    : exchange_(std::make_unique<Exchange>(std::move(options), parts)) {}

S3Client::~S3Client() = default;

void S3Client::replace_credentials(const signer::Credentials& credentials) {
    exchange_->replace(credentials);
}

std::chrono::microseconds S3Client::clock_offset() const {
    return exchange_->clock_offset();
}

Result<ObjectInfo> S3Client::head(const Bucket& bucket, const ObjectKey& key, const GetOptions& options) {
    S3Call call;
    call.method = "HEAD";
    call.bucket = bucket;
    call.key = key;
    call.headers.push_back({"x-amz-checksum-mode", "ENABLED"});
    if (options.if_match) call.headers.push_back({"if-match", quoted(*options.if_match)});
    if (options.version) call.query.push_back({"versionId", options.version->str()});
    const auto answer = exchange_->send(call).response;
    if (!answer) return fail(answer.error());
    if (!content_length(*answer))
        return fail(ErrorCode::store_protocol, "the store did not say how long the object is");
    auto info = object_of(*answer);
    if (!info) return info;
    if (options.if_match && info->etag != *options.if_match) {
        return fail(ErrorCode::store_precondition_failed,
                    "the store holds another object than the one pinned");
    }
    if (options.expected_size && info->size != *options.expected_size) {
        return fail(ErrorCode::size_mismatch, "the object has another size than the one pinned");
    }
    return info;
}

Result<std::unique_ptr<ObjectReader>> S3Client::open(const Bucket& bucket, const ObjectKey& key,
                                                     const GetOptions& options) {
    auto reader = std::make_unique<S3Reader>(*exchange_, bucket, key, options);
    if (auto started = reader->start(); !started) return fail(std::move(started.error()));
    return reader;
}

Result<ObjectInfo> S3Client::put(const Bucket& bucket, const ObjectKey& key, const http::BodySource& body,
                                 const PutOptions& options) {
    S3Call call;
    call.method = "PUT";
    call.bucket = bucket;
    call.key = key;
    call.headers = headers_of(options);
    call.source = &body;
    std::optional<std::string> checksum;
    if (options.sha256) {
        auto encoded = checksum_of(*options.sha256);
        if (!encoded) return fail(encoded.error());
        checksum = std::move(*encoded);
        call.payload_sha256 = options.sha256;
        call.headers.push_back({"x-amz-checksum-sha256", *checksum});
    }
    if (options.only_if_absent) call.headers.push_back({"if-none-match", "*"});

    const Answered answered = exchange_->send(call);
    if (!answered.response) {
        const bool perhaps_ours = options.only_if_absent && answered.attempts > 1 &&
                                  answered.response.error().code == ErrorCode::store_precondition_failed;
        if (perhaps_ours) {
            auto there = head(bucket, key, {});
            if (there && same_bytes(*there, body, checksum)) return there;
        }
        return fail(answered.response.error());
    }
    auto info = object_of(*answered.response);
    if (!info) return info;
    if (checksum && info->sha256 && info->sha256 != checksum) {
        return fail(ErrorCode::store_checksum_mismatch, "the store kept other bytes than were sent");
    }
    info->size = body.size();
    info->content_type = options.content_type;
    return info;
}

Result<> S3Client::remove(const Bucket& bucket, const ObjectKey& key,
                          const std::optional<VersionId>& version) {
    S3Call call;
    call.method = "DELETE";
    call.bucket = bucket;
    call.key = key;
    if (version) call.query.push_back({"versionId", version->str()});
    const auto answer = exchange_->send(call).response;
    if (!answer && answer.error().code != ErrorCode::store_no_such_key) return fail(answer.error());
    return {};
}

Result<std::vector<FailedKey>> S3Client::remove_many(const Bucket& bucket,
                                                     const std::vector<ObjectKey>& keys) {
    std::vector<FailedKey> failed;
    for (std::size_t first = 0; first < keys.size(); first += kMostKeysPerDelete) {
        S3Call call;
        call.method = "POST";
        call.bucket = bucket;
        call.query.push_back({"delete", ""});
        call.body = delete_document(keys, first, std::min(kMostKeysPerDelete, keys.size() - first));
        call.headers.push_back({"content-type", "application/xml"});
        call.headers.push_back({"content-md5", base64(signer::md5(as_bytes(call.body)))});
        call.longest_answer = kMostListDocument;
        const auto answer = exchange_->send(call).response;
        if (!answer) return fail(answer.error());
        const auto failures = parse_delete_result(answer->body);
        if (!failures) return fail(failures.error());
        for (const DeleteFailure& failure : *failures) {
            const ErrorCode code = code_of_s3(failure.error.code, 0, Target::object);
            if (code == ErrorCode::store_no_such_key) continue;
            failed.push_back(
                {ObjectKey::trusted(failure.key),
                 Error{code,
                       "the store says " + shown(failure.error.code) + ": " + shown(failure.error.message),
                       {},
                       {}}});
        }
    }
    return failed;
}

Result<ETag> S3Client::copy(const Bucket& from, const ObjectKey& from_key, const Bucket& to,
                            const ObjectKey& to_key, const CopyOptions& options) {
    S3Call call;
    call.method = "PUT";
    call.bucket = to;
    call.key = to_key;
    std::string source = "/" + from.str() + "/";
    signer::append_encoded_path(source, from_key.str());
    call.headers.push_back({"x-amz-copy-source", std::move(source)});
    if (options.if_source_matches)
        call.headers.push_back({"x-amz-copy-source-if-match", quoted(*options.if_source_matches)});
    call.work = Work::server_side;
    const auto answer = exchange_->send(call).response;
    if (!answer) return fail(answer.error());
    return parse_result_etag(answer->body, "CopyObjectResult");
}

Result<ListPage> S3Client::list(const Bucket& bucket, const ListOptions& options) {
    S3Call call;
    call.bucket = bucket;
    call.query = {{"list-type", "2"},
                  {"encoding-type", "url"},
                  {"max-keys", std::to_string(std::clamp(options.max_keys, 1U, 1'000U))}};
    if (!options.prefix.empty()) call.query.push_back({"prefix", options.prefix});
    if (!options.delimiter.empty()) call.query.push_back({"delimiter", options.delimiter});
    if (options.start_after) call.query.push_back({"start-after", *options.start_after});
    if (options.continuation) call.query.push_back({"continuation-token", *options.continuation});
    call.longest_answer = kMostListDocument;
    const auto answer = exchange_->send(call).response;
    if (!answer) return fail(answer.error());
    return parse_list(answer->body);
}

Result<> S3Client::set_notifications(const Bucket& bucket, const std::vector<NotificationRule>& rules) {
    S3Call call;
    call.method = "PUT";
    call.bucket = bucket;
    call.query.push_back({"notification", ""});
    call.headers.push_back({"content-type", "application/xml"});
    call.body = notification_document(rules);
    const auto answer = exchange_->send(call).response;
    if (!answer) return fail(answer.error());
    return {};
}

Result<> S3Client::check_bucket(const Bucket& bucket) {
    S3Call call;
    call.method = "HEAD";
    call.bucket = bucket;
    const auto answer = exchange_->send(call).response;
    if (!answer) return fail(answer.error());
    return {};
}

}  // namespace photogate::storage::objects
