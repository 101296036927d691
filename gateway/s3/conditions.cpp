#include "gateway/s3/conditions.hpp"

#include <string>
#include <variant>

#include "http/semantics/byte_range.hpp"
#include "http/semantics/conditions.hpp"

namespace photogate::gateway::s3 {

namespace semantics = photogate::http::semantics;

namespace {

constexpr auto kRules = semantics::TagRules::s3;

semantics::Validators of(const Validators& object) {
    return {object.etag.str(), object.modified};
}

/// The four fields, under whatever prefix.
semantics::Precondition evaluate(const http::RequestHead& head, const std::string& prefix,
                                 const Validators& object) {
    const auto field = [&](const char* name) { return head.headers.find(prefix + name); };
    return semantics::evaluate({.if_match = field("if-match"),
                                .if_none_match = field("if-none-match"),
                                .if_modified_since = field("if-modified-since"),
                                .if_unmodified_since = field("if-unmodified-since")},
                               of(object), kRules);
}

}  // namespace

S3Result<std::optional<Stretch>> read_range(const http::RequestHead& head, std::uint64_t size) {
    const auto sent = head.headers.find("Range");
    if (!sent) return std::nullopt;
    const auto asked = semantics::read_byte_range(*sent, size);
    if (std::holds_alternative<semantics::Unsatisfiable>(asked)) return refuse(Code::InvalidRange);
    if (const auto* range = std::get_if<semantics::ByteRange>(&asked))
        return Stretch{range->first, range->last - range->first + 1};
    return std::nullopt;
}

S3Result<Verdict> judge(const http::RequestHead& head, const Validators& object) {
    const auto found = evaluate(head, "", object);
    if (found == semantics::Precondition::failed) return refuse(Code::PreconditionFailed);
    return found == semantics::Precondition::not_modified ? Verdict::not_modified : Verdict::go_on;
}

S3Result<> judge_source(const http::RequestHead& head, const Validators& object) {
    if (evaluate(head, "x-amz-copy-source-", object) != semantics::Precondition::holds)
        return refuse(Code::PreconditionFailed);
    return {};
}

bool range_applies(const http::RequestHead& head, const Validators& object) {
    const auto sent = head.headers.find("If-Range");
    return !sent || semantics::range_applies(*sent, of(object), kRules);
}

}  // namespace photogate::gateway::s3
