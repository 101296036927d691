// A service with limits in front of it: how many requests a second an app and each of its client tokens may send, and how
// many credentials an address may get wrong.
//
// A request is judged by who its credential proved it to be, before its body is read, so that refusing one costs next to
// nothing; a credential that is right is never refused for what others from the same address got wrong. Answers to limited
// callers carry RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), and a refusal Retry-After.
// Each gateway counts for itself.
//
// Thread safety: as Service.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/ip_address.hpp"
#include "base/telemetry/metrics.hpp"
#include "base/words.hpp"
#include "gateway/access/token_buckets.hpp"
#include "gateway/http/service.hpp"

namespace photogate::gateway::access {

/// Of one app; 0: any number.
struct RequestRates {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 0;  ///< 0: those of two seconds
    std::uint32_t per_second_token = 0;
};

class RateLimited final : public http::Service {
  public:
    struct Options {
        /// Of one address in a minute, and at once; 0: any number.
        std::uint32_t failed_authentications = 0;
        /// Addresses that stand for many clients: they have no limit.
        std::vector<IpBlock> trusted_proxies;
        std::size_t most_tokens = 65'536;     ///< that are known at once
        std::size_t most_addresses = 65'536;  ///< likewise
    };
    /// What an app's rates are now.
    using RatesOf = std::function<RequestRates(const AppName&)>;
    using Now = std::function<TokenBuckets::Time()>;

    /// `service` outlives this.
    RateLimited(
        http::Service& service, Options options, RatesOf rates_of,
        Now now = [] { return std::chrono::steady_clock::now(); });

    http::HeadLimits head_limits(const http::HeadLimits& general) const override;
    void word(http::Response& response, const http::ErrorContext& context) const override;
    http::Admission admit(const http::RequestHead& head) override;

    enum class Limit { app, token, address };
    static constexpr std::array<Limit, 3> kLimits{Limit::app, Limit::token, Limit::address};
    std::uint64_t refused(Limit limit) const { return refused_[static_cast<std::size_t>(limit)]; }

  private:
    void hold(http::Admission& admission);
    void count_failure(const http::RequestHead& head, http::Admission& admission);
    void refuse(http::Admission& admission, Limit limit, std::chrono::seconds after, const char* detail);

    http::Service& service_;
    const Options options_;
    const RatesOf rates_of_;
    const Now now_;
    TokenBuckets apps_, tokens_, addresses_;
    std::array<std::atomic<std::uint64_t>, kLimits.size()> refused_{};
};

/// `photogate_requests_limited_total`. `limited` outlives the last rendering.
void watch(telemetry::Metrics& metrics, const RateLimited& limited);

}  // namespace photogate::gateway::access
