#include "gateway/cli/sign_wire.hpp"

#include <nlohmann/json.hpp>

namespace photogate::gateway::cli {
namespace {

using Json = nlohmann::ordered_json;

Json object_of(const std::vector<signer::HeaderField>& headers) {
    Json object = Json::object();
    for (const auto& header : headers)
        object[header.name] = header.value;
    return object;
}

std::string line_of(const Json& document) {
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string presigned_json(const std::string& method, const signer::PresignedUrl& presigned) {
    Json document = Json::object();
    document["method"] = method;
    document["url"] = presigned.url;
    document["headers"] = object_of(presigned.headers);
    return line_of(document);
}

std::string form_json(const signer::PostForm& form) {
    Json document = Json::object();
    document["url"] = form.url;
    document["fields"] = object_of(form.fields);
    return line_of(document);
}

}  // namespace photogate::gateway::cli
