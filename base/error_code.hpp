// All error codes of photogate.
//
// A public code is stable: it is the `code` of an RFC 9457 problem, which programs branch on. An internal one
// is never answered; a client that meets it sees the public code named beside it. Both tables state whether
// the same call may succeed later (`retry`), and a title. docs/errors.md is kept consistent with them by a
// test, and tests/architecture checks that each code is produced somewhere.
//
// Thread safety: pure functions over constants.
#pragma once

#include <string_view>

namespace photogate {

// X(code, HTTP status, retry, title): the codes of answers.
#define PHOTOGATE_PUBLIC_ERROR_CODES(X)                                                      \
    X(bad_framing, 400, no, "The message framing is ambiguous")                              \
    X(bad_header, 400, no, "A header is malformed")                                          \
    X(bad_host, 400, no, "The Host header is missing or repeated")                           \
    X(misdirected, 421, no, "This host is not served here")                                  \
    X(bad_target, 400, no, "The request target is malformed")                                \
    X(bad_request, 400, no, "The request is malformed")                                      \
    X(transfer_encoding_unsupported, 501, no, "Only chunked transfer encoding is supported") \
    X(method_unknown, 501, no, "The method is unknown")                                      \
    X(method_not_allowed, 405, no, "The method is not allowed here")                         \
    X(not_found, 404, no, "There is nothing at this path")                                   \
    X(headers_too_large, 431, no, "The headers are too large")                               \
    X(target_too_long, 414, no, "The request target is too long")                            \
    X(body_too_large, 413, no, "The body is too large")                                      \
    X(unexpected_body, 400, no, "This method takes no body")                                 \
    X(request_timeout, 408, yes, "The request took too long to arrive")                      \
    X(expectation_failed, 417, no, "The expectation can't be met")                           \
    X(unauthenticated, 401, no, "The credentials are missing or not valid")                  \
    X(forbidden, 403, no, "The credentials do not permit this")                              \
    X(token_expired, 401, no, "The client token has expired")                                \
    X(token_exhausted, 403, no, "The client token permits no more uploads")                  \
    X(refused_by_hook, 403, no, "The app's own check refused the upload")                    \
    X(unsupported_media_type, 415, no, "The body must be application/json")                  \
    X(not_acceptable, 406, no, "The response is JSON, which Accept excludes")                \
    X(invalid_json, 400, no, "The body is not valid JSON")                                   \
    X(json_too_deep, 400, no, "The JSON is nested too deeply")                               \
    X(duplicate_member, 400, no, "A JSON member is repeated")                                \
    X(invalid_text, 400, no, "A string is not valid Unicode")                                \
    X(unknown_member, 422, no, "A field is unknown")                                         \
    X(invalid_fields, 422, no, "Some fields are not valid")                                  \
    X(invalid_field, 422, no, "A field is not valid")                                        \
    X(missing_field, 422, no, "A required field is missing")                                 \
    X(invalid_size, 422, no, "The size is not valid")                                        \
    X(size_over_limit, 422, no, "The size is over the profile's limit")                      \
    X(package_too_large, 422, no, "The package is larger than is allowed")                   \
    X(content_type_not_allowed, 422, no, "The profile does not accept this content type")    \
    X(unknown_profile, 422, no, "The profile does not exist")                                \
    X(unknown_region, 422, no, "The region is not configured")                               \
    X(method_not_offered, 422, no, "This upload method is not offered")                      \
    X(invalid_parts, 422, no, "The parts do not make the declared file")                     \
    X(invalid_part_number, 422, no, "The number of a part is not valid")                     \
    X(invalid_filename, 422, no, "The file name is not valid")                               \
    X(invalid_metadata, 422, no, "The metadata is not valid")                                \
    X(invalid_expiry, 422, no, "The expiry is not valid")                                    \
    X(invalid_checksum, 422, no, "The checksum is not valid")                                \
    X(invalid_callback_url, 422, no, "The callback URL is not valid")                        \
    X(callback_address_blocked, 422, no, "The callback address is private or reserved")      \
    X(callback_host_not_allowed, 422, no, "The callback host is not on the operator's list") \
    X(idempotency_key_reused, 422, no, "The idempotency key was used with another request")  \
    X(invalid_idempotency_key, 400, no, "The idempotency key is not valid")                  \
    X(upload_not_found, 404, no, "The upload does not exist")                                \
    X(package_not_found, 404, no, "The package does not exist")                              \
    X(callback_not_found, 404, no, "The callback does not exist")                            \
    X(app_not_found, 404, no, "The app does not exist")                                      \
    X(app_exists, 409, no, "There is an app of that name")                                   \
    X(key_not_found, 404, no, "The key or secret does not exist")                            \
    X(too_many_keys, 409, no, "The app has two live keys or secrets")                        \
    X(profile_not_found, 404, no, "The app has no profile of that name")                     \
    X(too_many_profiles, 409, no, "The app has too many profiles")                           \
    X(precondition_failed, 412, no, "It is not at the version that is meant")                \
    X(object_not_found, 409, yes, "The object is not in the store")                          \
    X(state_conflict, 409, no, "The upload's state does not permit this")                    \
    X(invalid_cursor, 400, no, "The cursor is not valid")                                    \
    X(invalid_query, 400, no, "A query parameter is not valid")                              \
    X(rate_limited, 429, yes, "Too many requests")                                           \
    X(not_published, 404, yes, "The image is not published")                                 \
    X(gone, 410, no, "The image was deleted")                                                \
    X(signature_invalid, 403, no, "The image needs a valid signature")                       \
    X(link_expired, 403, no, "The link or cookie has expired")                               \
    X(variant_not_found, 404, no, "The profile has no variant of that name")                 \
    X(unknown_parameter, 400, no, "A query parameter is unknown")                            \
    X(range_not_satisfiable, 416, no, "The range is outside the image")                      \
    X(overloaded, 503, yes, "The gateway is at its limit")                                   \
    X(unavailable, 503, yes, "A dependency is not available")                                \
    X(database_unavailable, 503, yes, "The database is not available")                       \
    X(store_unavailable, 503, yes, "The object store is not available")                      \
    X(store_slow_down, 503, yes, "The object store asked to slow down")                      \
    X(internal, 500, no, "Something went wrong in the gateway")

// X(code, the public code that answers in its place, retry, title): words of logs, timelines and failed
// uploads.
#define PHOTOGATE_INTERNAL_ERROR_CODES(X)                                                              \
    X(database_conflict, unavailable, yes, "The database asked to try again")                          \
    X(database_constraint, internal, no, "The database refused the row")                               \
    X(commit_in_doubt, unavailable, yes, "It is unknown whether the change was saved")                 \
    X(lease_lost, internal, no, "Another worker holds the job")                                        \
    X(store_denied, store_unavailable, no, "The object store refused the credentials")                 \
    X(store_no_such_key, not_found, no, "The object does not exist in the store")                      \
    X(store_no_such_bucket, store_unavailable, no, "The bucket does not exist")                        \
    X(store_no_such_upload, not_found, no, "The multipart upload does not exist in the store")         \
    X(store_in_use, internal, no, "The store's folder is in use by another process")                   \
    X(store_full, store_unavailable, yes, "The store's disk is full")                                  \
    X(store_bucket_not_empty, internal, no, "The bucket is not empty")                                 \
    X(store_invalid_part, internal, no, "A part is missing or differs from the one named")             \
    X(store_invalid_part_order, internal, no, "The parts are not in ascending order")                  \
    X(store_part_too_small, internal, no, "A part other than the last is too small")                   \
    X(store_precondition_failed, internal, no, "The object is not the expected one")                   \
    X(store_checksum_mismatch, store_unavailable, yes, "The bytes did not arrive as they were sent")   \
    X(store_clock_skew, store_unavailable, yes, "The store's clock and the gateway's differ too much") \
    X(store_refused, store_unavailable, no, "The object store refused the request")                    \
    X(store_protocol, store_unavailable, yes, "The object store's response is invalid")                \
    X(size_mismatch, internal, no, "The object's size differs from the pinned one")                    \
    X(http_dns, unavailable, yes, "The host name did not resolve")                                     \
    X(http_connect, unavailable, yes, "The connection failed")                                         \
    X(http_tls, unavailable, no, "The TLS handshake failed")                                           \
    X(http_timeout, unavailable, yes, "The response took too long")                                    \
    X(http_broken, unavailable, yes, "The connection broke")                                           \
    X(http_blocked, unavailable, no, "Connections to this address are not permitted")                  \
    X(imager_unavailable, unavailable, yes, "No imager process is available")                          \
    X(imager_crashed, internal, yes, "The imager process crashed")                                     \
    X(imager_timeout, internal, yes, "The imager process took too long")                               \
    X(hook_unavailable, unavailable, yes, "The app's own check gave no verdict")                       \
    X(scanner_unavailable, unavailable, yes, "The malware scanner gave no verdict")                    \
    X(invalid_configuration, internal, no, "The configuration is not valid")                           \
    X(unsafe_configuration, internal, no, "The credentials or buckets are not safe to use")            \
    X(file_error, internal, no, "A file could not be read or written")                                 \
    X(cannot_bind, internal, no, "The address can't be listened on")

#define PHOTOGATE_ERROR_CODES(X)    \
    PHOTOGATE_PUBLIC_ERROR_CODES(X) \
    PHOTOGATE_INTERNAL_ERROR_CODES(X)

enum class ErrorCode {
#define PHOTOGATE_ERROR_ENUM(code, answer, retry, title) code,
    PHOTOGATE_ERROR_CODES(PHOTOGATE_ERROR_ENUM)
#undef PHOTOGATE_ERROR_ENUM
};

/// Its name. Of a public code the stable one, as in `problem.code`.
std::string_view to_string(ErrorCode code);

/// The code that a client sees: the same, or the public one that stands for an internal one.
ErrorCode public_code(ErrorCode code);

/// The HTTP status of a response with this error: the public code's.
int http_status(ErrorCode code);

/// One sentence for people, the problem's `title`.
std::string_view title(ErrorCode code);

/// True if the same call may succeed later.
bool is_retryable(ErrorCode code);

}  // namespace photogate
