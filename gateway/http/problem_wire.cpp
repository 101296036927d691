#include <nlohmann/json.hpp>

#include "gateway/http/problem.hpp"

namespace photogate::gateway::http {

std::string problem_json(const Error& error, const ProblemContext& context) {
    const ErrorCode answered = public_code(error.code);
    const std::string code{to_string(answered)};
    nlohmann::ordered_json document = nlohmann::ordered_json::object();
    document["type"] = std::string{context.docs_base} + code;
    document["title"] = std::string{title(answered)};
    document["status"] = http_status(answered);
    document["detail"] = error.detail;
    document["code"] = code;
    if (!context.request_id.empty()) document["request_id"] = std::string{context.request_id};
    if (!error.fields.empty()) {
        nlohmann::ordered_json fields = nlohmann::ordered_json::array();
        for (const FieldError& field : error.fields) {
            nlohmann::ordered_json item = nlohmann::ordered_json::object();
            item["pointer"] = field.pointer;
            item["code"] = std::string{to_string(public_code(field.code))};
            item["detail"] = field.detail;
            fields.push_back(std::move(item));
        }
        document["errors"] = std::move(fields);
    }
    return document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace photogate::gateway::http
