#include "notifier/gates/question.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/json/writer.hpp"
#include "signer/digest.hpp"

namespace photogate::notifier::gates {
namespace {

constexpr std::size_t kDigits = 32;

void text_or_null(json::Writer& json, json::Name name, const std::optional<std::string>& value) {
    json.name(name);
    if (value) {
        json.text(*value);
    } else {
        json.null();
    }
}

void head(json::Writer& json, Hook hook, const std::string& id, Timestamp now, const model::Upload& upload) {
    json.name("type");
    json.text(to_string(hook));
    json.name("id");
    json.text(id);
    json.name("timestamp");
    json.text(format_rfc3339(now));
    json.name("app");
    json.text(upload.app.str());
}

void data(json::Writer& json, const model::Upload& upload, const Links& links) {
    json.name("data");
    json.raw(callbacks::upload_json(upload, links.base_url, links.audience));
}

}  // namespace

std::string_view to_string(Hook hook) {
    return hook == Hook::before_grant ? "before_grant" : "before_publish";
}

Question grant_question(const model::Upload& upload, const std::string& repeated_as, const Links& links,
                        Timestamp now) {
    const auto subject =
        repeated_as.empty()
            ? upload.id.str()
            : hex_lower(signer::sha256(upload.app.str() + "\n" + repeated_as)).substr(0, kDigits);
    Question question{"grant_" + subject, {}, upload.id.str(), upload.traceparent, upload.tracestate};
    json::Writer json;
    json.begin_object();
    head(json, Hook::before_grant, question.id, now, upload);
    text_or_null(json, "client_token", upload.client_token);
    json.name("declared");
    json.begin_object();
    json.name("size");
    if (upload.declared_size) {
        json.number(*upload.declared_size);
    } else {
        json.null();
    }
    text_or_null(json, "content_type", upload.declared_type);
    text_or_null(json, "sha256", upload.declared_sha256);
    json.end_object();
    data(json, upload, links);
    json.end_object();
    question.body = json.take();
    return question;
}

Question publish_question(const model::Upload& upload, const Candidate& picture,
                          const std::optional<OriginalLink>& original, const Links& links, Timestamp now) {
    Question question{fmt::format("publish_{}_{}", upload.id.str(), upload.generation),
                      {},
                      upload.id.str(),
                      upload.traceparent,
                      upload.tracestate};
    json::Writer json;
    json.begin_object();
    head(json, Hook::before_publish, question.id, now, upload);
    json.name("picture");
    json.begin_object();
    json.name("format");
    json.text(picture.format);
    json.name("width");
    json.number(picture.width);
    json.name("height");
    json.number(picture.height);
    json.name("size");
    json.number(picture.size);
    json.name("sha256");
    json.text(picture.sha256);
    json.end_object();
    json.name("original");
    if (original) {
        json.begin_object();
        json.name("url");
        json.text(original->url);
        json.name("expires_at");
        json.text(format_rfc3339(original->expires_at));
        json.end_object();
    } else {
        json.null();
    }
    data(json, upload, links);
    json.end_object();
    question.body = json.take();
    return question;
}

}  // namespace photogate::notifier::gates
