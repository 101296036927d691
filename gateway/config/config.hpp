// The whole configuration as one value: what each module needs, valid, with every default filled in.
//
// Made once by load(); passed on in parts, never asked for from inside a module. Holds secrets: no part of it
// is logged.
//
// Thread safety: an immutable value.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "base/ip_address.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "base/words.hpp"
#include "gateway/access/api_key.hpp"
#include "gateway/config/listen_address.hpp"
#include "gateway/http/flowing_body.hpp"
#include "gateway/http/server.hpp"
#include "gateway/placement/region_finder.hpp"
#include "http/semantics/cors.hpp"
#include "imaging/imager_pool.hpp"
#include "model/policy/profile.hpp"
#include "notifier/callbacks/address_guard.hpp"
#include "notifier/callbacks/callback_sender.hpp"
#include "notifier/events/dialect.hpp"
#include "notifier/events/oidc_token.hpp"
#include "notifier/events/sns_signature.hpp"
#include "notifier/purges/purge_hook.hpp"
#include "notifier/queues/r2_queue.hpp"
#include "storage/records/options.hpp"

namespace photogate::gateway::config {

struct Server {
    std::vector<ListenAddress> listen;
    ListenAddress metrics_listen;
    /// How clients reach us, for links; nullopt: links are paths alone.
    std::optional<Endpoint> public_url;
    std::vector<std::string> metrics_hosts;  ///< of the Host header at metrics_listen, beside loopback names
    std::vector<std::string> allowed_hosts;  ///< of the Host header, lower case, without port; empty: any
    std::vector<std::string> cors_origins;   ///< exact origins, or the one item `*`; empty: no CORS
    photogate::http::semantics::CorsCredentials cors_credentials =
        photogate::http::semantics::CorsCredentials::never;
    std::vector<Secret> token_secrets;  ///< of client tokens: the first signs, all verify; empty: derived
    std::size_t io_threads = 0;

    std::vector<IpBlock> trusted_proxies;  ///< whose X-Forwarded-For is used
    http::InterimAnswers interim_answers = http::InterimAnswers::direct;
    http::AccessLog access_log = http::AccessLog::failures;  ///< which requests are logged, a line each
    std::size_t max_connections = 4'096;
    std::size_t max_connections_per_address = 512;  ///< 0: any number
    std::size_t max_requests_per_connection = 1'000;
    std::size_t max_waits = 0;  ///< requests that wait for an upload at once
    std::size_t max_waits_per_app = 1'024;
    std::size_t max_waits_per_token = 64;
    std::size_t max_waits_per_address = 256;
    std::size_t max_transfers_per_token = 32;  ///< requests that send a resumable upload at once
    std::size_t max_transfers_per_address = 256;
    std::uint32_t max_failed_authentications = 600;  ///< of one address in a minute; 0: any number
    ByteSize image_buffers = 64U << 20;              ///< memory of images on their way to readers
    ByteSize max_header = 16U << 10;
    ByteSize max_body = 1U << 20;
    std::chrono::milliseconds header_timeout = std::chrono::seconds{10};
    std::chrono::milliseconds body_timeout = std::chrono::seconds{30};
    std::chrono::milliseconds idle_timeout = std::chrono::seconds{30};
    std::chrono::milliseconds write_timeout = std::chrono::seconds{10};
    /// /readyz says no for this long before the listeners close …
    std::chrono::milliseconds drain_delay = std::chrono::seconds{0};
    /// … and what is under way may take this long after it.
    std::chrono::milliseconds drain_timeout = std::chrono::seconds{30};
};

/// What `/i/` does with query parameters that are not its own.
enum class UnknownParameters { ignored, redirected, refused };

struct Delivery {
    UnknownParameters unknown_parameters = UnknownParameters::ignored;
    std::size_t versions_making = 64;          ///< versions of images under way at once
    std::size_t versions_making_per_app = 32;  ///< of them, of one app
    std::uint32_t versions_of_image = 500;     ///< beyond the sizes within it
    std::chrono::milliseconds version_wait = std::chrono::seconds{10};  ///< how long a request waits for one
    std::chrono::seconds keep_unused_versions = std::chrono::hours{24 * 90};  ///< 0: for ever
    std::chrono::milliseconds variants_budget =
        std::chrono::seconds{4};        ///< before a publication, for its variants
    ByteSize memory_cache = 64U << 20;  ///< of images; 0: none
    ByteSize disk_cache = 0;            ///< of a distant store's images; 0: none
    std::string disk_cache_path;
};

/// Packages: many pictures as one zip.
struct Packages {
    std::uint64_t most_items = 50'000;                               ///< of one package
    ByteSize most_bytes = ByteSize{1} << 40;                         ///< of one package
    std::chrono::seconds default_life = std::chrono::hours{24 * 7};  ///< longest_life where that is shorter
    std::chrono::seconds longest_life = std::chrono::hours{24 * 30};
    std::uint64_t most_preparing = 20;      ///< of one app at once
    ByteSize max_body = 8U << 20;           ///< of a request that makes a package
    bool store_links = true;                ///< whether apps get links of the store to stored ones
    ByteSize buffers = 64U << 20;           ///< memory of packages on their way to readers
    std::size_t downloads_of_package = 32;  ///< at once, on one gateway
};

struct Worker {
    std::size_t concurrency = 0;        ///< uploads processed at once
    std::size_t store_concurrency = 0;  ///< jobs at once that move or remove objects
    std::chrono::seconds lease = std::chrono::seconds{60};
    std::chrono::milliseconds poll = std::chrono::seconds{1};
    std::chrono::milliseconds reap_interval = std::chrono::seconds{10};
    std::chrono::milliseconds reconcile_interval = std::chrono::seconds{60};
    std::chrono::seconds expiry_grace = std::chrono::minutes{15};
    std::chrono::milliseconds sweep_interval = std::chrono::hours{24};
    std::chrono::seconds sweep_age = std::chrono::hours{24};
    std::chrono::seconds keep_parts = std::chrono::hours{24 * 7};
    std::chrono::milliseconds proof_interval = std::chrono::hours{1};
    std::vector<std::string> regions;  ///< those whose stores are near; empty: all are
    /// How long a job of any other region is left to workers that are nearer.
    std::chrono::milliseconds far_after = std::chrono::seconds{10};
};

/// Which clients a region is near to, and what stands in for it.
struct RegionPlaces {
    std::vector<IpBlock> networks;
    std::vector<std::string> countries;
    std::vector<std::string> continents;
    std::vector<std::string> fallback;
};

/// Which region a new upload goes to that names none.
struct Placement {
    std::string default_region;  ///< empty: `default`, or the only one
    std::chrono::milliseconds probe_interval = std::chrono::seconds{2};
    std::map<std::string, RegionPlaces> of;
    placement::PlacementRules rules;  ///< the regions' places among them, once the configuration is valid
    /// Of the regions that name any.
    std::map<std::string, std::vector<std::string>> fallbacks;
};

/// The built-in store: objects in a folder of this machine, spoken to as S3 on a listener of its own.
struct BuiltinStore {
    std::string folder;  ///< empty: there is none
    ListenAddress listen;
    Endpoint internal;                 ///< what this machine reaches the listener by
    Endpoint external;                 ///< what clients see
    std::vector<std::string> domains;  ///< under which a bucket may stand as a host name
    std::vector<std::string> cors_origins;
    std::chrono::milliseconds body_timeout = std::chrono::hours{6};
    ByteSize max_object_size = 0;  ///< of the incoming bucket; 0: no limit
    bool encrypted_disk = false;
    std::size_t threads = 16;
    std::string region;  ///< the entry of Config::regions that is this store
};

/// How the sender of a source is recognized.
enum class EventAuthentication { bearer, basic, header, query, sns, b2, oidc };

struct EventSource {
    /// Those it may speak for. No two of them have incoming buckets of one name.
    std::vector<std::string> regions;
    notifier::events::Dialect dialect = notifier::events::Dialect::automatic;
    notifier::events::KeyEncoding key_encoding = notifier::events::KeyEncoding::form;
    std::vector<Secret> tokens;  ///< two while one is being rotated
    EventAuthentication authentication = EventAuthentication::bearer;
    std::string header = "x-api-key";  ///< of EventAuthentication::header
    notifier::events::SnsPolicy sns;   ///< without its tokens
    notifier::events::OidcPolicy oidc;
    /// Of keys and confirmations that are fetched. Which addresses may be connected to, and whose certificates count.
    std::vector<std::string> allowed_networks;
    notifier::callbacks::AddressGuard guard;
    std::string ca_file;  ///< empty: the system's
    /// Of a queue that is asked; its `url` is empty where there is none.
    notifier::queues::R2QueueOptions queue;
    std::chrono::milliseconds queue_interval = std::chrono::seconds{2};
};

struct Callbacks {
    /// For URLs that an upload names; `policy.guard` also decides which addresses are connected to.
    notifier::callbacks::CallbackUrlPolicy policy;
    std::vector<std::string> allowed_networks;  ///< CIDR blocks, already in policy.guard
    std::string ca_file;                        ///< empty: the system's
    notifier::callbacks::SenderOptions sender;
};

/// Malware in what was uploaded: who is asked.
struct Scanner {
    enum class Kind { none, clamd, icap } kind = Kind::none;
    /// What becomes of a file that the scanner has no verdict on, while it has one on others.
    enum class OnLimit { reject, publish } on_limit = OnLimit::reject;
    std::string address;                        ///< of that kind
    std::chrono::milliseconds timeout{30'000};  ///< of one file
    std::uint64_t max_stream = 25U << 20;       ///< no longer file is sent
};

struct Log {
    /// nullopt: text on a terminal, JSON otherwise.
    std::optional<log::Format> format;
    log::Level level = log::Level::info;
};

/// Spans of what is done, sent to a collector.
struct Tracing {
    std::string endpoint;  ///< whole, as `http://127.0.0.1:4318/v1/traces`; empty: off
    std::string service_name = "photogate";
    double sample_ratio = 1.0;  ///< of traces that begin here
    std::size_t queue = 2'048;  ///< spans that wait to be sent
    std::chrono::milliseconds interval = std::chrono::seconds{5};
    std::chrono::milliseconds timeout = std::chrono::seconds{5};
    std::string library;  ///< the exporter's file, whether it is there or not
};

/// What to do when the start-up proof finds that the store's credentials or buckets are not safe.
enum class UnsafeStore { reject, allow };

/// What an entry of `[apps.NAME]` may do, and how it shows who it is.
struct Access {
    access::Role role = access::Role::app;
    std::vector<signer::Sha256> keys;
};

struct Config {
    std::string file;  ///< the file that was read; empty: none
    std::string
        data_folder;  ///< the folder of a start without configuration, whose file that is; empty: none
    Server server;
    storage::records::RecordsOptions database;
    /// Of a PostgreSQL of photogate's own, which `database.database_url` is completed from; empty: there is
    /// none.
    std::string postgres_folder;
    std::map<std::string, model::StoreRegion> regions;  ///< at least one, but for commands that need none
    BuiltinStore store;
    Placement placement;
    /// Of uploads that name none: that of `placement`, `default`, or the only one; empty where there are several and none is so
    /// called.
    std::string default_region;
    Delivery delivery;
    Packages packages;
    imaging::PoolOptions imaging;
    bool imagers_while_serving = false;  ///< in role `serve` too, which processes no uploads
    Worker worker;
    std::map<std::string, EventSource> events;  ///< by the name in /v1/events/{source}
    model::Apps apps;                           ///< those of role `app`
    std::map<AppName, Access> access;
    access::KeyRing keys;  ///< of apps and operators, from `access`
    Callbacks callbacks;
    notifier::purges::PurgeHooks purges;  ///< caches that are told of deletions
    Log log;
    Tracing tracing;
    UnsafeStore unsafe = UnsafeStore::reject;
    std::map<AppName, model::Hooks>
        hooks;  ///< of an app's profiles that have none of their own; then in these too
    Scanner scanner;
};

}  // namespace photogate::gateway::config
