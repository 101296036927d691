// All errors of the S3 interface, with AWS's codes and messages ("Error responses", API reference).
//
// Lower modules use ErrorCode; of() maps those exhaustively. Errors of the HTTP server (framing, deadlines)
// are mapped by it too.
//
// Thread safety: values and pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "signer/verify.hpp"

namespace photogate::gateway::s3 {

// X(code, http status, default message)
#define PHOTOGATE_S3_CODES(X)                                                                              \
    X(AccessDenied, 403, "Access Denied.")                                                                 \
    X(AccessForbidden, 403,                                                                                \
      "CORSResponse: This CORS request is not allowed: the bucket's rules do not allow the origin, the "   \
      "method or a header.")                                                                               \
    X(AuthorizationHeaderMalformed, 400, "The authorization header that you provided is not valid.")       \
    X(AuthorizationQueryParametersError, 400, "The authorization query parameters are not valid.")         \
    X(BadDigest, 400,                                                                                      \
      "The Content-MD5 or checksum value that you specified did not match what we received.")              \
    X(BadRequest, 400, "The request is not valid.")                                                        \
    X(BucketAlreadyExists, 409, "The requested bucket name is not available.")                             \
    X(BucketAlreadyOwnedByYou, 409, "The bucket that you tried to create already exists, and you own it.") \
    X(BucketNotEmpty, 409, "The bucket that you tried to delete is not empty.")                            \
    X(EntityTooLarge, 400, "Your proposed upload exceeds the maximum allowed object size.")                \
    X(EntityTooSmall, 400, "Your proposed upload is smaller than the minimum allowed object size.")        \
    X(ExpiredToken, 400, "The provided token has expired.")                                                \
    X(IncompleteBody, 400,                                                                                 \
      "You did not provide the number of bytes specified by the Content-Length header.")                   \
    X(InternalError, 500, "We encountered an internal error. Please try again.")                           \
    X(InvalidAccessKeyId, 403, "The AWS access key ID that you provided does not exist in our records.")   \
    X(InvalidArgument, 400, "An argument is not valid.")                                                   \
    X(InvalidBucketName, 400, "The specified bucket is not valid.")                                        \
    X(InvalidDigest, 400, "The Content-MD5 or checksum value that you specified is not valid.")            \
    X(InvalidPart, 400,                                                                                    \
      "One or more of the specified parts could not be found, or its entity tag did not match.")           \
    X(InvalidPartNumber, 416, "The requested partnumber is not satisfiable")                               \
    X(InvalidPartOrder, 400, "The list of parts was not in ascending order.")                              \
    X(InvalidPolicyDocument, 400,                                                                          \
      "The content of the form does not meet the conditions specified in the policy document.")            \
    X(InvalidRange, 416, "The requested range is not satisfiable.")                                        \
    X(InvalidRequest, 400, "The request is not valid.")                                                    \
    X(InvalidTag, 400, "The tag that you provided is not valid.")                                          \
    X(InvalidTokenId, 403, "The security token included in the request is not valid.")                     \
    X(InvalidURI, 400, "The specified URI could not be parsed.")                                           \
    X(KeyTooLongError, 400, "Your key is too long.")                                                       \
    X(MalformedPOSTRequest, 400, "The body of your POST request is not well-formed multipart/form-data.")  \
    X(MalformedXML, 400, "The XML that you provided was not well formed or did not validate.")             \
    X(MaxMessageLengthExceeded, 400, "Your request was too large.")                                        \
    X(MetadataTooLarge, 400, "Your metadata headers exceed the maximum allowed metadata size.")            \
    X(MethodNotAllowed, 405, "The specified method is not allowed against this resource.")                 \
    X(MissingContentLength, 411, "You must provide the Content-Length HTTP header.")                       \
    X(NoSuchBucket, 404, "The specified bucket does not exist.")                                           \
    X(NoSuchBucketPolicy, 404, "The bucket policy does not exist.")                                        \
    X(NoSuchCORSConfiguration, 404, "The CORS configuration does not exist.")                              \
    X(NoSuchKey, 404, "The specified key does not exist.")                                                 \
    X(NoSuchLifecycleConfiguration, 404, "The lifecycle configuration does not exist.")                    \
    X(NoSuchObjectLockConfiguration, 404,                                                                  \
      "The specified object does not have an object lock configuration.")                                  \
    X(NoSuchTagSet, 404, "There is no tag set associated with the bucket.")                                \
    X(NoSuchUpload, 404, "The specified multipart upload does not exist.")                                 \
    X(NoSuchVersion, 404, "The version ID specified does not match an existing version.")                  \
    X(NoSuchWebsiteConfiguration, 404, "The specified bucket does not have a website configuration.")      \
    X(NotImplemented, 501, "The built-in store does not offer this.")                                      \
    X(ObjectLockConfigurationNotFoundError, 404,                                                           \
      "Object Lock configuration does not exist for this bucket.")                                         \
    X(PreconditionFailed, 412, "At least one of the preconditions that you specified did not hold.")       \
    X(RequestTimeout, 400,                                                                                 \
      "Your socket connection to the server was not read from or written to within the timeout period.")   \
    X(RequestTimeTooSkewed, 403,                                                                           \
      "The difference between the request time and the server's time is too large.")                       \
    X(ServerSideEncryptionConfigurationNotFoundError, 404,                                                 \
      "The server-side encryption configuration was not found.")                                           \
    X(ServiceUnavailable, 503, "Service is unable to handle the request.")                                 \
    X(SignatureDoesNotMatch, 403,                                                                          \
      "The request signature that we calculated does not match the signature that you provided.")          \
    X(SlowDown, 503, "Please reduce your request rate.")                                                   \
    X(StorageFull, 507, "There is no space left on the store's disk.")                                     \
    X(UnsupportedNotification, 400, "The built-in store sends its events to the gateway alone.")           \
    X(XAmzContentSHA256Mismatch, 400,                                                                      \
      "The provided 'x-amz-content-sha256' header does not match what was computed.")

enum class Code {
#define PHOTOGATE_S3_ENUM(code, status, message) code,
    PHOTOGATE_S3_CODES(PHOTOGATE_S3_ENUM)
#undef PHOTOGATE_S3_ENUM
};

std::string_view to_string(Code code);
int status_of(Code code);

struct S3Error {
    Code code = Code::InternalError;
    std::string message;
    std::string region;  ///< the right one, where a request was signed for another
};
template <class T = void>
using S3Result = tl::expected<T, S3Error>;

/// With the code's own message, or a better one.
tl::unexpected<S3Error> refuse(Code code);
tl::unexpected<S3Error> refuse(Code code, std::string message);
inline tl::unexpected<S3Error> refuse(S3Error error) {
    return tl::unexpected<S3Error>(std::move(error));
}

/// Maps an Error of lower modules or the server. Internal errors become InternalError without details.
S3Error of(const Error& error);
enum class SignedIn { header, query, form };
/// A signature that was refused.
S3Error of(const signer::SignatureRefusal& refusal, SignedIn where);

/// The resource and the request id in the document.
struct ErrorSubject {
    std::string_view bucket;
    std::string_view key;
    std::string_view resource;  ///< the path as sent
    std::string_view request_id;
};
/// `<Error><Code/>…</Error>`
std::string error_document(const S3Error& error, const ErrorSubject& subject);

}  // namespace photogate::gateway::s3
