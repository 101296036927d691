#include "client/setup/r2/cloudflare_api.hpp"

#include <iterator>

#include <fmt/format.h>

#include "client/json_text.hpp"
#include "client/print.hpp"

namespace photogate::client::setup::r2 {
namespace {

/// The list of permission groups alone has some hundred entries.
constexpr json::Bounds kBounds{.bytes = 4U << 20, .depth = 24, .nodes = 200'000};
constexpr int kMostPages = 50;
constexpr std::size_t kPerPage = 50;

Error refusal(const storage::http::Response& response, const json::Value* envelope) {
    auto said = fmt::format("status {}", response.status);
    if (envelope != nullptr) {
        for (const auto& error : array_at(*envelope, "errors"))
            said += fmt::format(", {} ({})", text_at(error, "message"), text_at(error, "code"));
    }
    return {response.status == 404 ? ErrorCode::not_found : ErrorCode::store_refused,
            "Cloudflare: " + printable(said.substr(0, 300))};
}

}  // namespace

CloudflareApi::CloudflareApi(std::string base, std::string account, Secret token)
    : base_(std::move(base)),
      account_(std::move(account)),
      token_(std::move(token)),
      http_(std::make_unique<storage::http::HttpClient>(storage::http::ClientOptions{
          .user_agent = "photogate", .kept_handles = 2, .guard = {}, .ca_file = {}})) {}

std::string CloudflareApi::url(const std::string& path) const {
    return fmt::format("{}/accounts/{}{}", base_, account_, path);
}

Result<json::Value> CloudflareApi::call(const std::string& method, const std::string& path,
                                        const std::string& body, const Headers& headers) const {
    storage::http::Request request;
    request.method = method;
    request.url = url(path);
    request.headers = headers;
    request.headers.push_back({"Authorization", fmt::format("Bearer {}", token_.reveal())});
    if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    request.body = body;
    request.max_response_body = kBounds.bytes;
    request.first_byte_timeout = std::chrono::seconds{30};
    request.total_timeout = std::chrono::seconds{60};
    const auto answer = http_->send(request);
    if (!answer) return fail(answer.error());
    const auto envelope = json::read(answer->body, kBounds);
    if (answer->status / 100 != 2) return fail(refusal(*answer, envelope ? &*envelope : nullptr));
    if (!envelope || envelope->object() == nullptr)
        return fail(ErrorCode::store_protocol, "Cloudflare's answer is no JSON object");
    if (text_at(*envelope, "success") != "true") return fail(refusal(*answer, &*envelope));
    const auto* result = envelope->find("result");
    return result == nullptr ? json::Value{} : *result;
}

Result<json::Value::Array> CloudflareApi::list(const std::string& path) const {
    json::Value::Array all;
    for (int page = 1; page <= kMostPages; ++page) {
        auto answer =
            call("GET", fmt::format("{}{}page={}&per_page={}", path,
                                    path.find('?') == std::string::npos ? '?' : '&', page, kPerPage));
        if (!answer) return fail(answer.error());
        auto* found = answer->array();
        if (found == nullptr) return fail(ErrorCode::store_protocol, "Cloudflare's answer is no list");
        const auto count = found->size();
        std::move(found->begin(), found->end(), std::back_inserter(all));
        // Some lists are never cut.
        if (count != kPerPage) break;
    }
    return all;
}

}  // namespace photogate::client::setup::r2
