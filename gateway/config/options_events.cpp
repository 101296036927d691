#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using S = const Scope&;
using G = const RawValue&;
using Authentication = EventAuthentication;
using notifier::events::Dialect;
using notifier::events::KeyEncoding;
using notifier::events::SnsVersions;

constexpr std::array kDialects = {
    Choice<Dialect>{"auto", Dialect::automatic}, Choice<Dialect>{"minio", Dialect::minio},
    Choice<Dialect>{"s3", Dialect::s3},          Choice<Dialect>{"rustfs", Dialect::rustfs},
    Choice<Dialect>{"ceph", Dialect::ceph},      Choice<Dialect>{"versitygw", Dialect::versitygw},
    Choice<Dialect>{"sns", Dialect::sns},        Choice<Dialect>{"eventbridge", Dialect::eventbridge},
    Choice<Dialect>{"lambda", Dialect::lambda},  Choice<Dialect>{"sqs", Dialect::sqs},
    Choice<Dialect>{"r2", Dialect::r2},          Choice<Dialect>{"gcs", Dialect::gcs},
    Choice<Dialect>{"b2", Dialect::b2},          Choice<Dialect>{"seaweedfs", Dialect::seaweedfs},
    Choice<Dialect>{"test", Dialect::test}};
constexpr std::array kEncodings = {Choice<KeyEncoding>{"form", KeyEncoding::form},
                                   Choice<KeyEncoding>{"raw", KeyEncoding::raw}};
constexpr std::array kAuthentications = {Choice<Authentication>{"bearer", Authentication::bearer},
                                         Choice<Authentication>{"basic", Authentication::basic},
                                         Choice<Authentication>{"header", Authentication::header},
                                         Choice<Authentication>{"query", Authentication::query},
                                         Choice<Authentication>{"sns", Authentication::sns},
                                         Choice<Authentication>{"b2", Authentication::b2},
                                         Choice<Authentication>{"oidc", Authentication::oidc}};
constexpr std::array kSnsVersions = {Choice<SnsVersions>{"1 and 2", SnsVersions::one_and_two},
                                     Choice<SnsVersions>{"2", SnsVersions::two}};

/// One name, or a list of them.
ValidationError put_regions(const RawValue& given, std::vector<std::string>& field) {
    if (const auto* one = std::get_if<std::string>(&given)) {
        field = {*one};
        return std::nullopt;
    }
    return put(read_list(given), field);
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

/// Length is judged later, where the dialect is known.
ValidationError put_tokens(const RawValue& given, std::vector<Secret>& field) {
    auto items = read_list(given);
    if (!items) return items.error();
    std::vector<Secret> tokens;
    for (auto& item : *items) {
        if (!is_printable(item)) return "must be printable ASCII without white space";
        tokens.emplace_back(std::move(item));
    }
    field = std::move(tokens);
    return std::nullopt;
}

ValidationError put_queue_token(const RawValue& given, Secret& field) {
    const auto text = read_text(given);
    if (text && !is_printable(*text)) return "must be printable ASCII without white space";
    return put_secret(given, field);
}

Result<std::string> parse_header_name(std::string_view text) {
    const bool plain = std::all_of(text.begin(), text.end(),
                                   [](char c) { return ascii::is_alphanumeric(c) || c == '-' || c == '_'; });
    if (text.empty() || text.size() > 64 || !plain)
        return fail(ErrorCode::invalid_field, "a header's name has letters, digits, '-' and '_'");
    return ascii::to_lower(text);
}

/// `arn:PARTITION:sns:REGION:ACCOUNT:NAME`
Result<std::string> parse_topic(std::string_view text) {
    if (!text.starts_with("arn:") || std::count(text.begin(), text.end(), ':') != 5 ||
        text.find(":sns:") == std::string_view::npos || text.size() > 512 || !is_printable(text))
        return fail(ErrorCode::invalid_field, "a topic is arn:aws:sns:REGION:ACCOUNT:NAME");
    return std::string{text};
}

/// As it stands in an https URL.
Result<std::string> parse_sns_host(std::string_view text) {
    const auto endpoint = parse_endpoint("https://" + std::string{text});
    if (!endpoint || text.find('/') != std::string_view::npos)
        return fail(ErrorCode::invalid_field, "a host is HOST or HOST:PORT, without scheme and path");
    return endpoint->host_header();
}

/// An address that only the operator gives: http is for this machine.
Result<std::string> parse_service_url(std::string_view text) {
    const auto scheme = text.find("://");
    const auto slash = scheme == std::string_view::npos ? scheme : text.find('/', scheme + 3);
    const auto endpoint = parse_endpoint(text.substr(0, slash));
    if (!endpoint || !is_printable(text) || text.size() > 1'024 || text.ends_with('/') ||
        text.find_first_of("?#") != std::string_view::npos)
        return fail(ErrorCode::invalid_field, "a URL is https://HOST/PATH, without query and fragment");
    const bool own =
        endpoint->host == "localhost" || endpoint->host == "[::1]" || endpoint->host.starts_with("127.");
    if (endpoint->scheme != "https" && !own)
        return fail(ErrorCode::invalid_field, "http is for this machine alone: the token is sent to it");
    return std::string{text};
}

Result<std::string> parse_claim(std::string_view text) {
    if (text.empty() || text.size() > 512 || !is_printable(text))
        return fail(ErrorCode::invalid_field, "must be printable ASCII without white space");
    return std::string{text};
}

ValidationError put_networks(const RawValue& given, EventSource& source) {
    auto blocks = read_list(given);
    if (!blocks) return blocks.error();
    auto guard = notifier::callbacks::AddressGuard::make(*blocks);
    if (!guard) return "is not valid: " + guard.error().detail;
    source.guard = std::move(*guard);
    source.allowed_networks = std::move(*blocks);
    return std::nullopt;
}

std::vector<Option> sender_options() {
    return {
        {"region", Kind::list, "",
         "The region that the source speaks for, or several: its events count for these alone.",
         [](S s, G g) { return put_regions(g, s.source().regions); }, Secrecy::open,
         "every region but the built-in store's; required where two of them have incoming buckets of one "
         "name"},
        {"dialect", Kind::choice, choice_text(kDialects, EventSource{}.dialect),
         "How the events are worded: minio, s3, rustfs, ceph, versitygw, sns, eventbridge, lambda, sqs, r2, "
         "gcs, "
         "b2, seaweedfs, test, or auto: what the first five have.",
         [](S s, G g) { return put_choice(g, kDialects, s.source().dialect); }},
        {"key_encoding", Kind::choice, "", "How keys are written in events: form, raw.",
         [](S s, G g) { return put_choice(g, kEncodings, s.source().key_encoding); }, Secrecy::open,
         "form; raw for ceph, versitygw, eventbridge, r2, gcs, b2 and seaweedfs"},
        {"authentication", Kind::choice, "",
         "How the sender is recognized: bearer (`Authorization: Bearer TOKEN`), basic (the token is the "
         "password), header (the token is the value of `header`), query (`?token=TOKEN`), sns (signatures of "
         "Amazon SNS), b2 (signatures of Backblaze), oidc (signed tokens of Google Cloud).",
         [](S s, G g) { return put_choice(g, kAuthentications, s.source().authentication); }, Secrecy::open,
         "bearer; sns, b2 and oidc for the dialects sns, b2 and gcs"},
        {"tokens", Kind::list, "",
         "Accepted tokens of the sender, at least 32 characters each; two during a rotation. For b2 the "
         "signing "
         "secrets; for sns passwords of the subscribed URL, besides the signature.",
         [](S s, G g) { return put_tokens(g, s.source().tokens); }, Secrecy::secret,
         "required, except for sns, oidc and a queue"},
        {"header", Kind::text, EventSource{}.header, "The header that has the token, for `header`.",
         [](S s, G g) { return put_parsed(g, parse_header_name, s.source().header); }},
    };
}

std::vector<Option> sns_options() {
    return {
        {"sns_topics", Kind::list, "", "The ARNs of the topics whose messages count, for sns.",
         [](S s, G g) { return put_list(g, parse_topic, s.source().sns.topics); }, Secrecy::open,
         "required for sns"},
        {"sns_versions", Kind::choice, choice_text(kSnsVersions, SnsVersions::one_and_two),
         "Accepted versions of signatures: 1 and 2 (SHA-1 and SHA-256), or 2 alone.",
         [](S s, G g) { return put_choice(g, kSnsVersions, s.source().sns.versions); }},
        {"sns_hosts", Kind::list, "",
         "Hosts of certificates and confirmations in place of AWS's own, for a service inside the network "
         "that "
         "speaks SNS: `sns.example.com:4566`.",
         [](S s, G g) { return put_list(g, parse_sns_host, s.source().sns.hosts); }, Secrecy::open,
         "`sns.REGION.amazonaws.com`, of the topic's region"},
    };
}

std::vector<Option> key_options() {
    return {
        {"oidc_audience", Kind::text, "", "The audience that tokens are for, for oidc.",
         [](S s, G g) { return put_parsed(g, parse_claim, s.source().oidc.audience); }, Secrecy::open,
         "required for oidc"},
        {"oidc_email", Kind::text, "", "The service account that tokens are of, for oidc.",
         [](S s, G g) { return put_parsed(g, parse_claim, s.source().oidc.email); }, Secrecy::open,
         "required for oidc"},
        {"oidc_issuer", Kind::text, notifier::events::OidcPolicy{}.issuer, "The issuer of tokens.",
         [](S s, G g) { return put_parsed(g, parse_claim, s.source().oidc.issuer); }},
        {"oidc_keys_url", Kind::text, notifier::events::OidcPolicy{}.keys_url,
         "Where the issuer's keys are (JWK set).",
         [](S s, G g) { return put_parsed(g, parse_service_url, s.source().oidc.keys_url); }},
        {"allowed_networks", Kind::list, "",
         "Private CIDR blocks from which keys may be fetched, and where subscriptions may be confirmed.",
         [](S s, G g) { return put_networks(g, s.source()); }, Secrecy::open, "none"},
        {"ca_file", Kind::file, "", "CA certificates to trust there instead of the system's.",
         [](S s, G g) { return put(read_text(g), s.source().ca_file); }, Secrecy::open, "the system's"},
    };
}

std::vector<Option> queue_options() {
    using namespace std::chrono_literals;
    return {
        {"queue_url", Kind::text, "",
         "A queue of Cloudflare that is asked for the events of R2: "
         "`https://api.cloudflare.com/client/v4/accounts/ACCOUNT/queues/QUEUE`.",
         [](S s, G g) { return put_parsed(g, parse_service_url, s.source().queue.url); }, Secrecy::open,
         "none"},
        {"queue_token", Kind::text, "", "An API token that may read and write queues.",
         [](S s, G g) { return put_queue_token(g, s.source().queue.token); }, Secrecy::secret,
         "required beside `queue_url`"},
        {"queue_interval", Kind::duration, duration_text(EventSource{}.queue_interval),
         "How often each gateway looks at an empty queue.",
         [](S s, G g) {
             return put(read_duration(g, {100ms, 1h}), s.source().queue_interval);
         }},
    };
}

}  // namespace

std::vector<Table> event_tables() {
    std::vector<Option> options;
    for (auto& part : {sender_options(), sns_options(), key_options(), queue_options()})
        options.insert(options.end(), part.begin(), part.end());
    return {
        {.pattern = "events.*",
         .prefix = "events",
         .help = "A source of store events, by the name in `POST /v1/events/NAME`, or a queue that is asked.",
         .options = std::move(options),
         .make = [](Config& config, const std::vector<std::string>& names) { config.events[names.at(0)]; },
         .single = "minio"}};
}

}  // namespace photogate::gateway::config
