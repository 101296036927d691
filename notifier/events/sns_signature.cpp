#include "notifier/events/sns_signature.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/json/value.hpp"
#include "notifier/events/json_text.hpp"

namespace photogate::notifier::events {
namespace {

constexpr std::string_view kScheme = "https://";
constexpr std::size_t kLongestUrl = 2'048;
constexpr std::array<std::string_view, 3> kTypes = {"Notification", "SubscriptionConfirmation",
                                                    "UnsubscribeConfirmation"};
/// What is signed of a message, each where it is there.
constexpr std::array<std::string_view, 8> kSigned = {"Message",   "MessageId", "Subject",  "SubscribeURL",
                                                     "Timestamp", "Token",     "TopicArn", "Type"};

BodyDecision refuse(std::string reason) {
    return {BodyVerdict::refuse, std::move(reason)};
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

struct UrlParts {
    std::string_view authority;
    std::string_view rest;
};

/// Of an https URL in plain characters.
std::optional<UrlParts> split(std::string_view url) {
    if (url.size() > kLongestUrl || !url.starts_with(kScheme)) return std::nullopt;
    for (const char c : url) {
        const bool plain =
            ascii::is_alphanumeric(c) || std::string_view{"-._~:/?&=%+"}.find(c) != std::string_view::npos;
        if (!plain) return std::nullopt;
    }
    const auto behind = url.substr(kScheme.size());
    const auto slash = behind.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    return UrlParts{behind.substr(0, slash), behind.substr(slash)};
}

/// `arn:aws:sns:eu-west-1:123456789012:topic`: its fourth field.
std::string_view region_of(std::string_view topic) {
    for (int i = 0; i < 3; ++i) {
        const auto colon = topic.find(':');
        if (colon == std::string_view::npos) return {};
        topic.remove_prefix(colon + 1);
    }
    return topic.substr(0, topic.find(':'));
}

bool is_certificate_url(std::string_view url, std::string_view topic, const std::vector<std::string>& hosts) {
    return is_sns_url(url, topic, hosts) && url.ends_with(".pem") &&
           url.find_first_of("?&=%+") == std::string_view::npos && url.find("..") == std::string_view::npos;
}

std::string signed_text(const json::Value& message) {
    std::string text;
    for (const auto name : kSigned) {
        const auto* value = message.find(name);
        if (!value || !value->text()) continue;
        text.append(name).append("\n").append(*value->text()).append("\n");
    }
    return text;
}

/// `%XX` decoded; a value with a malformed escape matches nothing.
std::string query_value(std::string_view url, std::string_view name) {
    auto query = url.substr(std::min(url.size(), url.find('?')));
    while (!query.empty()) {
        query.remove_prefix(1);
        const auto end = query.find('&');
        const auto pair = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end);
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
        std::string value;
        const auto text = pair.substr(equals + 1);
        for (std::size_t i = 0; i < text.size(); ++i) {
            const bool escape = text[i] == '%' && i + 2 < text.size();
            const int code = escape ? ascii::hex_value(text[i + 1]) * 16 + ascii::hex_value(text[i + 2]) : -1;
            value += code >= 0 ? static_cast<char>(code) : text[i];
            if (code >= 0) i += 2;
        }
        return value;
    }
    return {};
}

}  // namespace

bool is_sns_url(std::string_view url, std::string_view topic, const std::vector<std::string>& hosts) {
    const auto parts = split(url);
    if (!parts) return false;
    const auto authority = ascii::to_lower(parts->authority);
    if (!hosts.empty()) return contains(hosts, authority);
    const auto region = region_of(topic);
    const bool sane = region.size() >= 3 && std::all_of(region.begin(), region.end(), [](char c) {
                          return ascii::is_lower(c) || ascii::is_digit(c) || c == '-';
                      });
    const auto host = "sns." + std::string{region} + ".amazonaws.com";
    return sane && (authority == host || authority == host + ".cn");
}

SnsAuthenticator::SnsAuthenticator(SnsPolicy policy, Fetch fetch, const Clock& clock)
    : policy_(std::move(policy)),
      fetch_(std::move(fetch)),
      clock_(clock),
      certificates_(std::make_unique<FetchedKeys<signer::RsaPublicKey>>(
          fetch_, [](const std::string& pem) { return signer::RsaPublicKey::from_certificate(pem); }, clock,
          kCertificateKept)) {}

HeadVerdict SnsAuthenticator::from_head(const SenderHead& head) const {
    const auto type = head.field("x-amz-sns-message-type").value_or("");
    const bool known = std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
    const bool raw = ascii::equals_ignoring_case(head.field("x-amz-sns-rawdelivery").value_or(""), "true");
    if (!known || raw || !contains(policy_.topics, head.field("x-amz-sns-topic-arn").value_or("")))
        return HeadVerdict::refuse;
    if (!policy_.tokens.empty() &&
        TokenAuthenticator{policy_.tokens, TokenPlace::basic}.from_head(head) != HeadVerdict::accept)
        return HeadVerdict::refuse;
    return HeadVerdict::need_body;
}

BodyDecision SnsAuthenticator::from_body(const SenderHead& head, std::string_view body) const {
    const auto read = json::read(body, {.bytes = kMostEventBytes, .depth = 4, .nodes = 200});
    if (!read) return refuse("the body is not a message of SNS");
    const auto& message = *read;
    const auto topic = text_of(message, "TopicArn");
    if (text_of(message, "Type") != head.field("x-amz-sns-message-type").value_or(""))
        return refuse("the message's type is not that of its head");
    if (topic != head.field("x-amz-sns-topic-arn").value_or("") || !contains(policy_.topics, topic))
        return refuse("the message's topic is not that of its head");
    const auto now = clock_.now();
    const auto sent = parse_rfc3339(text_of(message, "Timestamp"));
    if (!sent || *sent < now - kOldest || *sent > now + kMostAhead)
        return refuse("the message is not of the last 75 minutes");
    const auto version = text_of(message, "SignatureVersion");
    if (version != "2" && (version != "1" || policy_.versions == SnsVersions::two))
        return refuse("the signature's version is not accepted");
    const std::string url{text_of(message, "SigningCertURL")};
    if (!is_certificate_url(url, topic, policy_.hosts))
        return refuse("the certificate's URL is not one of SNS for this topic");
    const auto signature = from_base64(text_of(message, "Signature"));
    if (!signature) return refuse("the signature is not base64");
    const auto certificate = certificates_->get(url);
    if (!certificate)
        return {BodyVerdict::undecided,
                "the certificate could not be fetched: " + certificate.error().detail};
    if (!(*certificate)->valid_at(now)) return refuse("the certificate is not valid today");
    const auto digest = version == "2" ? signer::SignatureDigest::sha256 : signer::SignatureDigest::sha1;
    if (!(*certificate)->verify(digest, signed_text(message), *signature))
        return refuse("the signature is not that of the message");
    return {BodyVerdict::accept};
}

Result<> SnsAuthenticator::confirm(const Subscription& subscription) const {
    const auto& url = subscription.url;
    if (!contains(policy_.topics, subscription.topic) ||
        !is_sns_url(url, subscription.topic, policy_.hosts) ||
        query_value(url, "Action") != "ConfirmSubscription" ||
        query_value(url, "TopicArn") != subscription.topic)
        return fail(ErrorCode::bad_request, "the subscription's URL does not confirm this topic at SNS");
    const auto visited = fetch_(url);
    if (!visited) return fail(visited.error());
    return {};
}

}  // namespace photogate::notifier::events
