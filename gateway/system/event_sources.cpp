#include "gateway/system/event_sources.hpp"

#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/version.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::gateway::system {
namespace {

using config::EventAuthentication;
using notifier::events::Authenticator;
using notifier::events::Fetch;
using notifier::events::TokenAuthenticator;
using notifier::events::TokenPlace;

constexpr std::size_t kLongestDocument = 64U << 10;
constexpr std::chrono::seconds kFetchTimeout{5};

/// Where keys are, and what confirms a subscription. The address is held to the guard when it is connected to, and no
/// redirect is followed.
Fetch fetch_of(const config::EventSource& source) {
    storage::http::ClientOptions options;
    options.user_agent = kUserAgent;
    options.kept_handles = 2;
    options.guard = [&source](const sockaddr& address) { return source.guard.permits(address); };
    options.ca_file = source.ca_file;
    auto client = std::make_shared<storage::http::HttpClient>(std::move(options));
    return [client](const std::string& url) -> Result<std::string> {
        storage::http::Request request;
        request.url = url;
        request.total_timeout = kFetchTimeout;
        request.max_response_body = kLongestDocument;
        auto answer = client->send(request);
        if (!answer) return fail(std::move(answer.error()));
        if (answer->status != 200)
            return fail(ErrorCode::unavailable, fmt::format("the answer is HTTP {}", answer->status));
        return std::move(answer->body);
    };
}

std::shared_ptr<const Authenticator> by_token(const config::EventSource& source, TokenPlace place) {
    return std::make_shared<const TokenAuthenticator>(source.tokens, place, source.header);
}

void prove_by_sns(const config::EventSource& configured, const Clock& clock,
                  notifier::events::Source& source) {
    auto policy = configured.sns;
    policy.tokens = configured.tokens;
    auto sns = std::make_shared<const notifier::events::SnsAuthenticator>(std::move(policy),
                                                                          fetch_of(configured), clock);
    source.confirm = [sns](const notifier::events::Subscription& subscription) {
        return sns->confirm(subscription);
    };
    source.authenticator = std::move(sns);
}

void add_authenticator(const config::EventSource& configured, const Clock& clock,
                       notifier::events::Source& source) {
    switch (configured.authentication) {
        case EventAuthentication::bearer:
            if (!configured.tokens.empty()) source.authenticator = by_token(configured, TokenPlace::bearer);
            return;
        case EventAuthentication::basic:
            source.authenticator = by_token(configured, TokenPlace::basic);
            return;
        case EventAuthentication::header:
            source.authenticator = by_token(configured, TokenPlace::header);
            return;
        case EventAuthentication::query:
            source.authenticator = by_token(configured, TokenPlace::query);
            return;
        case EventAuthentication::sns:
            prove_by_sns(configured, clock, source);
            return;
        case EventAuthentication::b2:
            source.authenticator =
                std::make_shared<const notifier::events::B2Authenticator>(configured.tokens);
            return;
        case EventAuthentication::oidc:
            source.authenticator = std::make_shared<const notifier::events::OidcAuthenticator>(
                configured.oidc, fetch_of(configured), clock);
            return;
    }
}

}  // namespace

notifier::events::Sources event_sources_of(const config::Config& config, const Clock& clock) {
    std::vector<notifier::events::Source> sources;
    for (const auto& [name, configured] : config.events) {
        notifier::events::Source source;
        source.name = name;
        source.regions = configured.regions;
        source.dialect = configured.dialect;
        source.keys = configured.key_encoding;
        add_authenticator(configured, clock, source);
        sources.push_back(std::move(source));
    }
    return notifier::events::Sources{std::move(sources)};
}

}  // namespace photogate::gateway::system
