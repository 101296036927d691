// Tags of objects and of buckets, in a header, in a form's field and as documents.
//
// Source: Amazon S3 user guide, "Categorizing your storage using tags": at most 10 tags of an object (50 of a
// bucket), each key once, keys of 1 to 128 and values of up to 256 characters, of letters, digits, spaces and
// `+ - = . _ : / @`; keys do not begin with `aws:`.
//
// Thread safety: pure.
#pragma once

#include <string>
#include <string_view>

#include "gateway/s3/error.hpp"
#include "storage/builtin/object.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::Tags;

inline constexpr std::size_t kMostObjectTags = 10;
inline constexpr std::size_t kMostBucketTags = 50;
/// 50 tags of the longest texts, each character escaped.
inline constexpr std::size_t kMostTaggingDocument = 256U << 10;

/// `x-amz-tagging`: `key=value&key2=value2`, percent-encoded. Refusals: InvalidArgument, InvalidTag, BadRequest.
S3Result<Tags> read_tagging_header(std::string_view text);
/// `<Tagging><TagSet><Tag>…`. Refusals: MalformedXML, InvalidTag, BadRequest.
S3Result<Tags> read_tagging_document(std::string_view text, std::size_t most);
std::string tagging_document(const Tags& tags);

}  // namespace photogate::gateway::s3
