// What a request asks of a resumable upload, in one value for both protocols.
//
// It reads the head alone, and knows no upload: whether the offset is right is decided elsewhere. Fields of the draft that are
// no structured fields are treated as absent.
//
// Thread safety: pure functions over values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "base/error_code.hpp"
#include "http/resumable/dialect.hpp"
#include "http/semantics/field.hpp"

namespace photogate::http::resumable {

using semantics::FieldView;

struct Message {
    std::string_view method;
    /// Of the request's target: an upload, or the place where uploads are made.
    enum class Target { upload, place } target = Target::upload;
    bool has_content = false;                     ///< framing that announces content, even of no bytes
    std::optional<std::uint64_t> content_length;  ///< nullopt: not known before it has come
    std::span<const FieldView> fields;
};

enum class Verb {
    options,
    create,  ///< also of content without resumption
    offset,
    append,
    cancel,
};

enum class DigestAlgorithm { sha1, sha256, sha512, md5 };
struct ContentDigest {
    DigestAlgorithm algorithm = DigestAlgorithm::sha256;
    Bytes value;
};

struct Asked {
    Dialect dialect;
    Verb verb = Verb::options;
    bool carries = false;                 ///< the content belongs to the upload
    bool ends = false;                    ///< the upload ends with this content; of tus its length decides
    std::uint64_t offset = 0;             ///< of an append
    std::optional<std::uint64_t> length;  ///< of the whole upload
    std::string metadata;                 ///< Upload-Metadata, as sent
    std::optional<ContentDigest> digest;  ///< of this content
    std::optional<Bytes> whole_sha256;    ///< of the whole upload: Repr-Digest
};

/// Why a request is not done. Nothing of the upload changes, unless said.
struct Refusal {
    enum class Why {
        bad_request,
        wrong_version,  ///< of tus
        wrong_type,
        wrong_method,
        wrong_offset,
        inconsistent_length,
        completed,  ///< nothing may be added any more
        too_large,
        wrong_checksum,  ///< the content was discarded
        wrong_whole,     ///< all of it has come, and is not what it was to be: nothing can be resumed
        not_found,
        unauthenticated,
        forbidden,
        too_many,
        superseded,  ///< a newer connection has taken the upload over
        timeout,
        unavailable,
    };
    Why why = Why::bad_request;
    std::string detail;
    ErrorCode code = ErrorCode::bad_request;
    std::optional<std::uint64_t> provided_offset = std::nullopt;
};

struct ReadRequest {
    Dialect dialect;  ///< to answer in, also where it is refused
    std::optional<Refusal> refusal;
    Asked asked;  ///< without a refusal
};

ReadRequest read_request(const Message& message);

}  // namespace photogate::http::resumable
