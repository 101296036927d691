#include "client/gateway_api.hpp"

#include <optional>

#include <fmt/format.h>

#include "base/time.hpp"
#include "base/version.hpp"
#include "client/json_text.hpp"
#include "signer/uri_encode.hpp"
#include "storage/http/retry_after.hpp"

namespace photogate::client {
namespace {

/// 200 uploads with all that was read of them.
constexpr std::size_t kMostAnswer = 32U << 20;
constexpr json::Bounds kAnswerBounds{.bytes = kMostAnswer, .depth = 40, .nodes = 2'000'000};

std::optional<ErrorCode> code_named(std::string_view name) {
#define PHOTOGATE_NAMED_CODE(code, status, retry, title) \
    if (name == #code) return ErrorCode::code;
    PHOTOGATE_PUBLIC_ERROR_CODES(PHOTOGATE_NAMED_CODE)
#undef PHOTOGATE_NAMED_CODE
    return std::nullopt;
}

bool can_be_a_header(std::string_view text) {
    for (const char c : text) {
        if (c <= 0x20 || c >= 0x7F) return false;
    }
    return !text.empty();
}

ErrorCode code_of_status(int status) {
    if (status == 401) return ErrorCode::unauthenticated;
    if (status == 403) return ErrorCode::forbidden;
    if (status == 404) return ErrorCode::not_found;
    return status >= 500 ? ErrorCode::unavailable : ErrorCode::bad_request;
}

/// What the gateway refused, in its own words.
Error problem_of(const storage::http::Response& response, const std::string& origin) {
    Error error;
    if (const auto* wait = response.header("retry-after"))
        error.retry_after = storage::http::parse_retry_after(*wait, SystemClock{}.now());
    const auto read = json::read(response.body, kAnswerBounds);
    const auto code = read ? text_at(*read, "code") : std::string{};
    if (code.empty()) {
        error.code = code_of_status(response.status);
        error.detail = fmt::format("{} answered {}, which is no answer of photogate: is --gateway right?",
                                   origin, response.status);
        return error;
    }
    error.code = code_named(code).value_or(code_of_status(response.status));
    auto said = text_at(*read, "detail");
    if (said.empty()) said = text_at(*read, "title");
    error.detail = fmt::format("{}: {}", code, said);
    const auto* mistakes = read->find("errors");
    if (mistakes != nullptr && mistakes->array() != nullptr && mistakes->array()->size() > 1) {
        for (const auto& mistake : *mistakes->array())
            error.detail += fmt::format("; {}: {}", text_at(mistake, "pointer"), text_at(mistake, "detail"));
    }
    if (const auto id = text_at(*read, "request_id"); !id.empty()) error.detail += fmt::format(" ({})", id);
    return error;
}

}  // namespace

std::string segment(std::string_view text) {
    return signer::encode_component(text);
}

GatewayApi::GatewayApi(Endpoint endpoint, Secret key, const std::string& ca_file)
    : endpoint_(std::move(endpoint)),
      key_(std::move(key)),
      http_(std::make_unique<storage::http::HttpClient>(storage::http::ClientOptions{
          .user_agent = kUserAgent, .kept_handles = 16, .guard = {}, .ca_file = ca_file})) {}

Result<GatewayApi> GatewayApi::open(GatewayOptions options) {
    auto endpoint = parse_endpoint(options.url);
    if (!endpoint) {
        return fail(ErrorCode::invalid_field,
                    fmt::format("the gateway '{}': {}", options.url, endpoint.error().detail));
    }
    if (!can_be_a_header(options.key.reveal()))
        return fail(ErrorCode::invalid_field, "the key is empty, or has a character that no key has");
    return GatewayApi{std::move(*endpoint), std::move(options.key), options.ca_file};
}

std::string GatewayApi::absolute(const std::string& url) const {
    return url.starts_with('/') ? endpoint_.origin() + url : url;
}

Result<Answer> GatewayApi::get(const std::string& path, const Query& query,
                               std::chrono::seconds patience) const {
    storage::http::Request request;
    request.url = endpoint_.origin() + path;
    char before = '?';
    for (const auto& [name, value] : query) {
        request.url += before + segment(name) + "=" + segment(value);
        before = '&';
    }
    request.first_byte_timeout = patience;
    return call(std::move(request));
}

Result<Answer> GatewayApi::post(const std::string& path, std::string body,
                                const std::string& idempotency_key) const {
    storage::http::Request request;
    request.method = "POST";
    request.url = endpoint_.origin() + path;
    request.first_byte_timeout = std::chrono::seconds{60};
    if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    if (!idempotency_key.empty()) request.headers.push_back({"Idempotency-Key", idempotency_key});
    request.body = std::move(body);
    return call(std::move(request));
}

Result<Answer> GatewayApi::remove(const std::string& path) const {
    storage::http::Request request;
    request.method = "DELETE";
    request.url = endpoint_.origin() + path;
    request.first_byte_timeout = std::chrono::seconds{30};  // 202 after ten
    return call(std::move(request));
}

Result<Answer> GatewayApi::call(storage::http::Request request) const {
    request.headers.push_back({"Authorization", "Bearer " + std::string{key_.reveal()}});
    request.headers.push_back({"Accept", "application/json"});
    request.max_response_body = kMostAnswer;
    auto response = http_->send(request);
    if (!response) {
        auto error = std::move(response.error());
        error.detail = fmt::format("{} can't be reached: {}", endpoint_.origin(), error.detail);
        return fail(std::move(error));
    }
    if (response->status < 200 || response->status > 299)
        return fail(problem_of(*response, endpoint_.origin()));
    Answer answer{response->status, std::move(response->body), {}};
    if (answer.text.empty()) return answer;
    auto value = json::read(answer.text, kAnswerBounds);
    if (!value || value->object() == nullptr) {
        return fail(ErrorCode::store_protocol,
                    fmt::format("{} answered {} with something other than JSON: is --gateway right?",
                                endpoint_.origin(), response->status));
    }
    answer.value = std::move(*value);
    return answer;
}

}  // namespace photogate::client
