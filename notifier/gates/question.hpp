// What a hook is asked: the body and the id of its request.
//
// The id names the question and not the call: whoever has to ask again asks under the same id, so that a receiver that
// keeps its verdicts gives the same one.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "model/image.hpp"
#include "model/upload.hpp"
#include "notifier/callbacks/upload_wire.hpp"

namespace photogate::notifier::gates {

enum class Hook { before_grant, before_publish };
std::string_view to_string(Hook hook);

struct Question {
    std::string id;
    std::string body;
    std::string upload = {};                      ///< the id of the one that it is about
    std::optional<std::string> traceparent = {};  ///< that upload's
    std::optional<std::string> tracestate = {};
};

/// How links are written, and whether the upload's image is private.
struct Links {
    std::string base_url;
    callbacks::Audience audience = callbacks::Audience::everybody;
};

/// `{"type","id","timestamp","app","client_token","declared":{"size","content_type","sha256"},"data"}`, where `data` is
/// the upload as it would be answered. `repeated_as`: what a repeated request has in common with the first; where it is
/// empty, the upload's id is in the question's.
Question grant_question(const model::Upload& upload, const std::string& repeated_as, const Links& links,
                        Timestamp now);

/// The picture that would be published.
struct Candidate {
    std::string format;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    ByteSize size = 0;
    std::string sha256;  ///< lower-case hex
};

/// Where the original can be fetched, for a short time. It is a secret: whoever has it has the file.
struct OriginalLink {
    std::string url;
    Timestamp expires_at;
};

/// `{"type","id","timestamp","app","picture","original","data"}`: `data` is the upload in state `processing` with all facts
/// of its original, `original` null or `{"url","expires_at"}`. The id has the upload's and its file's: an object that was
/// overwritten is another question.
Question publish_question(const model::Upload& upload, const Candidate& picture,
                          const std::optional<OriginalLink>& original, const Links& links, Timestamp now);

}  // namespace photogate::notifier::gates
