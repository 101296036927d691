// Cloudflare Queues as an HTTP pull consumer: the way of R2's event notifications.
//
//     POST {url}/messages/pull  {"batch_size":100,"visibility_timeout_ms":60000}
//     POST {url}/messages/ack   {"acks":[{"lease_id":"…"}]}
//
// The bodies of JSON messages come in base64.
//
// Source: Cloudflare "Queues: pull consumers". Thread safety: any thread; the client outlives it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "notifier/queues/event_queue.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::notifier::queues {

struct R2QueueOptions {
    std::string url;          ///< `https://api.cloudflare.com/client/v4/accounts/ACCOUNT/queues/QUEUE`
    Secret token;             ///< with the permission to read and write queues
    std::size_t batch = 100;  ///< messages in an answer; 100 is Cloudflare's limit
    std::chrono::milliseconds hidden_for{60'000};
};

class R2Queue final : public EventQueue {
  public:
    /// Bytes of an answer.
    static constexpr std::size_t kLongestAnswer = 4U << 20;

    R2Queue(R2QueueOptions options, storage::http::HttpClient& http);
    Result<std::vector<QueuedMessage>> pull() override;
    Result<> acknowledge(const std::vector<std::string>& leases) override;

  private:
    Result<std::string> call(std::string_view path, std::string body);

    R2QueueOptions options_;
    storage::http::HttpClient& http_;
};

/// The messages of an answer to pull. A body that is not base64 is taken as it is. Errors: store_protocol.
Result<std::vector<QueuedMessage>> read_pulled(std::string_view answer);

}  // namespace photogate::notifier::queues
