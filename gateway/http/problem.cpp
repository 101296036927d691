#include "gateway/http/problem.hpp"

#include "base/json/writer.hpp"

namespace photogate::gateway::http {

std::string problem_json(const Error& error, const ProblemContext& context) {
    const ErrorCode answered = public_code(error.code);
    const std::string_view code = to_string(answered);
    json::Writer out;
    out.begin_object();
    out.name("type");
    out.text(std::string{context.docs_base}.append(code));
    out.name("title");
    out.text(title(answered));
    out.name("status");
    out.number(static_cast<std::uint64_t>(http_status(answered)));
    out.name("detail");
    out.text(error.detail);
    out.name("code");
    out.text(code);
    if (!context.request_id.empty()) {
        out.name("request_id");
        out.text(context.request_id);
    }
    if (!error.fields.empty()) {
        out.name("errors");
        out.begin_array();
        for (const FieldError& field : error.fields) {
            out.begin_object();
            out.name("pointer");
            out.text(field.pointer);
            out.name("code");
            out.text(to_string(public_code(field.code)));
            out.name("detail");
            out.text(field.detail);
            out.end_object();
        }
        out.end_array();
    }
    out.end_object();
    return out.take();
}

}  // namespace photogate::gateway::http
