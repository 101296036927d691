#include "http/resumable/answer.hpp"

#include <fmt/format.h>

#include "base/json/writer.hpp"
#include "http/resumable/structured.hpp"

namespace photogate::http::resumable {
namespace {

using Why = Refusal::Why;

constexpr std::string_view kProblemTypes = "https://iana.org/assignments/http-problem-types#";

void name_dialect(Answer& answer, const Dialect& dialect) {
    // Who names no protocol gets no field of the draft, whose versions differ.
    if (dialect.is_draft()) {
        answer.fields.push_back({"Upload-Draft-Interop-Version", std::to_string(dialect.interop)});
    } else {
        answer.fields.push_back({"Tus-Resumable", std::string{kTusVersion}});
    }
}

void say_complete(Answer& answer, const Dialect& dialect, bool complete) {
    if (!dialect.is_draft()) return;
    if (dialect.interop == 3) {
        answer.fields.push_back({"Upload-Incomplete", boolean(!complete)});
    } else {
        answer.fields.push_back({"Upload-Complete", boolean(complete)});
    }
}

void say_limit(Answer& answer, const Dialect& dialect, const Standing& standing) {
    if (dialect.is_draft() && dialect.interop >= 6 && standing.most > 0)
        answer.fields.push_back({"Upload-Limit", fmt::format("max-size={}", standing.most)});
}

void say_offset(Answer& answer, const Standing& standing) {
    answer.fields.push_back({"Upload-Offset", std::to_string(standing.offset)});
}

void say_expiry(Answer& answer, const Dialect& dialect, const Standing& standing) {
    if (dialect.is_tus() && standing.expires_at && !standing.complete)
        answer.fields.push_back({"Upload-Expires", format_http_date(*standing.expires_at)});
}

void say_length(Answer& answer, const Dialect& dialect, const Standing& standing) {
    if (standing.length) {
        answer.fields.push_back({"Upload-Length", std::to_string(*standing.length)});
    } else if (dialect.is_tus()) {
        answer.fields.push_back({"Upload-Defer-Length", "1"});
    }
}

Answer begin(int status, const Dialect& dialect) {
    Answer answer;
    answer.status = status;
    name_dialect(answer, dialect);
    return answer;
}

struct Words {
    int status;
    std::string_view title;
};

Words words_of(Why why) {
    switch (why) {
        case Why::bad_request:
        case Why::inconsistent_length:
            return {400, "The request is malformed"};
        case Why::wrong_version:
            return {412, "The protocol's version is not supported"};
        case Why::wrong_type:
            return {415, "The content's type is not the protocol's"};
        case Why::wrong_method:
            return {405, "The method is not allowed here"};
        case Why::wrong_offset:
            return {409, "The upload is at another offset"};
        case Why::completed:
            return {400, "The upload is complete"};
        case Why::too_large:
            return {413, "The content is longer than the upload"};
        case Why::wrong_checksum:
            return {460, "The content does not have this checksum"};
        case Why::wrong_whole:
            return {400, "The file does not have this checksum"};
        case Why::not_found:
            return {404, "The upload does not exist"};
        case Why::unauthenticated:
            return {401, "The credentials are missing or not valid"};
        case Why::forbidden:
            return {403, "The credentials do not permit this"};
        case Why::too_many:
            return {429, "Too many requests"};
        case Why::superseded:
            return {409, "A newer connection continues this upload"};
        case Why::timeout:
            return {408, "The request took too long to arrive"};
        case Why::unavailable:
            return {503, "A dependency is not available"};
    }
    return {500, "Something went wrong in the gateway"};
}

std::string problem_type(const Dialect& dialect, Why why) {
    if (!dialect.is_draft() || dialect.interop < 6) return "about:blank";
    const auto type = [](std::string_view name) { return std::string{kProblemTypes}.append(name); };
    if (why == Why::wrong_offset) return type("mismatching-upload-offset");
    if (why == Why::completed) return type("completed-upload");
    if (why == Why::inconsistent_length && dialect.interop >= 8) return type("inconsistent-upload-length");
    return "about:blank";
}

std::string problem(const Dialect& dialect, const Refusal& refusal, const Standing* standing,
                    const Words& words) {
    json::Writer out;
    out.begin_object();
    out.name("type");
    out.text(problem_type(dialect, refusal.why));
    out.name("title");
    out.text(words.title);
    out.name("status");
    out.number(static_cast<std::uint64_t>(words.status));
    out.name("detail");
    out.text(refusal.detail);
    out.name("code");
    out.text(to_string(public_code(refusal.code)));
    if (refusal.why == Why::wrong_offset && standing) {
        out.name("expected-offset");
        out.number(standing->offset);
        if (refusal.provided_offset) {
            out.name("provided-offset");
            out.number(*refusal.provided_offset);
        }
    }
    out.end_object();
    return out.take();
}

}  // namespace

Answer offered(std::uint64_t most) {
    Answer answer;
    answer.status = 204;
    answer.fields = {{"Tus-Resumable", std::string{kTusVersion}},
                     {"Tus-Version", std::string{kTusVersion}},
                     {"Tus-Extension", std::string{kTusExtensions}},
                     {"Tus-Max-Size", std::to_string(most)},
                     {"Tus-Checksum-Algorithm", std::string{kTusChecksums}},
                     {"Upload-Limit", fmt::format("min-size=1, max-size={}", most)},
                     {"Accept-Patch", fmt::format("{}, {}", kTusContent, kPartialUpload)}};
    return answer;
}

Answer created(const Dialect& dialect, const std::string& location, const Standing& standing) {
    // What is whole is answered as any upload is; there is nothing left to resume.
    auto answer = begin(dialect.is_draft() && standing.complete ? 200 : 201, dialect);
    answer.fields.push_back({"Location", location});
    say_offset(answer, standing);
    say_complete(answer, dialect, standing.complete);
    say_limit(answer, dialect, standing);
    say_expiry(answer, dialect, standing);
    return answer;
}

Answer resumable_at(const Dialect& dialect, const std::string& location, const Standing& standing) {
    auto answer = begin(104, dialect);
    answer.fields.push_back({"Location", location});
    say_limit(answer, dialect, standing);
    return answer;
}

Answer progress(const Dialect& dialect, const Standing& standing) {
    auto answer = begin(104, dialect);
    say_offset(answer, standing);
    return answer;
}

Answer stands(const Dialect& dialect, const Standing& standing) {
    auto answer = begin(dialect.is_draft() ? 204 : 200, dialect);
    say_offset(answer, standing);
    say_length(answer, dialect, standing);
    say_complete(answer, dialect, standing.complete);
    say_limit(answer, dialect, standing);
    say_expiry(answer, dialect, standing);
    if (!dialect.is_draft() && !standing.metadata.empty())
        answer.fields.push_back({"Upload-Metadata", standing.metadata});
    answer.fields.push_back({"Cache-Control", "no-store"});
    return answer;
}

Answer appended(const Dialect& dialect, const Standing& standing) {
    int status = 204;
    if (dialect.is_draft() && standing.complete) status = 200;
    if (dialect.is_draft() && !standing.complete && dialect.interop < 8) status = 201;
    auto answer = begin(status, dialect);
    say_offset(answer, standing);
    say_complete(answer, dialect, standing.complete);
    say_expiry(answer, dialect, standing);
    return answer;
}

Answer cancelled(const Dialect& dialect) {
    return begin(204, dialect);
}

Answer refused(const Dialect& dialect, const Refusal& refusal, const Standing* standing) {
    auto words = words_of(refusal.why);
    // The draft has no 460.
    if (refusal.why == Why::wrong_checksum && dialect.is_draft()) words.status = 400;
    if (refusal.why == Why::completed && dialect.interop >= 8) words.status = 410;
    auto answer = begin(words.status, dialect);
    if (refusal.why == Why::wrong_version) answer.fields.push_back({"Tus-Version", std::string{kTusVersion}});
    if (refusal.why == Why::wrong_offset && standing) {
        say_offset(answer, *standing);
        say_complete(answer, dialect, standing->complete);
    } else if (refusal.why == Why::completed || refusal.why == Why::wrong_whole) {
        say_complete(answer, dialect, true);
    }
    if (refusal.why == Why::too_large && standing) say_limit(answer, dialect, *standing);
    if (refusal.why == Why::too_many) answer.fields.push_back({"Retry-After", "10"});
    if (refusal.why == Why::unavailable) answer.fields.push_back({"Retry-After", "2"});
    answer.fields.push_back({"Content-Type", "application/problem+json"});
    answer.body = problem(dialect, refusal, standing, words);
    return answer;
}

}  // namespace photogate::http::resumable
