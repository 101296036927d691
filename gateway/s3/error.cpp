#include "gateway/s3/error.hpp"

#include "gateway/s3/xml.hpp"

namespace photogate::gateway::s3 {

namespace {

struct Row {
    std::string_view word;
    int status;
    std::string_view message;
};

constexpr Row row(Code code) {
    switch (code) {
#define PHOTOGATE_S3_CASE(code, status, message) \
    case Code::code:                             \
        return {#code, status, message};
        PHOTOGATE_S3_CODES(PHOTOGATE_S3_CASE)
#undef PHOTOGATE_S3_CASE
    }
    return {"InternalError", 500, ""};
}

S3Error plain(Code code) {
    return {code, std::string{row(code).message}};
}

/// Other modules' sentences begin with a small letter and have no full stop.
std::string sentence(std::string text) {
    if (text.empty()) return text;
    if (text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 32);
    if (text.back() != '.') text += '.';
    return text;
}

S3Error said(Code code, const Error& error) {
    return error.detail.empty() ? plain(code) : S3Error{code, sentence(error.detail)};
}

}  // namespace

std::string_view to_string(Code code) {
    return row(code).word;
}

int status_of(Code code) {
    return row(code).status;
}

tl::unexpected<S3Error> refuse(Code code) {
    return tl::unexpected<S3Error>(plain(code));
}

tl::unexpected<S3Error> refuse(Code code, std::string message) {
    return tl::unexpected<S3Error>(S3Error{code, std::move(message)});
}

S3Error of(const Error& error) {
    switch (error.code) {
        case ErrorCode::store_no_such_key:
            return plain(Code::NoSuchKey);
        case ErrorCode::store_no_such_bucket:
            return plain(Code::NoSuchBucket);
        case ErrorCode::store_no_such_upload:
            return plain(Code::NoSuchUpload);
        case ErrorCode::store_precondition_failed:
            return plain(Code::PreconditionFailed);
        case ErrorCode::store_full:
            return plain(Code::StorageFull);
        case ErrorCode::store_bucket_not_empty:
            return plain(Code::BucketNotEmpty);
        case ErrorCode::store_invalid_part:
            return plain(Code::InvalidPart);
        case ErrorCode::store_invalid_part_order:
            return plain(Code::InvalidPartOrder);
        case ErrorCode::store_part_too_small:
            return plain(Code::EntityTooSmall);
        case ErrorCode::invalid_cursor:
            return {Code::InvalidArgument, "The continuation token provided is incorrect"};
        case ErrorCode::store_checksum_mismatch:
            return plain(Code::BadDigest);
        case ErrorCode::store_slow_down:
        case ErrorCode::overloaded:
        case ErrorCode::rate_limited:
            return plain(Code::SlowDown);
        case ErrorCode::unavailable:
        case ErrorCode::store_unavailable:
            return plain(Code::ServiceUnavailable);
        case ErrorCode::store_denied:
        case ErrorCode::forbidden:
        case ErrorCode::unauthenticated:
            return plain(Code::AccessDenied);
        case ErrorCode::range_not_satisfiable:
            return plain(Code::InvalidRange);
        case ErrorCode::request_timeout:
            return plain(Code::RequestTimeout);
        case ErrorCode::size_mismatch:
            return plain(Code::IncompleteBody);
        case ErrorCode::invalid_checksum:
            return plain(Code::InvalidDigest);
        case ErrorCode::body_too_large:
            return said(Code::EntityTooLarge, error);
        case ErrorCode::bad_target:
            return said(Code::InvalidURI, error);
        case ErrorCode::target_too_long:
            return plain(Code::KeyTooLongError);
        case ErrorCode::method_not_allowed:
        case ErrorCode::method_unknown:
            return plain(Code::MethodNotAllowed);
        case ErrorCode::transfer_encoding_unsupported:
            return said(Code::NotImplemented, error);
        case ErrorCode::bad_framing:
        case ErrorCode::bad_header:
        case ErrorCode::bad_host:
        case ErrorCode::misdirected:
        case ErrorCode::bad_request:
        case ErrorCode::headers_too_large:
        case ErrorCode::unexpected_body:
        case ErrorCode::expectation_failed:
        case ErrorCode::store_refused:
            return said(Code::InvalidRequest, error);
        case ErrorCode::invalid_field:
        case ErrorCode::invalid_fields:
        case ErrorCode::invalid_metadata:
            return said(Code::InvalidArgument, error);
        default:
            // What the built-in store never says; its particulars are for the log.
            return plain(Code::InternalError);
    }
}

S3Error of(const signer::SignatureRefusal& refusal, SignedIn where) {
    using signer::SignatureFault;
    switch (refusal.fault) {
        case SignatureFault::missing:
            return plain(Code::AccessDenied);
        case SignatureFault::malformed:
        case SignatureFault::wrong_scope:
            switch (where) {
                case SignedIn::header:
                    return {Code::AuthorizationHeaderMalformed,
                            "The authorization header is malformed; " + refusal.detail + "."};
                case SignedIn::query:
                    return {Code::AuthorizationQueryParametersError, sentence(refusal.detail)};
                case SignedIn::form:
                    return {Code::InvalidPolicyDocument, sentence(refusal.detail)};
            }
            break;
        case SignatureFault::no_date:
            return {Code::AccessDenied, sentence(refusal.detail)};
        case SignatureFault::no_payload_hash:
            return {Code::InvalidRequest, sentence(refusal.detail)};
        case SignatureFault::bad_payload_hash:
            return {Code::InvalidArgument, sentence(refusal.detail)};
        case SignatureFault::unknown_key:
            return plain(Code::InvalidAccessKeyId);
        case SignatureFault::not_yet_valid:
            return {Code::AccessDenied, "Request is not valid yet"};
        case SignatureFault::expired:
            return {Code::AccessDenied, where == SignedIn::form
                                            ? "Invalid according to Policy: Policy expired."
                                            : "Request has expired"};
        case SignatureFault::clock_skew:
            return plain(Code::RequestTimeTooSkewed);
        case SignatureFault::wrong_token:
            return plain(Code::InvalidTokenId);
        case SignatureFault::unsigned_header:
            return {Code::AccessDenied, "There were headers present in the request which were not signed: " +
                                            refusal.detail + "."};
        case SignatureFault::signed_header_absent:
            return {Code::AccessDenied, sentence(refusal.detail)};
        case SignatureFault::mismatch:
            return plain(Code::SignatureDoesNotMatch);
        case SignatureFault::policy_violated:
            return {Code::AccessDenied, "Invalid according to Policy: " + refusal.detail + "."};
    }
    return plain(Code::AccessDenied);
}

std::string error_document(const S3Error& error, const ErrorSubject& subject) {
    Xml xml = Xml::plain("Error");
    xml.add("Code", to_string(error.code)).add("Message", error.message);
    if (!error.region.empty()) xml.add("Region", error.region);
    if (!subject.key.empty()) xml.add("Key", subject.key);
    if (!subject.bucket.empty()) xml.add("BucketName", subject.bucket);
    xml.add("Resource", subject.resource).add("RequestId", subject.request_id).add("HostId", "photogate");
    return xml.done();
}

}  // namespace photogate::gateway::s3
