#include "notifier/queues/r2_queue.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/json/value.hpp"
#include "base/json/writer.hpp"
#include "storage/http/retry_after.hpp"

namespace photogate::notifier::queues {
namespace {

constexpr std::size_t kLongestLease = 4'096;

tl::unexpected<Error> not_as_expected() {
    return fail(ErrorCode::store_protocol, "the queue's answer is not one of Cloudflare Queues");
}

Error refusal(const storage::http::Response& answer) {
    if (answer.status == 401 || answer.status == 403)
        return {ErrorCode::forbidden,
                fmt::format("the queue refuses the token (HTTP {}): it needs to read and write queues",
                            answer.status),
                {},
                std::nullopt};
    Error error{
        ErrorCode::unavailable, fmt::format("the queue answers HTTP {}", answer.status), {}, std::nullopt};
    if (const auto* wait = answer.header("retry-after"))
        error.retry_after = storage::http::parse_retry_after(*wait, SystemClock{}.now());
    return error;
}

}  // namespace

R2Queue::R2Queue(R2QueueOptions options, storage::http::HttpClient& http)
    : options_(std::move(options)), http_(http) {}

Result<std::string> R2Queue::call(std::string_view path, std::string body) {
    storage::http::Request request;
    request.method = "POST";
    request.url = options_.url + std::string{path};
    request.headers = {{"Content-Type", "application/json"},
                       {"Authorization", "Bearer " + std::string{options_.token.reveal()}}};
    request.body = std::move(body);
    request.max_response_body = kLongestAnswer;
    request.total_timeout = std::chrono::seconds{30};
    auto answer = http_.send(request);
    if (!answer) return fail(std::move(answer.error()));
    if (answer->status != 200) return fail(refusal(*answer));
    return std::move(answer->body);
}

Result<std::vector<QueuedMessage>> R2Queue::pull() {
    const auto answer =
        call("/messages/pull", fmt::format(R"({{"batch_size":{},"visibility_timeout_ms":{}}})",
                                           options_.batch, options_.hidden_for.count()));
    if (!answer) return fail(answer.error());
    return read_pulled(*answer);
}

Result<> R2Queue::acknowledge(const std::vector<std::string>& leases) {
    json::Writer writer;
    writer.begin_object();
    writer.name("acks");
    writer.begin_array();
    for (const auto& lease : leases) {
        writer.begin_object();
        writer.name("lease_id");
        writer.text(lease);
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    const auto answer = call("/messages/ack", writer.take());
    if (!answer) return fail(answer.error());
    return {};
}

Result<std::vector<QueuedMessage>> read_pulled(std::string_view answer) {
    const auto document =
        json::read(answer, {.bytes = R2Queue::kLongestAnswer, .depth = 16, .nodes = 20'000});
    const auto* result = document ? document->find("result") : nullptr;
    const auto* list = result ? result->find("messages") : nullptr;
    if (!list || !list->array()) return not_as_expected();
    std::vector<QueuedMessage> messages;
    for (const auto& entry : *list->array()) {
        const auto* lease = entry.find("lease_id");
        const auto* body = entry.find("body");
        if (!lease || !lease->text() || lease->text()->size() > kLongestLease || !body || !body->text())
            return not_as_expected();
        const auto decoded = from_base64(*body->text());
        messages.push_back({*lease->text(), decoded ? std::string{as_text(*decoded)} : *body->text()});
    }
    return messages;
}

}  // namespace photogate::notifier::queues
