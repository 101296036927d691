#include <algorithm>
#include <array>
#include <thread>

#include "gateway/config/rows.hpp"
#include "storage/database/pooler.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using S = const Scope&;
using G = const RawValue&;

const Rows<storage::records::RecordsOptions> records{
    standard().database, [](S scope) -> storage::records::RecordsOptions& { return scope.config.database; }};
const Rows<storage::records::Retention> kept{
    standard().database.retention,
    [](S scope) -> storage::records::Retention& { return scope.config.database.retention; }};

using photogate::http::semantics::CorsCredentials;
constexpr std::array kCors = {Choice<CorsCredentials>{"refused", CorsCredentials::never},
                              Choice<CorsCredentials>{"allowed", CorsCredentials::allowed}};
constexpr std::array kInterim = {Choice<http::InterimAnswers>{"auto", http::InterimAnswers::direct},
                                 Choice<http::InterimAnswers>{"always", http::InterimAnswers::always},
                                 Choice<http::InterimAnswers>{"never", http::InterimAnswers::never}};
constexpr std::array kAccessLogs = {Choice<http::AccessLog>{"all", http::AccessLog::every_request},
                                    Choice<http::AccessLog>{"failures", http::AccessLog::failures},
                                    Choice<http::AccessLog>{"none", http::AccessLog::none}};
constexpr std::array kLevels = {
    Choice<log::Level>{"debug", log::Level::debug}, Choice<log::Level>{"info", log::Level::info},
    Choice<log::Level>{"warn", log::Level::warn}, Choice<log::Level>{"error", log::Level::error}};
constexpr std::array kPoolers = {
    Choice<storage::database::Pooler>{"none", storage::database::Pooler::none},
    Choice<storage::database::Pooler>{"transaction", storage::database::Pooler::transaction}};
constexpr std::array kFormats = {Choice<std::optional<log::Format>>{"auto", std::nullopt},
                                 Choice<std::optional<log::Format>>{"text", log::Format::text},
                                 Choice<std::optional<log::Format>>{"json", log::Format::json}};

/// A Host header's name: letters, digits, `.`, `-`, `_`, or an IPv6 literal in brackets; no port.
Result<std::string> parse_host(std::string_view text) {
    const auto endpoint = parse_endpoint("http://" + std::string{text});
    if (!endpoint || endpoint->port || text.find('/') != std::string_view::npos) {
        return fail(ErrorCode::invalid_field, "a host is a name or an address, without scheme, port or path");
    }
    return endpoint->host;
}

/// `photos.example` or `*.photos.example`, with `:PORT` or `:*` where another port than the scheme's own is
/// meant.
Result<std::string> parse_host_pattern(std::string_view text) {
    std::string_view host = text;
    std::string_view port;
    if (const auto colon = text.rfind(':'); colon != std::string_view::npos && text.back() != ']') {
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    const bool any_below = host.starts_with("*.");
    const bool any_port = port == ":*";
    const auto name = parse_host(any_below ? host.substr(2) : host);
    if (!name || (!port.empty() && !any_port && !parse_endpoint("http://" + *name + std::string{port}))) {
        return fail(ErrorCode::invalid_field,
                    "a host is a name, *.name or an address, with :PORT or :* where it needs one");
    }
    return (any_below ? "*." : "") + *name + std::string{port};
}

ValidationError put_database_url(const RawValue& given, std::string& field) {
    auto text = read_text(given);
    if (!text) return text.error();
    const bool uri = text->starts_with("postgresql://") || text->starts_with("postgres://");
    if (!uri && text->find('=') == std::string::npos) {
        return "must be postgresql://… or key=value pairs, as libpq takes them";
    }
    field = std::move(*text);
    return std::nullopt;
}

Table server_table() {
    return {
        .pattern = "server",
        .prefix = "server",
        .help = "The HTTP server.",
        .options = {
            {"listen", Kind::list, "127.0.0.1:8080",
             "Addresses to listen on: `IP:PORT`, `[IPv6]:PORT` or `localhost:PORT`.",
             [](S s, G g) { return put_list(g, parse_listen_address, s.config.server.listen); }},
            {"metrics_listen", Kind::text, "127.0.0.1:9180",
             "Serves `/metrics` without authentication, and the operators' page with an operator's key.",
             [](S s, G g) { return put_parsed(g, parse_listen_address, s.config.server.metrics_listen); }},
            {"metrics_hosts", Kind::list, "",
             "Hosts that `metrics_listen` serves, beside `localhost`, loopback addresses and "
             "`allowed_hosts`; "
             "requests for others are answered 421. Where it is not loopback, any IP address is served too.",
             [](S s, G g) { return put_list(g, parse_host, s.config.server.metrics_hosts); }},
            {"public_url", Kind::text, "",
             "The public base URL of the gateway, for links in responses and callbacks: "
             "`https://photos.example`.",
             [](S s, G g) { return put_parsed(g, parse_endpoint, s.config.server.public_url); },
             Secrecy::open, "links are paths only"},
            {"allowed_hosts", Kind::list, "",
             "Hosts that are served; requests for others are answered 421. Empty: any.",
             [](S s, G g) { return put_list(g, parse_host, s.config.server.allowed_hosts); }},
            {"cors_origins", Kind::list, "", "Origins whose pages may call the API, or `*`. Empty: none.",
             [](S s, G g) {
                 return put_list(g, photogate::http::semantics::parse_origin, s.config.server.cors_origins);
             }},
            {"cors_credentials", Kind::choice, choice_text(kCors, standard().server.cors_credentials),
             "Whether these origins may send cookies and HTTP authentication: refused, allowed.",
             [](S s, G g) { return put_choice(g, kCors, s.config.server.cors_credentials); }},
            {"token_secrets", Kind::list, "",
             "Secrets of at least 32 characters that sign client tokens: the first signs, all verify.",
             [](S s, G g) { return put_signing_secrets(g, s.config.server.token_secrets); }, Secrecy::secret,
             "derived from the regions' worker secrets: the default region's signs, all verify"},
            {"io_threads", Kind::integer, "", "HTTP threads.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 256}), s.config.server.io_threads);
             },
             Secrecy::open, "the cores that affinity and cgroup quota allow"},
            {"max_connections", Kind::integer, std::to_string(standard().server.max_connections),
             "Concurrent connections. At the limit, new connections evict waits first, then those that have "
             "been "
             "idle the longest.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000'000}), s.config.server.max_connections);
             }},
            {"max_connections_per_address", Kind::integer,
             std::to_string(standard().server.max_connections_per_address),
             "Connections from one IPv4 address or one IPv6 /64; more are answered 429. 0: unlimited. "
             "Trusted proxies are exempt.",
             [](S s, G g) {
                 return put(read_integer(g, {0, 1'000'000}), s.config.server.max_connections_per_address);
             }},
            {"trusted_proxies", Kind::list, "127.0.0.0/8,::1",
             "Addresses and CIDR blocks of the proxies whose `X-Forwarded-For` is trusted.",
             [](S s, G g) { return put_list(g, parse_ip_block, s.config.server.trusted_proxies); }},
            {"interim_responses", Kind::choice, choice_text(kInterim, standard().server.interim_answers),
             "Who is sent interim responses (104) by which resumable uploads tell where they go on: auto "
             "(clients that "
             "come without a proxy), always (all proxies in front pass them on), never.",
             [](S s, G g) { return put_choice(g, kInterim, s.config.server.interim_answers); }},
            {"access_log", Kind::choice, choice_text(kAccessLogs, standard().server.access_log),
             "Which requests are logged: all, failures (5xx and aborted requests), none.",
             [](S s, G g) { return put_choice(g, kAccessLogs, s.config.server.access_log); }},
            {"max_requests_per_connection", Kind::integer,
             std::to_string(standard().server.max_requests_per_connection),
             "Requests after which a connection is closed.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000'000'000}), s.config.server.max_requests_per_connection);
             }},
            {"max_waits", Kind::integer, "",
             "Concurrent requests that wait for an upload (`?wait=`, event streams, DELETE); more are "
             "answered 503, a "
             "DELETE "
             "202. They are evicted first at the limit of connections.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000'000}), s.config.server.max_waits);
             },
             Secrecy::open, "half of max_connections"},
            {"max_waits_per_app", Kind::integer, std::to_string(standard().server.max_waits_per_app),
             "Waits of one app and its client tokens; more are answered 429.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000'000}), s.config.server.max_waits_per_app);
             }},
            {"max_waits_per_token", Kind::integer, std::to_string(standard().server.max_waits_per_token),
             "Waits of one client token; more are answered 429.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000'000}), s.config.server.max_waits_per_token);
             }},
            {"max_waits_per_address", Kind::integer, std::to_string(standard().server.max_waits_per_address),
             "Waits from one IPv4 address or one IPv6 /64; more are answered 429. Trusted proxies are "
             "exempt, "
             "their clients are not.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000'000}), s.config.server.max_waits_per_address);
             }},
            {"max_failed_authentications", Kind::integer,
             std::to_string(standard().server.max_failed_authentications),
             "Requests in a minute, of one IPv4 address or one IPv6 /64, whose credentials are not valid; "
             "more are "
             "answered 429, and those with valid ones as before. 0: any number. Trusted proxies are exempt, "
             "their "
             "clients are not.",
             [](S s, G g) {
                 return put(read_integer(g, {0, 1'000'000}), s.config.server.max_failed_authentications);
             }},
            {"max_transfers_per_token", Kind::integer,
             std::to_string(standard().server.max_transfers_per_token),
             "Requests at once that send resumable uploads made with one client token; more are answered "
             "429.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000'000}), s.config.server.max_transfers_per_token);
             }},
            {"max_transfers_per_address", Kind::integer,
             std::to_string(standard().server.max_transfers_per_address),
             "Requests at once that send resumable uploads from one IPv4 address or one IPv6 /64; more are "
             "answered 429. Trusted proxies are exempt, their clients are not.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000'000}), s.config.server.max_transfers_per_address);
             }},
            {"image_buffers", Kind::size, size_text(standard().server.image_buffers),
             "Memory for images that are being sent, 32 KiB each; more are answered 503. Images in a "
             "built-in store need none.",
             [](S s, G g) {
                 return put(read_size(g, {1 << 20, 1ULL << 36}), s.config.server.image_buffers);
             }},
            {"max_header", Kind::size, size_text(standard().server.max_header),
             "Maximum size of request line and headers together; larger ones are answered 431.",
             [](S s, G g) {
                 return put(read_size(g, {1 << 10, 1 << 20}), s.config.server.max_header);
             }},
            {"max_body", Kind::size, size_text(standard().server.max_body),
             "Maximum size of a request body for every route of the API; larger ones are answered 413. "
             "Most routes have lower limits of their own: 64 KiB to create an upload, 8 KiB for a "
             "token, 1 MiB for a store's events. It does not apply to the built-in store.",
             [](S s, G g) {
                 return put(read_size(g, {1 << 10, 64 << 20}), s.config.server.max_body);
             }},
            {"header_timeout", Kind::duration, duration_text(standard().server.header_timeout),
             "Maximum time for a request's headers to arrive.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 10min}), s.config.server.header_timeout);
             }},
            {"body_timeout", Kind::duration, duration_text(standard().server.body_timeout),
             "Maximum time for a request's body to arrive.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 10min}), s.config.server.body_timeout);
             }},
            {"idle_timeout", Kind::duration, duration_text(standard().server.idle_timeout),
             "Maximum idle time between requests on a connection.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 1h}), s.config.server.idle_timeout);
             }},
            {"write_timeout", Kind::duration, duration_text(standard().server.write_timeout),
             "Maximum time without progress in sending a response.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 10min}), s.config.server.write_timeout);
             }},
            {"drain_delay", Kind::duration, duration_text(standard().server.drain_delay),
             "On shutdown, `/readyz` fails for this long before the listeners close.",
             [](S s, G g) {
                 return put(read_duration(g, {0ms, 10min}), s.config.server.drain_delay);
             }},
            {"drain_timeout", Kind::duration, duration_text(standard().server.drain_timeout),
             "Then requests in progress may take this long.",
             [](S s, G g) {
                 return put(read_duration(g, {0ms, 1h}), s.config.server.drain_timeout);
             }},
        }};
}

Table database_table() {
    return {.pattern = "database",
            .prefix = "database",
            .help = "PostgreSQL 15 or newer: uploads, the job queue and the outbox.",
            .options = {
                {"url",
                 Kind::text,
                 "",
                 "A libpq connection string: `postgresql://user:password@host/name`, or `key=value` pairs.",
                 [](S s, G g) { return put_database_url(g, s.config.database.database_url); },
                 Secrecy::secret,
                 "required, or `folder`",
                 {"DATABASE_URL"}},
                {"folder", Kind::folder, "",
                 "Instead of `url`: the data folder of a private PostgreSQL that photogate starts and stops. "
                 "For one process on one machine.",
                 [](S s, G g) { return put(read_text(g), s.config.postgres_folder); }},
                records.integer("connections", &storage::records::RecordsOptions::connections, {3, 500},
                                "Maximum connections of one process."),
                {"pooler", Kind::choice, choice_text(kPoolers, standard().database.pooler),
                 "Whether `url` is PostgreSQL itself (none) or a pooler in transaction mode (transaction), "
                 "such as PgBouncer. Behind a pooler, work of other gateways is found by polling.",
                 [](S s, G g) { return put_choice(g, kPoolers, s.config.database.pooler); }},
                records.integer("group_limit", &storage::records::RecordsOptions::group_limit, {1, 10'000},
                                "Maximum rows that share one transaction."),
                records.integer(
                    "queue_limit", &storage::records::RecordsOptions::queue_limit, {1, 10'000'000},
                    "Maximum rows that wait for their transaction; requests beyond are answered 503."),
                records.duration("connect_timeout", &storage::records::RecordsOptions::connect_timeout,
                                 {100ms, 5min}, "Maximum time to establish a connection."),
                records.duration("statement_timeout", &storage::records::RecordsOptions::statement_timeout,
                                 {100ms, 5min}, "Maximum time for one statement."),
            }};
}

Table callbacks_table() {
    return {
        .pattern = "callbacks",
        .prefix = "callbacks",
        .help =
            "Signed callbacks to app servers. Private, loopback and link-local addresses are refused unless "
            "named here.",
        .options = {
            {"allowed_hosts", Kind::list, "",
             "Hosts that an upload's own `callback_url` may name: `app.example`, `*.app.example`, "
             "`app.example:8443`, `app.example:*`. Empty: none.",
             [](S s, G g) {
                 return put_list(g, parse_host_pattern, s.config.callbacks.policy.allowed_hosts);
             }},
            {"allowed_networks", Kind::list, "", "Private CIDR blocks that may be called: `10.1.2.0/24`.",
             [](S s, G g) -> ValidationError {
                 auto blocks = read_list(g);
                 if (!blocks) return blocks.error();
                 auto guard = notifier::callbacks::AddressGuard::make(*blocks);
                 if (!guard) return "is not valid: " + guard.error().detail;
                 s.config.callbacks.policy.guard = std::move(*guard);
                 s.config.callbacks.allowed_networks = std::move(*blocks);
                 return std::nullopt;
             }},
            {"http_hosts", Kind::list, "", "Hosts that may be called without TLS.",
             [](S s, G g) { return put_list(g, parse_host_pattern, s.config.callbacks.policy.http_hosts); }},
            {"ca_file", Kind::file, "", "CA certificates to trust instead of the system's.",
             [](S s, G g) { return put(read_text(g), s.config.callbacks.ca_file); }, Secrecy::open,
             "the system's"},
            {"timeout", Kind::duration, duration_text(standard().callbacks.sender.timeout),
             "Maximum time for one attempt, from connecting to the end of the response.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 60s}), s.config.callbacks.sender.timeout);
             }},
            {"senders", Kind::integer, std::to_string(standard().callbacks.sender.senders),
             "Concurrent deliveries.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 512}), s.config.callbacks.sender.senders);
             }},
            {"per_url", Kind::integer, std::to_string(standard().callbacks.sender.per_url),
             "Concurrent deliveries to one URL, over all gateways.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 512}), s.config.callbacks.sender.per_url);
             }},
            {"rate_per_url", Kind::integer, std::to_string(standard().callbacks.sender.per_second),
             "Attempts per second that one gateway starts to one URL; 0: unlimited.",
             [](S s, G g) {
                 return put(read_integer(g, {0, 100'000}), s.config.callbacks.sender.per_second);
             }},
            {"breaker_after", Kind::integer, std::to_string(standard().database.breaker.after),
             "Consecutive failures after which a URL's circuit breaker opens; 0: never.",
             [](S s, G g) {
                 return put(read_integer(g, {0, 1'000'000}), s.config.database.breaker.after);
             }},
            {"breaker_first", Kind::duration, duration_text(standard().database.breaker.first),
             "How long the breaker stays open at first; the time doubles with each failed probe.",
             [](S s, G g) {
                 return put_seconds(read_duration(g, {1s, 1h}), s.config.database.breaker.first);
             }},
            {"breaker_longest", Kind::duration, duration_text(standard().database.breaker.longest),
             "The longest time the breaker stays open.",
             [](S s, G g) {
                 return put_seconds(read_duration(g, {1s, 1h}), s.config.database.breaker.longest);
             }},
        }};
}

}  // namespace

std::vector<Table> service_tables() {
    return {
        {.pattern = "",
         .prefix = "",
         .help = "At the top of the file.",
         .options = {{"unsafe", Kind::boolean, "false",
                      "Start even if the store's credentials or buckets, or the imager's jail, are not safe. "
                      "Anonymous clients may then read originals.",
                      [](S s, G g) -> ValidationError {
                          const auto allowed = read_boolean(g);
                          if (!allowed) return allowed.error();
                          s.config.unsafe = *allowed ? UnsafeStore::allow : UnsafeStore::reject;
                          return std::nullopt;
                      }}}},
        server_table(),
        database_table(),
        callbacks_table(),
        {.pattern = "retention",
         .prefix = "retention",
         .help = "How long what is not published is kept.",
         .options = {kept.duration("events", &storage::records::Retention::events, {1h, 24h * 365},
                                   "Ids of received events."),
                     kept.duration("idempotency", &storage::records::Retention::idempotency, {1min, 24h * 30},
                                   "Idempotency keys."),
                     kept.duration("attempts", &storage::records::Retention::attempts, {1h, 24h * 3650},
                                   "Delivery attempts of callbacks; quarantined events."),
                     kept.duration("callbacks", &storage::records::Retention::callbacks, {1h, 24h * 3650},
                                   "Delivered callbacks, and events without a callback URL: how far "
                                   "back `GET /v1/events` goes."),
                     kept.duration("dead_callbacks", &storage::records::Retention::dead_callbacks,
                                   {1h, 24h * 3650}, "Dead callbacks."),
                     kept.duration(
                         "rejected", &storage::records::Retention::rejected, {1h, 24h * 3650},
                         "Rejected and failed uploads with their files; then they are erased as by DELETE."),
                     kept.duration("uploads", &storage::records::Retention::uploads, {1h, 24h * 3650},
                                   "The records of uploads that expired, were cancelled or deleted. "
                                   "Published uploads stay."),
                     kept.duration("packages", &storage::records::Retention::packages, {24h, 24h * 3650},
                                   "The records of packages that have expired, failed or were deleted, "
                                   "without the names in them.")}},
        {.pattern = "log",
         .prefix = "log",
         .help = "One event per line, to standard error.",
         .options = {{"format", Kind::choice, choice_text(kFormats, standard().log.format),
                      "auto (text on a terminal, JSON otherwise), text, json.",
                      [](S s, G g) { return put_choice(g, kFormats, s.config.log.format); }},
                     {"level", Kind::choice, choice_text(kLevels, standard().log.level),
                      "debug, info, warn, error.",
                      [](S s, G g) { return put_choice(g, kLevels, s.config.log.level); }}}},
    };
}

}  // namespace photogate::gateway::config
