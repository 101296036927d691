#include "client/setup/signed_api.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/json/value.hpp"
#include "client/json_text.hpp"
#include "client/print.hpp"
#include "client/setup/xml_text.hpp"
#include "signer/digest.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::client::setup {
namespace {

constexpr std::size_t kMostSaid = 300;

std::string first_text(std::string_view xml, std::initializer_list<std::string_view> paths) {
    for (const auto path : paths) {
        if (auto text = text_in(xml, path); !text.empty()) return text;
    }
    return {};
}

}  // namespace

Error refusal_of(const storage::http::Response& response) {
    auto code = first_text(response.body, {"Error/Code", "ErrorResponse/Error/Code"});
    auto message = first_text(response.body, {"Error/Message", "ErrorResponse/Error/Message"});
    if (code.empty()) {
        if (const auto read = json::read(response.body)) {
            code = text_at(*read, "Code");
            message = text_at(*read, "Message");
        }
    }
    if (code.empty()) code = fmt::format("status {}", response.status);
    auto said = message.empty() ? code : fmt::format("{}: {}", code, message);
    return {ErrorCode::store_refused, printable(said.substr(0, kMostSaid))};
}

SignedApi::SignedApi(ApiOptions options)
    : options_(std::move(options)),
      signer_(options_.credentials, options_.region, options_.service),
      http_(std::make_unique<storage::http::HttpClient>(storage::http::ClientOptions{
          .user_agent = "photogate", .kept_handles = 2, .guard = {}, .ca_file = {}})) {}

Result<storage::http::Response> SignedApi::send(const ApiCall& call) const {
    auto headers = call.headers;
    if (!call.body.empty() && options_.service == "s3") {
        // S3 asks for it where a document replaces another.
        const auto digest = signer::md5(as_bytes(call.body));
        headers.push_back({"Content-MD5", base64(digest)});
    }
    const auto made =
        signer_.sign_headers({.method = call.method,
                              .address = {options_.endpoint, options_.style, call.bucket, call.key},
                              .query = call.query,
                              .headers = std::move(headers),
                              .payload_sha256 = hex_lower(signer::sha256(call.body)),
                              .at = clock_.now()});
    if (!made) return fail(made.error());
    storage::http::Request request;
    request.method = call.method;
    request.url = made->url;
    request.headers = made->headers;
    request.body = call.body;
    request.first_byte_timeout = std::chrono::seconds{30};
    request.total_timeout = std::chrono::seconds{60};
    return http_->send(request);
}

Result<storage::http::Response> SignedApi::call(const ApiCall& call) const {
    auto answer = send(call);
    if (!answer) return fail(answer.error());
    if (answer->status / 100 != 2) return fail(refusal_of(*answer));
    return answer;
}

Result<std::string> SignedApi::act(const std::string& version, const std::string& action,
                                   const Form& form) const {
    ApiCall sent{.method = "POST", .headers = {{"Content-Type", "application/x-www-form-urlencoded"}}};
    sent.body = "Action=" + action + "&Version=" + version;
    for (const auto& [name, value] : form)
        sent.body += "&" + signer::encode_component(name) + "=" + signer::encode_component(value);
    auto answer = call(sent);
    if (!answer) return fail(answer.error());
    return std::move(answer->body);
}

}  // namespace photogate::client::setup
