// What `@uppy/aws-s3` sends and expects: the calls of Companion (`companionEndpoint` of 6.x, `endpoint` of 4.x and 5.x), those of
// `signRequest`, and the documents of S3 that `signRequest` leaves to whoever the URL names.
//
// Seen of 5.1.0 and 6.3.1. Unknown members and parameters are Uppy's own and left alone. Uppy has no field for a file's size: the
// page adds `size` to the file's metadata, and `sha256` where it has one; other metadata is not a client's to say.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "gateway/http/message.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/uploads/upload_service.hpp"

namespace photogate::gateway::uppy {

/// The upload that is asked for; what is wrong stands among `unreadable`.
using Wanted = pipeline::uploads::CreateRequest;

/// `?filename=&type=&metadata[size]=`. Errors: missing_field.
Result<Wanted> read_params(const http::RequestHead& head);
/// `{"filename","type","metadata":{"size"}}`. Errors: missing_field, and those of JSON.
Result<Wanted> read_creation(std::string_view body);
/// `{"parts":[{"PartNumber":1,"ETag":"…"}]}`, numbers as texts too. Errors: invalid_parts, and those of JSON.
Result<std::vector<pipeline::NamedPart>> read_completion(std::string_view body);
/// `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>…</ETag></Part>…`. Errors: invalid_parts.
Result<std::vector<pipeline::NamedPart>> read_completion_xml(std::string_view body);
/// 1 to 10000. Errors: invalid_part_number.
Result<std::uint32_t> read_part_number(std::string_view text);
/// `1,2,3`, at most as many as are signed in one call. Errors: invalid_part_number.
Result<std::vector<std::uint32_t>> read_part_numbers(std::string_view text);

/// What `signRequest` is given.
struct SignRequest {
    enum class Operation { put_object, create_multipart, upload_part, complete, abort, list_parts };
    Operation operation = Operation::put_object;
    std::string key;
    std::optional<std::string> content_type;
    std::string upload_id;  ///< of an operation on a multipart upload
    std::uint32_t part_number = 0;
};
/// Errors: invalid_field, missing_field, invalid_part_number, and those of JSON.
Result<SignRequest> read_sign_request(std::string_view body);

/// How Uppy sends a file in one request.
struct SingleUpload {
    const pipeline::uploads::Granted& granted;
    std::int64_t expires = 0;  ///< seconds from now
};
std::string params_json(const SingleUpload& single);
/// As `signRequest` gives it back.
std::string signed_form_json(const SingleUpload& single);
std::string created_json(const model::Upload& upload, const std::string& upload_id);
std::string listed_json(const pipeline::uploads::ListedParts& parts);
std::string part_json(const pipeline::SignedPart& part, std::int64_t expires);
std::string batch_json(const std::vector<pipeline::SignedPart>& parts);
std::string completed_json(const model::Upload& upload, const std::string& location);
/// `{"url","key"}`, `key` where it is another than was asked for.
std::string signed_json(const std::string& url, const std::string& key = {});

std::string initiated_xml(const model::Upload& upload, const std::string& upload_id);
std::string listed_xml(const pipeline::uploads::ListedParts& parts);
std::string completed_xml(const model::Upload& upload, const std::string& location);

/// A refusal in words, also of several fields.
std::string message_of(const Error& error);
std::string error_json(const Error& error, std::string_view request_id);
std::string error_xml(const Error& error, std::string_view request_id);

}  // namespace photogate::gateway::uppy
