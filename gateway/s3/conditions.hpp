// Ranges and preconditions of a request for an object (RFC 9110, 13 and 14), as S3 answers them: http/semantics' rules
// with S3's reading of entity tags.
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "base/words.hpp"
#include "gateway/http/message.hpp"
#include "gateway/s3/error.hpp"

namespace photogate::gateway::s3 {

struct Stretch {
    std::uint64_t first = 0;
    std::uint64_t length = 0;
};
/// One range of bytes, its suffix form too. nullopt: the whole object is meant (no Range, several ranges, a
/// unit or a text that is not understood). Refusals: InvalidRange.
S3Result<std::optional<Stretch>> read_range(const http::RequestHead& head, std::uint64_t size);

struct Validators {
    const ETag& etag;
    Timestamp modified;
};
enum class Verdict { go_on, not_modified };
/// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since. Refusals: PreconditionFailed.
S3Result<Verdict> judge(const http::RequestHead& head, const Validators& object);
/// The same for the source of a copy, under `x-amz-copy-source-if-…`, where not modified is a failure too.
S3Result<> judge_source(const http::RequestHead& head, const Validators& object);
/// True where If-Range is absent or names this very object.
bool range_applies(const http::RequestHead& head, const Validators& object);

}  // namespace photogate::gateway::s3
